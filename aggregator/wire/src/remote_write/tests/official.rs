//! Bodies put together by hand from the field numbers of the official messages.

use super::{Version, decode_into_one, dump, field};
use crate::{remote_write::encode, skipped::SkipReason};

fn label(name: &str, value: &str) -> Vec<u8> {
    field(1, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat())
}

const ONE: [u8; 8] = [0, 0, 0, 0, 0, 0, 0xf0, 0x3f];

/// `Sample{value: 1, timestamp: 300}`.
fn sample() -> Vec<u8> {
    [&[0x09][..], &ONE, &[0x10, 0xac, 0x02]].concat()
}

#[test]
fn a_request_of_version_1() {
    let exemplar = [label("trace_id", "abc"), [&[0x11][..], &ONE, &[0x18, 5]].concat()].concat();
    let series =
        [label("__name__", "up"), label("job", "node"), field(2, &sample()), field(3, &exemplar)]
            .concat();
    let metadata =
        [&[0x08, 2][..], &field(2, b"up"), &field(4, b"is up"), &field(5, b"bool")].concat();
    let body = [field(1, &series), field(3, &metadata)].concat();

    let (batch, stats) = decode_into_one(Version::V1, &body).expect("decodes");
    assert!(stats.skipped.is_empty());
    assert_eq!(
        dump(&batch),
        "up{job=\"node\"}\n  300 3ff0000000000000 start 0\n  \
         # {trace_id=\"abc\"} 3ff0000000000000 0.005\n\
         up: Metadata { kind: Gauge, help: \"is up\", unit: \"bool\" }\n"
    );
    let mut again = Vec::new();
    encode(Version::V1, &batch, &mut again);
    assert_eq!(again, body);
}

#[test]
fn a_request_of_version_2() {
    let symbols: Vec<u8> = ["", "__name__", "up", "job", "node", "is up", "trace_id", "abc"]
        .iter()
        .flat_map(|symbol| field(4, symbol.as_bytes()))
        .collect();
    let exemplar = [field(1, &[6, 7]), [&[0x11][..], &ONE, &[0x18, 5]].concat()].concat();
    let with_start = [sample(), vec![0x18, 0x64]].concat();
    let series = [
        field(1, &[1, 2, 3, 4]),
        field(2, &with_start),
        field(4, &exemplar),
        field(5, &[0x08, 2, 0x18, 5]),
    ]
    .concat();
    let body = [symbols.clone(), field(5, &series)].concat();
    let expect = "up{job=\"node\"}\n  300 3ff0000000000000 start 100\n  \
                  # {trace_id=\"abc\"} 3ff0000000000000 0.005\n\
                  up: Metadata { kind: Gauge, help: \"is up\", unit: \"\" }\n";

    let (batch, stats) = decode_into_one(Version::V2, &body).expect("decodes");
    assert!(stats.skipped.is_empty());
    assert_eq!(dump(&batch), expect);

    // Fields may come in any order, and repeated numbers unpacked.
    let unpacked = [
        field(2, &with_start),
        vec![0x08, 1, 0x08, 2],
        field(5, &[0x08, 2, 0x18, 5]),
        field(4, &exemplar),
        vec![0x08, 3, 0x08, 4],
    ]
    .concat();
    let (batch, _) =
        decode_into_one(Version::V2, &[field(5, &unpacked), symbols].concat()).expect("decodes");
    assert_eq!(dump(&batch), expect);
}

/// Before 2.0 was final the start timestamp was a field of the series.
#[test]
fn a_created_timestamp_of_the_series_fills_samples_without_a_start() {
    let symbols = [field(4, b""), field(4, b"__name__"), field(4, b"c_total")].concat();
    let with_start = [sample(), vec![0x18, 0x64]].concat();
    let series =
        [field(1, &[1, 2]), field(2, &sample()), field(2, &with_start), vec![0x30, 9]].concat();
    let (batch, _) =
        decode_into_one(Version::V2, &[symbols, field(5, &series)].concat()).expect("decodes");
    let starts: Vec<_> =
        batch.series().flat_map(|series| series.samples).map(|sample| sample.start).collect();
    assert_eq!(starts, [9, 100]);
}

#[test]
fn unknown_fields_are_passed_over() {
    let series = [label("__name__", "up"), field(2, &sample()), field(15, b"new")].concat();
    let body = [field(1, &series), field(2, b"cortex"), vec![0x75, 1, 2, 3, 4]].concat();
    let (batch, _) = decode_into_one(Version::V1, &body).expect("decodes");
    assert_eq!(dump(&batch), "up\n  300 3ff0000000000000 start 0\n");
}

#[test]
fn a_body_of_the_other_version_is_recognised() {
    let v1 = field(1, &[label("__name__", "up"), field(2, &sample())].concat());
    let v2 = [field(4, b""), field(5, &field(2, &sample()))].concat();
    assert_eq!(
        decode_into_one(Version::V2, &v1).expect_err("is refused").to_string(),
        "at byte 0: field 1 belongs to remote write 1.0, not to remote write 2.0"
    );
    assert_eq!(
        decode_into_one(Version::V1, &v2).expect_err("is refused").to_string(),
        "at byte 0: field 4 belongs to remote write 2.0, not to remote write 1.0"
    );
}

#[test]
fn a_series_without_anything_is_nothing_in_1_and_a_fault_in_2() {
    let v1 = field(1, &label("__name__", "up"));
    let (batch, stats) = decode_into_one(Version::V1, &v1).expect("decodes");
    assert!(batch.is_empty() && stats.skipped.is_empty());

    let symbols = [field(4, b""), field(4, b"__name__"), field(4, b"up")].concat();
    let v2 = [symbols, field(5, &field(1, &[1, 2]))].concat();
    let (batch, stats) = decode_into_one(Version::V2, &v2).expect("decodes");
    assert!(batch.is_empty());
    assert_eq!(stats.skipped.get(SkipReason::NoSamples).map(|skip| skip.count), Some(1));
}
