//! The protobuf format, from messages put together by hand.

use proptest::prelude::*;

use super::*;
use crate::{
    exposition::visit::tests::Notes,
    protobuf::writer::{
        put_bytes, put_double_always, put_message, put_string, put_varint, put_zigzag,
    },
};

/// Fills a message.
type Fill<'a> = &'a dyn Fn(&mut Vec<u8>);

fn family(body: &mut Vec<u8>, name: &str, kind: u64, metrics: &[Fill<'_>]) {
    let mut message = Vec::new();
    put_string(&mut message, 1, name);
    put_string(&mut message, 2, "Help.");
    put_varint(&mut message, 3, kind);
    for metric in metrics {
        put_message(&mut message, 4, metric);
    }
    put_string(&mut message, 5, "seconds");
    codec::varint::put_u64(body, message.len() as u64);
    body.extend_from_slice(&message);
}

fn label(out: &mut Vec<u8>, name: &str, value: &str) {
    put_message(out, 1, |out| {
        put_string(out, 1, name);
        put_string(out, 2, value);
    });
}

fn time(out: &mut Vec<u8>, number: u32, seconds: u64, nanos: u64) {
    put_message(out, number, |out| {
        put_varint(out, 1, seconds);
        put_varint(out, 2, nanos);
    });
}

fn exemplar(out: &mut Vec<u8>, number: u32, id: &str, at: Option<u64>) {
    put_message(out, number, |out| {
        label(out, "id", id);
        put_double_always(out, 2, 0.25);
        if let Some(at) = at {
            time(out, 3, at, 0);
        }
    });
}

fn told(body: &[u8], native: bool, classic: bool) -> Result<Vec<String>, ParseError> {
    let mut notes = Notes::default();
    visit_protobuf(body, Histograms { native, classic }, &Limits::default(), &mut notes)?;
    Ok(notes.lines)
}

#[test]
fn simple_types_are_read_from_their_own_field() {
    let mut body = Vec::new();
    family(
        &mut body,
        "c",
        0,
        &[&|out| {
            label(out, "x", "1");
            put_message(out, 3, |out| {
                put_double_always(out, 1, 7.0);
                exemplar(out, 2, "e", None);
                time(out, 3, 12, 500_000_000);
            });
            put_varint(out, 6, 99);
        }],
    );
    family(&mut body, "g", 1, &[&|out| put_message(out, 2, |out| put_double_always(out, 1, 1.5))]);
    family(
        &mut body,
        "u",
        3,
        &[&|out| put_message(out, 5, |out| put_double_always(out, 1, 2.5)), &|out| {
            label(out, "empty", "value");
        }],
    );
    assert_eq!(
        told(&body, false, false).expect("is valid"),
        [
            "family c Counter \"Help.\" \"seconds\"",
            "c{x=\"1\"} 7 @99 since 12500 # {id=\"e\"} 0.25 None",
            "family g Gauge \"Help.\" \"seconds\"",
            "g 1.5",
            "family u Unknown \"Help.\" \"seconds\"",
            "u 2.5",
            "u{empty=\"value\"} 0",
        ]
    );
}

#[test]
fn a_summary_is_several_series() {
    let mut body = Vec::new();
    family(
        &mut body,
        "s",
        2,
        &[&|out| {
            put_message(out, 4, |out| {
                put_varint(out, 1, 3);
                put_double_always(out, 2, 4.5);
                put_message(out, 3, |out| {
                    put_double_always(out, 1, 0.5);
                    put_double_always(out, 2, 1.25);
                });
                time(out, 4, 1, 0);
            });
        }],
    );
    let lines = told(&body, false, false).expect("is valid");
    assert_eq!(
        lines[1..],
        ["s_count 3 since 1000", "s_sum 4.5 since 1000", "s{quantile=\"0.5\"} 1.25 since 1000"]
    );
}

fn histogram(out: &mut Vec<u8>, native: bool) {
    put_message(out, 7, |out| {
        put_varint(out, 1, 6);
        put_double_always(out, 2, 9.0);
        put_message(out, 3, |out| {
            put_varint(out, 1, 4);
            put_double_always(out, 2, 1.0);
            exemplar(out, 3, "b", Some(8));
        });
        if native {
            put_zigzag(out, 5, 1);
            put_double_always(out, 6, 0.001);
            put_varint(out, 7, 1);
            put_message(out, 12, |out| {
                put_zigzag(out, 1, -1);
                put_varint(out, 2, 2);
            });
            // Two counts, 2 and 3, as differences; once packed and once not.
            put_message(out, 13, |out| codec::varint::put_i64(out, 2));
            put_zigzag(out, 13, 1);
            exemplar(out, 16, "timeless", None);
            exemplar(out, 16, "n", Some(9));
        }
    });
}

#[test]
fn histograms_are_classic_native_or_both() {
    let mut body = Vec::new();
    family(&mut body, "h", 4, &[&|out| histogram(out, true)]);
    family(&mut body, "k", 5, &[&|out| histogram(out, false)]);
    let classic = |name: &str| {
        [
            format!("{name}_count 6"),
            format!("{name}_sum 9"),
            format!("{name}_bucket{{le=\"1.0\"}} 4 # {{id=\"b\"}} 0.25 Some(8000)"),
            format!("{name}_bucket{{le=\"+Inf\"}} 6"),
        ]
    };
    let lines = |native, classic| {
        let mut lines = told(&body, native, classic).expect("is valid");
        lines.retain(|line| !line.starts_with("family"));
        lines
    };
    assert_eq!(lines(false, false), [classic("h"), classic("k")].concat());
    let native = lines(true, false);
    assert_eq!(native[1..], classic("k"), "what is only classic stays so");
    for part in ["h Histogram { schema: 1", "zero_count: 1.0, count: 6.0, sum: 9.0", "[2.0, 3.0]"] {
        assert!(native[0].contains(part), "{part}: {}", native[0]);
    }
    assert!(native[0].ends_with("# {id=\"n\"} 0.25 Some(9000)"), "{}", native[0]);
    let both = lines(true, true);
    assert_eq!((&both[..4], &both[4]), (&classic("h")[..], &native[0]));
}

#[test]
fn a_native_histogram_without_observations_says_so_by_an_empty_span() {
    let mut body = Vec::new();
    family(&mut body, "h", 5, &[&|out| put_message(out, 7, |out| put_message(out, 12, |_| {}))]);
    let lines = told(&body, true, false).expect("is valid");
    assert!(lines[1].starts_with("h Histogram { schema: 0, reset_hint: Gauge"), "{}", lines[1]);
}

#[test]
fn faults_name_the_byte() {
    let mut nameless = Vec::new();
    family(&mut nameless, "", 0, &[]);
    let mut strange = Vec::new();
    family(&mut strange, "x", 9, &[]);
    let mut short = Vec::new();
    family(&mut short, "x", 1, &[&|out| put_bytes(out, 2, &[9, 1])]);
    let mut lying = Vec::new();
    family(
        &mut lying,
        "x",
        4,
        &[&|out| {
            put_message(out, 7, |out| put_message(out, 12, |out| put_varint(out, 2, 5)));
        }],
    );
    for (body, message) in [
        (nameless, "byte 1: a family of metrics has no name"),
        (strange, "byte 12: unknown type of metric"),
        (short, "byte 18: fixed64 is cut short"),
        (lying, "byte 17: histogram: positive spans describe 5 buckets, but 0 are given"),
        (vec![5], "byte 0: field is longer than the message around it"),
    ] {
        assert_eq!(told(&body, true, true).expect_err("is refused").to_string(), message);
    }
}

proptest! {
    #[test]
    fn bent_messages_are_told_or_refused(at in 0usize..200, byte in any::<u8>(), cut in 0usize..200) {
        let mut body = Vec::new();
        family(&mut body, "h", 4, &[&|out| histogram(out, true)]);
        if let Some(place) = body.get_mut(at) {
            *place = byte;
        }
        drop(told(&body, true, true));
        body.truncate(cut);
        drop(told(&body, true, true));
    }
}
