//! What is counted, and that reading ends in time.

use super::*;

#[derive(Debug, Deserialize)]
struct Read {
    #[serde(default, deserialize_with = "list")]
    list: Vec<[u64; 10]>,
    #[serde(default, deserialize_with = "map")]
    map: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "lists_at_most::<_, _, 2>")]
    lists: Vec<Vec<u64>>,
}

fn read(bytes_max: usize, text: &str) -> Result<(Read, usize), serde_json::Error> {
    within(bytes_max, text.len(), || serde_json::from_str(text))
}

#[test]
fn what_is_read_is_counted() {
    let entry = "[0,0,0,0,0,0,0,0,0,0]";
    for (text, least) in [
        ("{}".to_owned(), 2),
        (format!("{{\"list\":[{entry},{entry}]}}"), 160),
        ("{\"map\":{\"a\":\"\"}}".to_owned(), 11 * 48),
        ("{\"map\":{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\",\"e\":\"\",\"f\":\"\",\"g\":\"\"}}".to_owned(), 22 * 48),
        ("{\"lists\":[[1],[]]}".to_owned(), 48 + 8),
    ] {
        let (_, used) = read(usize::MAX, &text).expect("is read");
        assert!(used >= least && used < least + 600, "{text}: {used}");
        let (again, exactly) = read(used, &text).expect("fits");
        assert_eq!(exactly, used, "{again:?}");
        read(used - 1, &text).expect_err("has no room");
    }
}

#[test]
fn a_list_beyond_its_bound_is_refused_and_nothing_stays_noted() {
    assert_eq!(read(1000, "{\"lists\":[[],[]]}").expect("is read").0.lists.len(), 2);
    read(1000, "{\"lists\":[[],[],[]]}").expect_err("is too long");
    read(10, "{\"list\":[[0,0,0,0,0,0,0,0,0,0]]}").expect_err("is too large");
    let outside: Read = serde_json::from_str("{\"map\":{\"a\":\"b\"}}").expect("has no bound");
    assert_eq!((outside.map.len(), outside.list.len()), (1, 0));
}
