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
    assert_eq!((report.target_count(), report.label_count()), (2, 4));
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
