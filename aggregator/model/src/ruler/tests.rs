//! The report as JSON.

use super::{AlertState, GROUPS_MAX, Health, REPORT_MEMORY_MAX, RulerReport};
use crate::budget;

const REPORT: &str = r#"{"groups":[{"tenant":"acme","file":"r.yml","name":"g","interval_seconds":60.0,
"limit":0,"rules":[{"name":"A","query":"x > 1","labels":{"team":"t"},"health":"ok","last_error":null,
"evaluation_seconds":0.5,"last_evaluation":60000,"alerting":{"state":"firing","for_seconds":300.0,
"keep_firing_for_seconds":0.0,"annotations":{},"alerts":[{"labels":{"alertname":"A"},"annotations":{},
"state":"firing","active_at":1000,"keep_firing_since":null,"value":"NaN"}]}}],
"evaluation_seconds":0.5,"last_evaluation":60000,"alerts_left_out":0,"rules_left_out":0}]}"#;

#[test]
fn a_report_reads_as_it_is_written() {
    let report: RulerReport = serde_json::from_str(REPORT).expect("is a report");
    let [group] = report.groups.as_slice() else { panic!("{report:?}") };
    let [rule] = group.rules.as_slice() else { panic!("{group:?}") };
    assert_eq!(rule.health, Health::Ok);
    assert_eq!(rule.alerting.as_ref().map(|alerting| alerting.state), Some(AlertState::Firing));
    let written = serde_json::to_string(&report).expect("is written");
    assert_eq!(written, REPORT.replace('\n', ""));
}

#[test]
fn what_a_report_must_not_have_is_refused() {
    for (from, to) in [
        ("\"tenant\":\"acme\"", "\"tenant\":\"a/b\""),
        ("\"health\":\"ok\"", "\"health\":\"fine\""),
        ("\"limit\":0", "\"limit\":-1"),
        ("\"limit\":0", "\"limits\":0"),
    ] {
        assert!(serde_json::from_str::<RulerReport>(&REPORT.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn what_takes_more_memory_than_text_is_counted() {
    let alert = "{\"labels\":{\"\":\"\"},\"annotations\":{\"\":\"\"},\"state\":\"firing\",\"active_at\":0,\"keep_firing_since\":null,\"value\":\"0\"}";
    let text = REPORT
        .replace("\"alerts\":[", &format!("\"alerts\":[{}", format!("{alert},").repeat(1000)));
    let read = |bytes_max| {
        budget::within(bytes_max, text.len(), || serde_json::from_str::<RulerReport>(&text))
    };
    let least = 1000 * 2 * 11 * 48;
    let (report, used) = read(REPORT_MEMORY_MAX).expect("is read");
    assert!(used >= least, "{used} for {}", report.groups.len());
    read(least).expect_err("is more than that");
}

#[test]
fn groups_are_bounded_while_they_are_read() {
    let (head, rest) = REPORT.split_once('[').expect("has a list");
    let group = rest.strip_suffix("]}").expect("ends");
    for (count, fits) in [(2, true), (GROUPS_MAX + 1, false)] {
        let groups = vec![group; count].join(",");
        let text = format!("{head}[{groups}]}}");
        assert_eq!(serde_json::from_str::<RulerReport>(&text).is_ok(), fits);
    }
}
