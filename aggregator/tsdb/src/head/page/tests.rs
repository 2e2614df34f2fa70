//! Tests of pages, against plain lists.

use proptest::prelude::*;

use super::{PAGE_SERIES, Page};

fn filled(lists: &[Vec<u32>]) -> Page {
    let mut page = Page::default();
    for list in lists {
        list.iter().for_each(|pair| page.push(*pair));
        page.end_series();
    }
    page
}

fn lists(pairs: u32) -> impl Strategy<Value = Vec<Vec<u32>>> {
    proptest::collection::vec(proptest::collection::vec(0..pairs, 0..20), 0..=PAGE_SERIES)
}

proptest! {
    #[test]
    fn pages_hold_what_was_added(
        lists in prop_oneof![lists(10), lists(250), lists(100_000)],
        pack in any::<bool>(),
    ) {
        let mut page = filled(&lists);
        if pack {
            page.pack();
        }
        for (place, list) in lists.iter().enumerate() {
            prop_assert_eq!(&page.pairs_of(place).collect::<Vec<u32>>(), list);
            let mut copied = vec![7];
            page.copy_pairs(place, &mut copied);
            prop_assert_eq!(&copied[1..], list);
        }
        prop_assert_eq!(page.pairs_of(lists.len()).count(), 0);
    }
}

#[test]
fn shared_labels_take_a_byte_each() {
    let lists: Vec<Vec<u32>> =
        (0..20).map(|series| (100..109).chain([1000 + series]).collect()).collect();
    let bytes = filled(&lists).heap_bytes() - size_of::<Page>();
    assert!(bytes < 29 * 4 + 200 + 150, "{bytes}");
    // So many pairs that a byte cannot tell them apart.
    let lists: Vec<Vec<u32>> =
        (0..64).map(|series| (series * 10..series * 10 + 10).collect()).collect();
    assert!(filled(&lists).heap_bytes() > 64 * 10 * 4);
}
