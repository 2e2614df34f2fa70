//! Tests of invalid series, limits, and arbitrary and damaged bytes.

use model::write::WriteBatch;
use proptest::prelude::*;

use super::{DecodeError, DecodeOptions, Version, decode, decode_into_one, field, strategies};
use crate::{limits::Limits, remote_write::encode, skipped::SkipReason};

const SAMPLE: [u8; 2] = [0x10, 1];

type RawLabels<'a> = &'a [(&'a [u8], &'a [u8])];

fn series_v1(labels: RawLabels<'_>) -> Vec<u8> {
    let mut series: Vec<u8> = labels
        .iter()
        .flat_map(|(name, value)| field(1, &[field(1, name), field(2, value)].concat()))
        .collect();
    series.extend(field(2, &SAMPLE));
    field(1, &series)
}

#[test]
fn an_invalid_series_is_skipped_and_its_neighbours_stay() {
    let good = || series_v1(&[(b"__name__", b"good")]);
    let long = [b'x'; 40];
    let cases: [(RawLabels<'_>, SkipReason); 9] = [
        (&[], SkipReason::NoLabels),
        (&[(b"job", b"x")], SkipReason::NoMetricName),
        (&[(b"__name__", b"")], SkipReason::NoMetricName),
        (&[(b"__name__", b"a"), (b"", b"x")], SkipReason::EmptyLabelName),
        (&[(b"__name__", b"a"), (b"l", b"1"), (b"l", b"2")], SkipReason::DuplicateLabel),
        (&[(b"__name__", b"a"), (b"l", b"\xff")], SkipReason::InvalidUtf8),
        (&[(b"__name__", b"a"), (b"l\xc3", b"\xa9")], SkipReason::InvalidUtf8),
        (&[(b"__name__", b"a"), (&long, b"1")], SkipReason::LabelNameTooLong),
        (&[(b"__name__", b"a"), (b"l", &long)], SkipReason::LabelValueTooLong),
    ];
    let limits = Limits { label_name_bytes: 39, label_value_bytes: 39, ..Limits::default() };
    let options = DecodeOptions { limits, ..DecodeOptions::default() };
    for (labels, reason) in cases {
        let body = [good(), series_v1(labels), good()].concat();
        let mut batch = WriteBatch::default();
        let stats = decode(Version::V1, &body, &options, &mut batch).expect("decodes");
        assert_eq!((stats.series, stats.samples), (2, 2), "{reason}");
        let skips: Vec<_> =
            stats.skipped.iter().map(|(why, s)| (why, s.count, s.samples)).collect();
        assert_eq!(skips, [(reason, 1, 1)]);
    }
}

/// Labels are read in one run when they are ASCII; a long or foreign one goes another way.
#[test]
fn labels_of_any_length_and_script_are_read() {
    let long = "ß".repeat(200);
    let mut batch = WriteBatch::default();
    batch
        .begin_series(&mut [("__name__", "a"), ("ключ", "значение"), ("long", &long), ("z", "")])
        .expect("is valid");
    batch.push_sample(model::write::Sample { time: 1, value: 0.0, start: 0 });
    for version in [Version::V1, Version::V2] {
        let mut body = Vec::new();
        encode(version, &batch, &mut body);
        let (decoded, stats) = decode_into_one(version, &body).expect("decodes");
        assert!(stats.skipped.is_empty(), "{}", stats.skipped);
        assert_eq!(super::dump(&decoded), super::dump(&batch));
    }
}

/// The bytes between two labels may complete a character that one of them left open.
#[test]
fn a_label_that_ends_amid_a_character_is_not_utf8() {
    let unknown = [0xa0, 0x06, 0x00]; // field 100, a varint
    let open = [field(1, b"l\xc3"), unknown.to_vec(), field(2, b"v")].concat();
    let name = [field(1, b"__name__"), field(2, b"a")].concat();
    assert!(std::str::from_utf8(&open).is_ok(), "the run as a whole is");
    let series = [field(1, &open), field(1, &name), field(2, &SAMPLE)].concat();
    let (batch, stats) = decode_into_one(Version::V1, &field(1, &series)).expect("decodes");
    assert!(batch.is_empty());
    assert_eq!(stats.skipped.get(SkipReason::InvalidUtf8).map(|skip| skip.count), Some(1));
}

fn symbols(all: &[&[u8]]) -> Vec<u8> {
    all.iter().flat_map(|symbol| field(4, symbol)).collect()
}

#[test]
fn references_are_checked() {
    let table = symbols(&[b"", b"__name__", b"a", b"\xff"]);
    let series = |refs: &[u8]| field(5, &[field(1, refs), field(2, &SAMPLE)].concat());
    let cases: [(&[u8], SkipReason); 4] = [
        (&[1, 2, 1], SkipReason::InvalidReference),
        (&[1, 9], SkipReason::InvalidReference),
        (&[1, 2, 2, 3], SkipReason::InvalidUtf8),
        (&[], SkipReason::NoLabels),
    ];
    for (refs, reason) in cases {
        let body = [table.clone(), series(refs), series(&[1, 2])].concat();
        let (batch, stats) = decode_into_one(Version::V2, &body).expect("decodes");
        assert_eq!(batch.series_count(), 1, "{reason}");
        assert_eq!(stats.skipped.get(reason).map(|skip| skip.count), Some(1), "{reason}");
    }
    assert_eq!(
        decode_into_one(Version::V2, &symbols(&[b"x"])).map(|_| ()),
        Err(DecodeError::Corrupt { position: 0, what: "the first symbol is not the empty string" })
    );
}

#[test]
fn limits_of_the_whole_are_errors_that_name_themselves() {
    let v1 = series_v1(&[(b"__name__", b"abcd")]).repeat(3);
    let table = symbols(&[b"", b"__name__", b"a"]);
    let inner = [field(1, &[1, 2]), field(2, &SAMPLE), field(3, b""), field(4, b"")].concat();
    let v2 = [table, field(5, &inner).repeat(3)].concat();
    let none = Limits::default();
    let cases = [
        (Version::V1, Limits { series: 2, ..none }, "2 series"),
        (Version::V1, Limits { samples: 2, ..none }, "2 samples"),
        (Version::V1, Limits { text_bytes: 35, ..none }, "35 bytes of label text"),
        (Version::V2, Limits { series: 2, ..none }, "2 series"),
        (Version::V2, Limits { symbols: 2, ..none }, "2 symbols"),
        (Version::V2, Limits { histograms: 2, ..none }, "2 histograms"),
        (Version::V2, Limits { exemplars: 2, ..none }, "2 exemplars"),
    ];
    for (version, limits, name) in cases {
        let options = DecodeOptions { limits, ..DecodeOptions::default() };
        let body = if version == Version::V1 { &v1 } else { &v2 };
        let error = decode(version, body, &options, &mut WriteBatch::default())
            .expect_err("is over the limit");
        assert_eq!(error.to_string(), format!("the body exceeds the limit of {name}"));
    }
    let fits = Limits { series: 3, samples: 3, text_bytes: 36, ..none };
    let options = DecodeOptions { limits: fits, ..DecodeOptions::default() };
    decode(Version::V1, &v1, &options, &mut WriteBatch::default()).expect("fits");
}

#[test]
fn a_series_with_too_many_labels_is_skipped() {
    let limits = Limits { labels_per_series: 2, ..Limits::default() };
    let options = DecodeOptions { limits, ..DecodeOptions::default() };
    let v1 = series_v1(&[(b"__name__", b"a"), (b"b", b"1"), (b"c", b"2")]);
    let table = symbols(&[b"", b"__name__", b"a", b"b", b"c"]);
    let v2 = [table, field(5, &[field(1, &[1, 2, 3, 2, 4, 2]), field(2, &SAMPLE)].concat())];
    for (version, body) in [(Version::V1, v1), (Version::V2, v2.concat())] {
        let stats = decode(version, &body, &options, &mut WriteBatch::default()).expect("decodes");
        assert_eq!(stats.series, 0);
        assert_eq!(stats.skipped.get(SkipReason::TooManyLabels).map(|skip| skip.count), Some(1));
    }
}

#[test]
fn an_exemplar_or_histogram_that_is_not_valid_leaves_its_series() {
    let label = |name: &[u8]| field(1, &[field(1, name), field(2, b"v")].concat());
    let exemplar = [label(b"a"), label(b"a")].concat();
    let histogram = [0x08, 1, 0x20, 120]; // count 1, schema 60
    let series =
        [label(b"__name__"), field(2, &SAMPLE), field(3, &exemplar), field(4, &histogram)].concat();
    let (batch, stats) = decode_into_one(Version::V1, &field(1, &series)).expect("decodes");
    assert_eq!((batch.series_count(), batch.sample_count(), batch.exemplar_count()), (1, 1, 0));
    let skipped = |reason| stats.skipped.get(reason).map(|skip| (skip.count, skip.samples));
    assert_eq!(skipped(SkipReason::InvalidExemplar), Some((1, 0)));
    assert_eq!(skipped(SkipReason::InvalidHistogram), Some((1, 1)));

    // A series of nothing but an invalid histogram is counted once, and not opened.
    let series = [label(b"__name__"), field(4, &histogram)].concat();
    let (batch, stats) = decode_into_one(Version::V1, &field(1, &series)).expect("decodes");
    assert!(batch.is_empty());
    assert_eq!(stats.skipped.samples(), 1);
}

#[test]
fn corruption_is_located() {
    let good = series_v1(&[(b"__name__", b"good")]);
    let mut body = [good.clone(), good.clone()].concat();
    let name_length = good.len() + 5;
    assert_eq!(body[name_length], 8);
    body[name_length] = 100;
    assert_eq!(
        decode_into_one(Version::V1, &body).map(|_| ()),
        Err(DecodeError::Corrupt {
            position: name_length,
            what: "field is longer than the message around it"
        })
    );
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::V1), Just(Version::V2)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn arbitrary_bytes_never_panic(
        version in version(),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        if let Err(DecodeError::Corrupt { position, .. }) = decode_into_one(version, &bytes) {
            prop_assert!(position <= bytes.len());
        }
    }

    #[test]
    fn damaged_bodies_never_panic(
        version in version(),
        batch in strategies::batch(true),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        keep in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut body = Vec::new();
        encode(version, &batch, &mut body);
        prop_assume!(!body.is_empty());
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if cut {
            body.truncate(keep.index(body.len()));
        }
        if let Err(DecodeError::Corrupt { position, .. }) = decode_into_one(version, &body) {
            prop_assert!(position <= body.len());
        }
    }
}
