//! Tests that a batch gives back what was put in, series by series.

use super::{Sample, WriteBatch};
use crate::labels::{InvalidLabels, Labels};

fn sample(time: i64) -> Sample {
    Sample { time, value: time as f64, start: 0 }
}

#[test]
fn samples_stay_with_their_series() {
    let mut batch = WriteBatch::default();
    batch.begin_series(&mut [("b", "2"), ("a", "1"), ("c", "")]).expect("is valid");
    batch.push_sample(sample(1));
    batch.push_sample(sample(2));
    batch.begin_series(&mut [("a", "2")]).expect("is valid");
    batch.begin_series(&mut [("a", "3")]).expect("is valid");
    batch.push_sample(sample(3));

    let seen: Vec<_> = batch
        .series()
        .map(|series| {
            let labels = Labels::from_bytes(series.labels).expect("is packed");
            (labels.to_string(), series.samples.iter().map(|sample| sample.time).collect())
        })
        .collect();
    let expect: [(String, Vec<i64>); 3] = [
        ("{a=\"1\", b=\"2\"}".to_owned(), vec![1, 2]),
        ("{a=\"2\"}".to_owned(), vec![]),
        ("{a=\"3\"}".to_owned(), vec![3]),
    ];
    assert_eq!(seen, expect);
    batch.clear();
    assert!(batch.is_empty());
}

#[test]
fn a_refused_series_leaves_nothing_behind() {
    let mut batch = WriteBatch::default();
    assert_eq!(
        batch.begin_series(&mut [("b", "1"), ("a", "1"), ("b", "2")]),
        Err(InvalidLabels::DuplicateName("b".to_owned()))
    );
    assert_eq!(batch.begin_series(&mut [("", "x")]), Err(InvalidLabels::EmptyName("x".to_owned())));
    assert!(batch.is_empty());
}

#[test]
fn a_label_can_be_added_to_a_whole_batch() {
    let mut one = WriteBatch::default();
    one.begin_series(&mut [("z", "1")]).expect("is valid");
    one.push_sample(sample(1));
    let mut all = WriteBatch::default();
    all.begin_series(&mut [("a", "0")]).expect("is valid");
    all.push_sample(sample(0));
    all.append_labelled(&one, "tenant", "acme");
    let last = all.series().last().expect("is there");
    let labels = Labels::from_bytes(last.labels).expect("is packed");
    assert_eq!(labels.to_string(), "{tenant=\"acme\", z=\"1\"}");
    assert_eq!(last.samples, [sample(1)]);
    assert_eq!(all.sample_count(), 2);
}
