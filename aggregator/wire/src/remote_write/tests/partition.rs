//! Tests of lifting a label and of choosing batches by it.

use std::{borrow::Cow, collections::BTreeMap};

use model::write::{Sample, WriteBatch};

use super::dump;
use crate::{
    remote_write::{DecodeOptions, DecodeStats, Partition, Refused, Version, decode, encode},
    skipped::SkipReason,
};

/// Batches by lifted value; `evil` is refused.
#[derive(Default)]
struct Tenants {
    batches: BTreeMap<Option<String>, WriteBatch>,
}

impl Partition for Tenants {
    fn batch(&mut self, lifted: Option<&str>) -> Result<&mut WriteBatch, Refused> {
        if lifted == Some("evil") {
            return Err(Refused(Cow::Borrowed("no such tenant")));
        }
        Ok(self.batches.entry(lifted.map(str::to_owned)).or_default())
    }
}

fn body(version: Version, all: &[&[(&str, &str)]]) -> Vec<u8> {
    let mut batch = WriteBatch::default();
    for labels in all {
        batch.begin_series(&mut labels.to_vec()).expect("is valid");
        batch.push_sample(Sample { time: 1, value: 1.0, start: 0 });
    }
    let mut body = Vec::new();
    encode(version, &batch, &mut body);
    body
}

fn decode_lifting(
    version: Version,
    body: &[u8],
    lift: Option<&str>,
) -> (BTreeMap<String, String>, DecodeStats) {
    let options = DecodeOptions { lift, ..DecodeOptions::default() };
    let mut tenants = Tenants::default();
    let stats = decode(version, body, &options, &mut tenants).expect("decodes");
    let dumps = tenants.batches.iter().map(|(tenant, batch)| {
        let metrics =
            dump(batch).lines().filter(|line| !line.starts_with(' ')).collect::<Vec<_>>().join(" ");
        (tenant.clone().unwrap_or_else(|| "-".to_owned()), metrics)
    });
    (dumps.collect(), stats)
}

#[test]
fn the_lifted_label_selects_the_batch_and_is_taken_out() {
    for version in [Version::V1, Version::V2] {
        let body = body(
            version,
            &[
                &[("__name__", "a"), ("tenant", "x"), ("zone", "1")],
                &[("__name__", "b")],
                &[("__name__", "c"), ("tenant", "y")],
                &[("__name__", "d"), ("tenant", "x")],
                &[("__name__", "e"), ("tenant", "evil")],
            ],
        );
        let (batches, stats) = decode_lifting(version, &body, Some("tenant"));
        let expect = [("-", "b"), ("x", "a{zone=\"1\"} d"), ("y", "c")];
        assert_eq!(
            batches.iter().map(|(t, d)| (t.as_str(), d.as_str())).collect::<Vec<_>>(),
            expect
        );
        let refused = stats.skipped.get(SkipReason::Refused).expect("was counted");
        assert_eq!((refused.count, refused.samples), (1, 1));
        assert_eq!(refused.example, "no such tenant: {__name__=\"e\"}");
        assert_eq!((stats.series, stats.samples), (4, 4));
    }
}

#[test]
fn without_lifting_the_label_stays() {
    let body = body(Version::V1, &[&[("__name__", "a"), ("tenant", "evil")]]);
    let (batches, _) = decode_lifting(Version::V1, &body, None);
    assert_eq!(batches.get("-").map(String::as_str), Some("a{tenant=\"evil\"}"));
}

/// Two values for the label that decides whose the series is must not pass as one of them.
#[test]
fn a_repeated_lifted_label_is_a_fault() {
    let label = |name: &str, value: &str| {
        super::field(
            1,
            &[super::field(1, name.as_bytes()), super::field(2, value.as_bytes())].concat(),
        )
    };
    let series = [
        label("__name__", "a"),
        label("tenant", "x"),
        label("tenant", "y"),
        super::field(2, &[0x10, 1]),
    ]
    .concat();
    let (batches, stats) = decode_lifting(Version::V1, &super::field(1, &series), Some("tenant"));
    assert!(batches.is_empty(), "{batches:?}");
    assert_eq!(stats.skipped.get(SkipReason::DuplicateLabel).map(|skip| skip.count), Some(1));
}

#[test]
fn an_empty_lifted_label_is_none() {
    let label = [super::field(1, b"tenant")].concat();
    let name = [super::field(1, b"__name__"), super::field(2, b"a")].concat();
    let series =
        [super::field(1, &name), super::field(1, &label), super::field(2, &[0x10, 1])].concat();
    let (batches, _) = decode_lifting(Version::V1, &super::field(1, &series), Some("tenant"));
    assert_eq!(batches.get("-").map(String::as_str), Some("a"));
}

#[test]
fn series_of_another_place_are_refused_whatever_comes_before_them() {
    let mut sent = WriteBatch::default();
    for node in ["n1", "n2", "n1", "", "n3"] {
        sent.begin_series(&mut [("__name__", "m"), ("node", node)]).expect("is valid");
        sent.push_sample(Sample { time: 1, value: 1.0, start: 0 });
    }
    for version in [Version::V1, Version::V2] {
        let mut body = Vec::new();
        encode(version, &sent, &mut body);
        let options = DecodeOptions { bound: Some(("node", "n1")), ..DecodeOptions::default() };
        let mut taken = WriteBatch::default();
        let stats = decode(version, &body, &options, &mut taken).expect("is valid");
        let refused = stats.skipped.get(SkipReason::Refused).map(|skip| skip.samples);
        assert_eq!((taken.series_count(), refused), (3, Some(2)), "{version:?}");
    }
}
