//! The form of a report, and its bounds.

use serde_json::json;

use super::*;

#[test]
fn a_report_needs_little_and_ignores_what_it_does_not_know() {
    let text = json!({
        "pools": [{
            "name": "p", "tenant": "acme", "new": 1,
            "targets": [{
                "tenant": "acme", "discovered": { "a": "b" }, "labels": { "c": "d", "e": "f" },
                "url": "u", "global_url": "g", "health": "up", "interval": "1m", "timeout": "10s",
            }],
            "dropped": [{ "tenant": "globex", "discovered": { "x": "y" } }],
            "dropped_counts": { "initech": 3 },
        }],
        "families": [[{ "metric": "m", "type": "gauge", "help": "H", "unit": "" }]],
    });
    let report: TargetsReport = serde_json::from_value(text).expect("is a report");
    assert_eq!(report.target_count(), 2);
    let tenants: Vec<&str> = report.tenants().map(TenantId::as_str).collect();
    assert_eq!(tenants, ["acme", "acme", "globex", "initech"]);
    let again = serde_json::to_value(&report).expect("is JSON");
    assert_eq!(serde_json::from_value::<TargetsReport>(again).expect("is a report"), report);
}

#[test]
fn a_list_beyond_its_bound_is_refused() {
    for (rules, fits) in [(REPORT_RULES_MAX, true), (REPORT_RULES_MAX + 1, false)] {
        let rules = vec![json!({}); rules];
        let text = json!({ "pools": [{ "name": "p", "tenant": "acme", "rules": rules }] });
        assert_eq!(serde_json::from_value::<TargetsReport>(text).is_ok(), fits);
    }
    let lists = json!({ "families": vec![json!([]); REPORT_LISTS_MAX + 1] });
    assert!(serde_json::from_value::<TargetsReport>(lists).is_err());
}

/// Each of these takes a hundred times its text and more in memory.
#[test]
fn what_takes_more_memory_than_text_is_counted() {
    let rules = vec![json!({}); REPORT_RULES_MAX];
    let pool = json!({ "name": "", "tenant": "a", "rules": rules });
    let labels = json!({ "tenant": "a", "discovered": { "": "" } });
    let dropped = json!({ "name": "", "tenant": "a", "dropped": vec![labels; 1000] });
    let sources = json!([{ "source_labels": vec![""; 1000] }]);
    let sources = json!({ "name": "", "tenant": "a", "rules": sources });
    let counts = json!({ "name": "", "tenant": "a", "dropped_counts": { "a": 1 } });
    let entry = size_of::<RelabelRule>();
    for (text, least) in [
        (json!({ "pools": [pool.clone(), pool] }), 2 * REPORT_RULES_MAX * entry),
        (json!({ "families": vec![json!([]); 1000] }), 24_000),
        (json!({ "pools": [dropped] }), 1000 * 11 * 48),
        (json!({ "pools": [sources] }), 24_000),
        (json!({ "pools": vec![counts; 1000] }), 1000 * 11 * 32),
    ] {
        let text = text.to_string();
        let read = |bytes_max| {
            budget::within(bytes_max, text.len(), || serde_json::from_str::<TargetsReport>(&text))
        };
        let (_, used) = read(REPORT_MEMORY_MAX).expect("is read");
        assert!(used >= least, "{used} of {least}");
        read(least).expect_err("is more than that");
    }
}
