//! Tests of slabs against records kept by themselves.

use proptest::prelude::*;

use super::{Place, Slabs, View};

type Records = Vec<(Place, Vec<u8>)>;

fn found(view: &View, place: Place, length: usize) -> Option<Vec<u8>> {
    Some(view.from(place)?.0.get(..length)?.to_vec())
}

proptest! {
    /// Whoever has a view sees what was there when it was taken, whatever happens since.
    #[test]
    fn views_do_not_change(
        steps in proptest::collection::vec((0u8..6, any::<usize>(), 0usize..200), 0..300),
    ) {
        let mut slabs = Slabs::default();
        let mut records: Records = Vec::new();
        let mut views: Vec<(View, Records)> = Vec::new();
        for (number, (kind, any, length)) in steps.into_iter().enumerate() {
            match kind {
                0 if !records.is_empty() => {
                    let (place, bytes) = records.swap_remove(any % records.len());
                    slabs.release(place, bytes.len());
                }
                1 => views.push((slabs.view().clone(), records.clone())),
                2 if !views.is_empty() => drop(views.swap_remove(any % views.len())),
                _ => {
                    let length = if any % 50 == 0 { length * 200 } else { length };
                    let bytes = vec![number as u8; length];
                    let place = slabs.append(length + any % 9, |_, out| out.extend(&bytes));
                    records.push((place, bytes));
                }
            }
            for (view, records) in views.iter().chain([&(slabs.view().clone(), records.clone())]) {
                for (place, bytes) in records {
                    let found = found(view, *place, bytes.len());
                    prop_assert_eq!(found.as_ref(), Some(bytes));
                }
            }
            let sum: usize = records.iter().map(|(_, bytes)| bytes.len()).sum();
            prop_assert_eq!(slabs.used_bytes(), sum);
        }
        for (place, bytes) in records {
            slabs.release(place, bytes.len());
        }
        prop_assert_eq!((slabs.used_bytes(), slabs.heap), (0, 0));
        prop_assert_eq!(slabs.free.len(), slabs.live.len(), "numbers are used again");
    }
}

#[test]
fn copies_of_a_slab_have_one_mark() {
    let mut slabs = Slabs::default();
    let place = slabs.append(1, |_, out| out.push(1));
    let before = slabs.view().clone();
    slabs.append(1, |_, out| out.push(2));
    let marks =
        [&before, slabs.view()].map(|view| std::sync::Arc::as_ptr(view.from(place).unwrap().1));
    assert_eq!(marks[0], marks[1]);
    assert_eq!(before.from(place).unwrap().0, [1]);
    assert_eq!(slabs.view().from(place).unwrap().0, [1, 2]);
}
