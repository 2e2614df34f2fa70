//! Tests of replies that no honest sandbox sends; real ones are in the integration tests.

use proptest::prelude::*;

use super::{METRICS_MAX, Registry, ReplyError, SERIES_MAX, memory, usage};

const REGISTERED: &str = r#"{"success":true,"err":"","result":{"RegisteredMetrics":{"metrics":[
    {"name":"/a","prometheus_name":"opens","cumulative":true},
    {"name":"/b","prometheus_name":"open"},
    {"name":"/c","prometheus_name":"BAD NAME"},
    {"name":"/d","prometheus_name":"__name__"},
    {"name":"/e","prometheus_name":"calls","cumulative":true,
     "fields":[{"field_name":"sysno","allowed_values":["1","2"]}]}]}}}"#;

fn registry() -> Registry {
    Registry::parse(REGISTERED.as_bytes()).expect("is a registry")
}

fn exported(series: &str) -> String {
    format!(r#"{{"success":true,"err":"","result":{{"snapshot":{{"data":[{series}]}}}}}}"#)
}

#[test]
fn names_that_are_none_are_not_registered() {
    assert_eq!(registry().len(), 3);
    assert!(!registry().is_empty());
}

#[test]
fn only_what_was_registered_is_exported() {
    let cases = [
        (r#"{"metric":{"name":"opens","type":2},"val":{"int":7}}"#, Some(7.0)),
        (r#"{"metric":{"name":"open","type":1},"val":{}}"#, Some(0.0)),
        (r#"{"metric":{"name":"open","type":1},"val":{"int":-3}}"#, Some(-3.0)),
        (r#"{"metric":{"name":"open","type":1},"val":{"float":1.5}}"#, Some(1.5)),
        (
            r#"{"metric":{"name":"calls","type":2},"labels":{"sysno":"2"},"val":{"int":1}}"#,
            Some(1.0),
        ),
        (r#"{"metric":{"name":"opens","type":2},"val":{"int":-7}}"#, None),
        (r#"{"metric":{"name":"opens","type":1},"val":{"int":7}}"#, None),
        (r#"{"metric":{"name":"secret","type":2},"val":{"int":7}}"#, None),
        (r#"{"metric":{"name":"opens","type":2},"labels":{"tenant":"x"},"val":{"int":7}}"#, None),
        (r#"{"metric":{"name":"calls","type":2},"labels":{"sysno":"3"},"val":{"int":1}}"#, None),
        (r#"{"metric":{"name":"calls","type":2},"val":{"int":1}}"#, None),
        (r#"{"metric":{"name":"open","type":1},"val":{"hist":{}}}"#, None),
    ];
    for (series, expected) in cases {
        let export = registry().export(exported(series).as_bytes()).expect("is an export");
        let value = export.series.first().map(|series| series.value);
        assert_eq!(
            (value, export.rejected),
            (expected, usize::from(expected.is_none())),
            "{series}"
        );
    }
}

#[test]
fn numbers_of_metrics_and_series_are_bounded() {
    let one = r#"{"metric":{"name":"opens","type":2},"val":{"int":7}}"#;
    let many = vec![one; SERIES_MAX + 3].join(",");
    let export = registry().export(exported(&many).as_bytes()).expect("is an export");
    assert_eq!((export.series.len(), export.rejected), (SERIES_MAX, 3));
    let many = vec![r#"{"prometheus_name":"x"}"#; METRICS_MAX + 1].join(",");
    let reply =
        format!(r#"{{"success":true,"result":{{"RegisteredMetrics":{{"metrics":[{many}]}}}}}}"#);
    assert!(matches!(Registry::parse(reply.as_bytes()), Err(ReplyError::TooMany)));
}

#[test]
fn numbers_beyond_any_counter_are_refused() {
    for number in ["-1", "1.5", "1e400", "99999999999999999999", "\"5\"", "null"] {
        let event = format!(r#"{{"success":true,"result":{{"containerUsage":{{"a":{number}}}}}}}"#);
        assert!(matches!(usage(event.as_bytes()), Err(ReplyError::Malformed(_))), "{number}");
        let collected = format!(r#"{{"success":true,"result":{{"Total":{number}}}}}"#);
        assert!(matches!(memory(collected.as_bytes()), Err(ReplyError::Malformed(_))), "{number}");
    }
}

#[test]
fn a_refusal_is_told_apart_and_shortened() {
    let reply = format!(r#"{{"success":false,"err":"{}","result":null}}"#, "x".repeat(9999));
    let Err(ReplyError::Refused(why)) = memory(reply.as_bytes()) else { panic!("is a refusal") };
    assert!(why.len() < 200);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0..600usize) {
        let mut reply = exported(r#"{"metric":{"name":"opens","type":2},"val":{"int":7}}"#).into_bytes();
        if let Some(byte) = reply.get_mut(at) {
            *byte = bytes.first().copied().unwrap_or(0);
        }
        for reply in [bytes, reply] {
            let _answers = (usage(&reply).is_ok(), memory(&reply).is_ok(), Registry::parse(&reply).is_ok());
            let _export = registry().export(&reply);
        }
    }
}
