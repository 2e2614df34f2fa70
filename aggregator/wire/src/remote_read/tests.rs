//! Requests are read as they are meant, refused with the reason, and never make the decoder panic;
//! answers come back.

use std::sync::Arc;

use codec::{checksum::crc32c, varint::take_u64, xor};
use model::{
    columns::Columns,
    histogram::{Histogram, Span},
    labels::Labels,
};
use proptest::prelude::*;

use super::*;
use crate::{
    decode::DecodeOptions,
    protobuf::writer::{put_bytes, put_message, put_string, put_varint},
    remote_write::{self, Version},
};

fn matcher(out: &mut Vec<u8>, kind: u64, name: &str, value: &str) {
    put_message(out, 3, |out| {
        put_varint(out, 1, kind);
        put_string(out, 2, name);
        put_string(out, 3, value);
    });
}

fn request(types: &[u64], fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut body = Vec::new();
    put_message(&mut body, 1, fill);
    if !types.is_empty() {
        put_message(&mut body, 2, |out| {
            types.iter().for_each(|number| codec::varint::put_u64(out, *number));
        });
    }
    body
}

fn full() -> Vec<u8> {
    request(&[9, 1, 0], |out| {
        put_varint(out, 1, -5i64 as u64);
        put_varint(out, 2, 1000);
        matcher(out, 0, "__name__", "up");
        matcher(out, 1, "job", "a");
        matcher(out, 2, "pod", "b.*");
        matcher(out, 3, "zone", "c|d");
        put_message(out, 4, |out| {
            put_varint(out, 1, 15_000);
            put_string(out, 2, "rate");
            put_varint(out, 3, 1);
            put_varint(out, 4, 2);
            put_string(out, 5, "job");
            put_string(out, 5, "pod");
            put_varint(out, 6, 1);
            put_varint(out, 7, 60_000);
        });
    })
}

#[test]
fn a_request_is_read_as_it_is_meant() {
    let read = decode(&full()).expect("decodes");
    assert_eq!(read.response, ResponseType::StreamedXorChunks);
    let [query] = read.queries.as_slice() else { panic!("one query") };
    assert_eq!((query.start, query.end), (Timestamp(-5), Timestamp(1000)));
    let shown: Vec<String> = query.matchers.iter().map(Matcher::to_string).collect();
    assert_eq!(shown, [r#"__name__="up""#, r#"job!="a""#, r#"pod=~"b.*""#, r#"zone!~"c|d""#]);
    assert_eq!(query.hints.step, Duration::from_secs(15));
    assert_eq!(query.hints.range, Duration::from_secs(60));
    assert_eq!(query.hints.function.as_deref(), Some("rate"));
    assert_eq!((query.hints.grouping.len(), query.hints.by), (2, true));
}

#[test]
fn the_first_known_response_type_is_taken() {
    for (types, expected) in [
        (vec![], ResponseType::Samples),
        (vec![0], ResponseType::Samples),
        (vec![1], ResponseType::StreamedXorChunks),
        (vec![7, 0, 1], ResponseType::Samples),
    ] {
        assert_eq!(decode(&request(&types, |_| {})).expect("decodes").response, expected);
    }
    let error = decode(&request(&[7], |_| {})).expect_err("is refused");
    assert!(error.to_string().contains("any of the requested response types: [7]"), "{error}");
    // Not packed, as old clients write it.
    assert_eq!(decode(&[0x10, 1]).expect("decodes").response, ResponseType::StreamedXorChunks);
}

#[test]
fn what_is_wrong_is_said() {
    for (body, expected) in [
        (request(&[], |out| matcher(out, 2, "a", "(")), "invalid regular expression \"(\""),
        (request(&[], |out| matcher(out, 4, "a", "b")), "invalid matcher type 4"),
        (
            request(&[], |out| put_message(out, 3, |out| put_bytes(out, 2, &[0xff]))),
            "corrupt message at byte 6: text is not UTF-8",
        ),
        (full()[..20].to_vec(), "corrupt message"),
        (
            request(&[], |out| matcher(out, 0, "a", &"b".repeat(MATCHER_BYTES_MAX + 1))),
            "limit of 65536 bytes of a matcher",
        ),
        (
            request(&[], |out| (0..=MATCHERS_MAX).for_each(|_| matcher(out, 0, "a", "b"))),
            "limit of 512 matchers",
        ),
        ([0x0a, 0].repeat(QUERIES_MAX + 1), "limit of 64 queries"),
    ] {
        let error = decode(&body).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error:?} should say {expected:?}");
    }
}

fn columns() -> Columns {
    let mut columns = Columns::default();
    (0..500).for_each(|n| columns.push(n * 1000, (n * n) as f64));
    let histogram = Histogram {
        count: 3.0,
        sum: 6.0,
        positive_spans: vec![Span { offset: 0, length: 2 }],
        positive_buckets: vec![1.0, 2.0],
        ..Histogram::default()
    };
    columns.push_histogram(500_000, Arc::new(histogram));
    columns
}

#[test]
fn samples_read_back_as_remote_write_reads_them() {
    // A result is a list of series in field 1, which is what a write request of 1.0 is.
    let labels = Labels::new([("__name__", "m"), ("a", "b")]).expect("is valid");
    let mut out = Vec::new();
    put_result(&mut out, |out| {
        put_series(out, &labels, &columns(), 498..501);
        Ok::<(), ()>(())
    })
    .expect("is put");
    let mut reader = Reader::new(&out);
    assert_eq!(reader.tag(), Ok(Some(tag(1, BYTES))));
    let result = reader.bytes().expect("is whole");
    let mut batch = model::write::WriteBatch::default();
    let options = DecodeOptions::default();
    remote_write::decode(Version::V1, result.rest(), &options, &mut batch).expect("decodes");
    let series: Vec<_> = batch.series().collect();
    assert_eq!(series.len(), 1);
    assert_eq!(series[0].labels, labels.as_bytes());
    let found: Vec<(i64, f64)> = series[0].samples.iter().map(|s| (s.time, s.value)).collect();
    assert_eq!(found, [(498_000, 248_004.0), (499_000, 249_001.0)]);
    assert_eq!(series[0].histograms[0].value, columns().histograms[0].1);
}

#[test]
fn frames_hold_a_length_a_checksum_and_chunks() {
    let labels = Labels::new([("__name__", "m")]).expect("is valid");
    let columns = columns();
    let mut frames = Frames::new(3, &labels, xor::chunks(&columns, 0..columns.len()));
    let mut out = Vec::new();
    assert!(frames.put_next(&mut out));
    assert!(!frames.put_next(&mut out));
    let mut rest = out.as_slice();
    let length = take_u64(&mut rest).expect("has a length");
    let (checksum, message) = rest.split_first_chunk::<4>().expect("has a checksum");
    assert_eq!(message.len() as u64, length);
    assert_eq!(u32::from_be_bytes(*checksum), crc32c(message));
    assert!(message.ends_with(&[0x10, 3]), "the query's index");
    // The bytes of the first chunk are in there as they are.
    let first = xor::chunks(&columns, 0..columns.len()).next().expect("is one").data;
    assert!(message.windows(first.len()).any(|window| window == first));
}

#[test]
fn a_long_series_takes_several_frames_of_bounded_size() {
    let labels = Labels::new([("__name__", "m")]).expect("is valid");
    let mut columns = Columns::default();
    (0..400_000u32).for_each(|n| columns.push(i64::from(n) * 1000, f64::from(n).sqrt()));
    let mut frames = Frames::new(0, &labels, xor::chunks(&columns, 0..columns.len()));
    let (mut out, mut count) = (Vec::new(), 0);
    while frames.put_next(&mut out) {
        count += 1;
        assert!(out.len() < (1 << 20) + (8 << 10), "{}", out.len());
        out.clear();
    }
    assert!(count > 1, "{count}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_decoder_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(read) = decode(&body) {
            prop_assert!(read.queries.len() <= QUERIES_MAX);
        }
    }

    #[test]
    fn no_damage_makes_the_decoder_panic(at in any::<usize>(), byte: u8, cut in any::<usize>()) {
        let mut body = full();
        let at = at % body.len();
        body[at] = byte;
        body.truncate(body.len() - cut % body.len());
        if let Ok(read) = decode(&body) {
            prop_assert!(read.queries.len() <= 1);
        }
    }
}
