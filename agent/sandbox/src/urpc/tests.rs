//! Tests of where a reply ends.

use proptest::prelude::*;

use super::{DEPTH_MAX, FrameError, Framer};

#[test]
fn a_reply_ends_where_its_braces_balance() {
    let cases: [(&str, Result<bool, FrameError>); 10] = [
        (r#"{"a":1}"#, Ok(true)),
        (" {}\n ", Ok(true)),
        (r#"{"a":"}"}"#, Ok(true)),
        (r#"{"a":"\"}"}"#, Ok(true)),
        (r#"{"a":[{}]"#, Ok(false)),
        ("", Ok(false)),
        ("[]", Err(FrameError::NoObject)),
        ("5", Err(FrameError::NoObject)),
        ("}", Err(FrameError::NoObject)),
        ("{}{", Err(FrameError::Trailing)),
    ];
    for (text, expected) in cases {
        assert_eq!(Framer::default().push(text.as_bytes()), expected, "{text:?}");
    }
    let deep = format!("{{{}", "[".repeat(DEPTH_MAX));
    assert_eq!(Framer::default().push(deep.as_bytes()), Err(FrameError::Deep));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![any::<u64>().prop_map(Into::into), "\\PC*".prop_map(Into::into)];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::btree_map("\\PC*", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_object_ends_at_its_last_byte_however_it_is_cut(value in json(), cut in 1..20usize) {
        let text = serde_json::json!({ "result": value }).to_string();
        let mut framer = Framer::default();
        let (last, head) = text.as_bytes().split_last().expect("has bytes");
        for piece in head.chunks(cut) {
            prop_assert_eq!(framer.push(piece), Ok(false));
        }
        prop_assert_eq!(framer.push(&[*last]), Ok(true));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _answer = Framer::default().push(&bytes);
    }
}
