//! Tests of what travels as remote write beside the frames.

use std::sync::Arc;

use model::{
    exemplar::Exemplar,
    histogram::Histogram,
    labels::Labels,
    metadata::{Metadata, MetricType},
    time::Timestamp,
    write::{HistogramSample, Sample, WriteBatch},
};

use super::{Link, TIME, floats};
use crate::remote_write::EncodeStats;

fn begin(batch: &mut WriteBatch, metric: &str) {
    let mut labels = [("__name__", metric), ("app", "a"), ("tenant", "t")];
    batch.begin_series(&mut labels).expect("is valid");
}

fn sample(time: i64) -> Sample {
    Sample { time, value: 4.5, start: 0 }
}

#[test]
fn what_is_no_plain_float_is_a_batch() {
    let mut batch = WriteBatch::default();
    begin(&mut batch, "plain");
    batch.push_sample(sample(TIME));
    begin(&mut batch, "started");
    batch.push_sample(Sample { start: TIME - 5, ..sample(TIME) });
    begin(&mut batch, "several");
    batch.push_sample(sample(TIME));
    batch.push_sample(sample(TIME + 1));
    begin(&mut batch, "native");
    let value = Arc::new(Histogram::default());
    batch.push_histogram(HistogramSample { time: TIME, value, start: 0 });
    begin(&mut batch, "plain");
    batch.push_sample(sample(TIME));
    let mut link = Link::default();
    for _ in 0..2 {
        let (framed, rest, stats) = link.send(&batch);
        assert_eq!(framed.len(), 1);
        let metrics: Vec<_> =
            rest.series().map(|series| crate::packed::metric(series.labels).to_owned()).collect();
        assert_eq!(metrics, ["started", "several", "native", "plain"]);
        assert_eq!((stats.framed, stats.batched), (1, 5));
    }
}

/// Exemplars come with some samples only, which must not make their groups register again.
#[test]
fn exemplars_follow_in_the_batch() {
    let mut link = Link::default();
    for number in 0..4 {
        let mut batch = WriteBatch::default();
        for metric in ["x", "y"] {
            begin(&mut batch, metric);
            batch.push_sample(sample(TIME + number));
        }
        if number % 2 == 1 {
            let labels = Labels::new([("trace_id", "t1")]).expect("is valid");
            batch.push_exemplar(Exemplar { labels, value: 1.0, time: Timestamp(TIME) });
        }
        let (framed, rest, stats) = link.send(&batch);
        assert_eq!(framed, floats(&batch));
        assert_eq!(rest.exemplar_count(), batch.exemplar_count());
        assert_eq!(stats.groups_registered, usize::from(number == 0));
    }
}

#[test]
fn descriptions_come_with_one_series_of_each_tenant() {
    let mut batch = WriteBatch::default();
    for tenant in ["t", "u"] {
        for app in ["a", "b"] {
            for metric in ["lone", "wide_bucket", "wide_sum", "plain"] {
                let mut labels = [("__name__", metric), ("app", app), ("tenant", tenant)];
                batch.begin_series(&mut labels).expect("is valid");
                batch.push_sample(sample(TIME));
            }
        }
    }
    let describe = |kind| Metadata { kind, help: "what".to_owned(), unit: String::new() };
    batch.push_metadata("lone".to_owned(), describe(MetricType::Gauge));
    batch.push_metadata("wide".to_owned(), describe(MetricType::Histogram));
    batch.push_metadata("absent".to_owned(), describe(MetricType::Gauge));
    let (framed, rest, stats) = Link::default().send(&batch);
    assert_eq!(framed, floats(&batch), "the frames are whole");
    assert_eq!(rest.series_count(), 4);
    assert_eq!(stats.batch, EncodeStats { metadata_dropped: 1, ..EncodeStats::default() });
    let mut described: Vec<_> = rest.metadata().iter().map(|(metric, _)| metric.as_str()).collect();
    described.sort_unstable();
    described.dedup();
    assert_eq!(described, ["lone", "wide"]);
}

/// A receiver refuses a whole body for one bad group, but of a batch only the bad series.
#[test]
fn what_no_group_may_have_is_left_to_the_batch() {
    let long = "x".repeat(10_000);
    let many: Vec<_> = (0..200).map(|number| format!("l{number:03}")).collect();
    let mut many: Vec<_> = many.iter().map(|name| (name.as_str(), "v")).collect();
    many.push(("__name__", "many"));
    let cases: [&mut [(&str, &str)]; 5] = [
        &mut [("app", "a"), ("tenant", "t")],
        &mut [("__name__", "x"), ("app", &long), ("tenant", "t")],
        &mut [("__name__", "x"), (&long, "a"), ("tenant", "t")],
        &mut [("__name__", "x"), ("tenant", "no/name")],
        &mut many,
    ];
    for labels in cases {
        let mut batch = WriteBatch::default();
        batch.begin_series(labels).expect("is valid");
        batch.push_sample(sample(TIME));
        let mut body = Vec::new();
        let stats = super::Encoder::new(1, super::LIFT).encode(&batch, &mut body);
        assert_eq!((stats.framed, stats.batched), (0, 1), "{:.100}", format!("{labels:?}"));
    }
}

#[test]
fn an_empty_batch_is_an_empty_body() {
    let mut link = Link::default();
    link.send(&WriteBatch::default());
    assert!(link.receiver.log.is_empty());
}
