//! What is encoded decodes to the same, in both versions.

use model::{
    metadata::{Metadata, MetricType},
    write::{Sample, WriteBatch},
};
use proptest::prelude::*;

use super::{Version, decode_into_one, dump, strategies};
use crate::remote_write::{EncodeStats, encode};

fn round_trip(version: Version, batch: &WriteBatch) -> (String, EncodeStats) {
    let mut body = Vec::new();
    let encoded = encode(version, batch, &mut body);
    let (decoded, stats) = decode_into_one(version, &body).expect("decodes");
    assert!(stats.skipped.is_empty(), "{}", stats.skipped);
    (dump(&decoded), encoded)
}

proptest! {
    #[test]
    fn v1(batch in strategies::batch(false)) {
        let (decoded, encoded) = round_trip(Version::V1, &batch);
        prop_assert_eq!(encoded, EncodeStats::default());
        prop_assert_eq!(decoded, dump(&batch));
    }

    /// 2.0 repeats descriptions by series; their order is that of first use.
    #[test]
    fn v2(batch in strategies::batch(true)) {
        let (decoded, encoded) = round_trip(Version::V2, &batch);
        prop_assert_eq!(encoded, EncodeStats::default());
        let sorted = |text: String| {
            let (series, metadata): (Vec<_>, Vec<_>) = text
                .lines()
                .map(str::to_owned)
                .partition(|line| !line.contains(": Metadata {"));
            let mut metadata = metadata;
            metadata.sort();
            (series, metadata)
        };
        prop_assert_eq!(sorted(decoded), sorted(dump(&batch)));
    }
}

fn one_sample(batch: &mut WriteBatch, metric: &str, start: i64) {
    batch.begin_series(&mut [("__name__", metric)]).expect("is valid");
    batch.push_sample(Sample { time: 1, value: 2.0, start });
}

#[test]
fn what_a_version_cannot_say_is_counted() {
    let mut batch = WriteBatch::default();
    one_sample(&mut batch, "up", 7);
    batch.begin_series(&mut [("__name__", "silent")]).expect("is valid");
    batch.push_metadata("other".to_owned(), Metadata { help: "x".into(), ..Metadata::default() });

    let mut body = Vec::new();
    let v1 = encode(Version::V1, &batch, &mut body);
    assert_eq!(v1, EncodeStats { starts_dropped: 1, ..EncodeStats::default() });
    let v2 = encode(Version::V2, &batch, &mut body);
    assert_eq!(v2, EncodeStats { starts_dropped: 0, metadata_dropped: 1, series_dropped: 1 });
}

/// A classic histogram is described once, whatever its series are called.
#[test]
fn a_family_is_described_once_for_all_suffixes() {
    let mut batch = WriteBatch::default();
    for metric in ["d_bucket", "d_count", "d_sum", "c_count"] {
        one_sample(&mut batch, metric, 0);
    }
    let describe = |kind| Metadata { kind, help: "how long".into(), unit: "seconds".into() };
    batch.push_metadata("d".to_owned(), describe(MetricType::Histogram));
    batch.push_metadata("c_count".to_owned(), describe(MetricType::Gauge));
    let (decoded, stats) = round_trip(Version::V2, &batch);
    assert_eq!(stats, EncodeStats::default());
    assert_eq!(decoded, dump(&batch));
}

/// The symbol table holds each string once.
#[test]
fn symbols_are_shared() {
    let mut batch = WriteBatch::default();
    for instance in 0..100 {
        let name = format!("host-{instance}");
        let mut labels =
            [("__name__", "a_rather_long_metric_name"), ("instance", &*name), ("job", "node")];
        batch.begin_series(&mut labels).expect("is valid");
        batch.push_sample(Sample { time: 1_700_000_000_000, value: 1.0, start: 0 });
    }
    let (mut v1, mut v2) = (Vec::new(), Vec::new());
    encode(Version::V1, &batch, &mut v1);
    encode(Version::V2, &batch, &mut v2);
    let occurrences = |body: &[u8]| {
        body.windows(25).filter(|window| *window == b"a_rather_long_metric_name").count()
    };
    assert_eq!((occurrences(&v1), occurrences(&v2)), (100, 1));
}
