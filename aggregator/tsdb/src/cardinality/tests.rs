//! Tests of the largest counts.

use proptest::prelude::*;

use super::{Cardinality, Count, Largest, SUMS_MAX, Sum};

proptest! {
    #[test]
    fn the_largest_are_those_that_sorting_puts_first(
        counts in prop::collection::vec(0u64..6, 0..40),
        limit in 1usize..12,
    ) {
        let mut largest = Largest::new(limit);
        let mut expected = Vec::new();
        for (number, count) in counts.into_iter().enumerate() {
            let name = format!("n{number:02}");
            largest.offer(count, || name.clone());
            expected.push(Count { name, count });
        }
        expected.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        expected.truncate(limit);
        prop_assert_eq!(largest.into_counts(), expected);
    }
}

#[test]
fn sums_stay_bounded_and_keep_the_large() {
    let mut sum = Sum::default();
    for tenant in 0..4 {
        let small = (0..SUMS_MAX / 2).map(|number| (format!("t{tenant}-{number}"), 1));
        let counts = small.chain([("large".to_owned(), 10)]);
        let series_by_metric = counts.map(|(name, count)| Count { name, count }).collect();
        let times = Some((i64::from(tenant), 10 - i64::from(tenant)));
        sum.add(Cardinality { series: 3, series_by_metric, times, ..Cardinality::default() });
        assert!(sum.lists[0].len() <= SUMS_MAX);
    }
    let total = sum.finish(1);
    assert_eq!(total.series_by_metric, [Count { name: "large".to_owned(), count: 40 }]);
    assert_eq!((total.series, total.times), (12, Some((0, 10))));
}
