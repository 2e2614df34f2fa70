//! Tests of texts that are kept together.

use proptest::prelude::*;

use super::{DEAD_MIN, Text, Texts};

proptest! {
    #[test]
    fn texts_stay_the_same_while_others_come_and_go(
        steps in proptest::collection::vec((any::<bool>(), 0usize..1000, "[a-zé∞]{0,300}"), 1..200),
    ) {
        let mut texts = Texts::default();
        let mut kept: Vec<(Text, String)> = Vec::new();
        for (is_new, at, text) in steps {
            if is_new || kept.is_empty() {
                kept.push((texts.push(&text), text));
            } else {
                let (place, _) = kept.swap_remove(at % kept.len());
                texts.forget(place);
                texts.compact(kept.iter_mut().map(|(place, _)| place));
            }
            for (place, text) in &kept {
                prop_assert_eq!(texts.get(*place), text);
            }
        }
        for (place, _) in kept.drain(..) {
            texts.forget(place);
        }
        texts.compact(std::iter::empty());
        prop_assert!(texts.heap_bytes() <= 2 * DEAD_MIN);
    }
}

#[test]
fn forgotten_texts_take_no_more_than_those_that_are_left() {
    let mut texts = Texts::default();
    let mut places: Vec<Text> = (0..10_000).map(|n| texts.push(&format!("web-{n:05}"))).collect();
    for place in places.drain(1000..) {
        texts.forget(place);
    }
    texts.compact(places.iter_mut());
    assert_eq!(texts.get(places[999]), "web-00999");
    assert!(texts.heap_bytes() < 12_000, "{}", texts.heap_bytes());
    assert!(texts.has_room(1 << 30) && !texts.has_room(u32::MAX as usize));
}
