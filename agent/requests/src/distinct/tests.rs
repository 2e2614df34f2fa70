//! Tests of estimates against what was put in.

use super::Distinct;

#[test]
fn estimates_are_near() {
    for count in [0u64, 1, 10, 1_000, 100_000] {
        let mut distinct = Distinct::default();
        for _ in 0..2 {
            (0..count).for_each(|key| distinct.insert(&key.to_le_bytes()));
        }
        let estimate = distinct.estimate();
        assert!((estimate - count as f64).abs() <= count as f64 * 0.03, "{count}: {estimate}");
        assert_eq!(Distinct::load(distinct.save()), Some(distinct));
    }
    assert_eq!(Distinct::load(vec![0; 3]), None);
}
