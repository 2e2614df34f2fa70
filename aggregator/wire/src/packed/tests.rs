//! Tests that packed labels are read as `model` packs them.

use model::labels::Labels;

use super::{labels, metric};

#[test]
fn reads_what_the_model_packs() {
    let long = "v".repeat(300);
    let set = Labels::new([("__name__", "up"), ("z", "é"), ("a", &long)]).expect("is valid");
    assert_eq!(labels(set.as_bytes()).collect::<Vec<_>>(), set.iter().collect::<Vec<_>>());
    assert_eq!(metric(set.as_bytes()), "up");
    assert_eq!(metric(Labels::default().as_bytes()), "");
}
