//! Medians.

use super::median;

#[test]
fn the_median_is_the_middle() {
    assert_eq!(median(&[]), 0.0);
    assert_eq!(median(&[3.0]), 3.0);
    assert_eq!(median(&[9.0, 1.0]), 5.0);
    assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(&[4.0, 100.0, 1.0, 2.0]), 3.0);
}
