//! Sliding edges against windows that are looked for from scratch.

use proptest::prelude::*;

use super::Edges;

proptest! {
    #[test]
    fn edges_slide_to_the_samples_of_the_window(
        gaps in proptest::collection::vec(prop_oneof![8 => Just(15i64), 2 => 1i64..200], 0..200),
        length in 1i64..400,
        step in 1i64..400,
        start in -100i64..500,
    ) {
        let times: Vec<i64> = gaps
            .iter()
            .scan(0, |time, gap| {
                *time += gap;
                Some(*time)
            })
            .collect();
        let mut edges = Edges::default();
        for number in 0..40 {
            let end = start + number * step;
            let place = |limit: i64| times.partition_point(|time| *time <= limit);
            let found = edges.slide(&times, end - length, end);
            prop_assert_eq!(found, place(end - length)..place(end));
        }
    }
}
