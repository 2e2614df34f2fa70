//! Reports come, grow old and are forgotten; each token has its own.

use model::target::PoolReport;

use super::*;

fn report(name: &str) -> TargetsReport {
    let pool = PoolReport {
        name: name.to_owned(),
        tenant: model::tenant::TenantId::new("acme").expect("is a name"),
        config: String::new(),
        rules: Vec::new(),
        targets: Vec::new(),
        dropped: Vec::new(),
        dropped_counts: BTreeMap::new(),
    };
    TargetsReport { pools: vec![pool], ..TargetsReport::default() }
}

fn shown(reports: &Reports, now: Timestamp) -> Vec<(String, bool)> {
    let known = reports.all(now).into_iter();
    known.map(|known| (known.report.pools[0].name.clone(), known.silent)).collect()
}

#[test]
fn a_silent_node_is_said_to_be_silent_and_then_forgotten() {
    let reports = Reports::default();
    let at = Timestamp(1_000_000);
    reports.put("t", "n1", report("old"), 10, at).expect("is kept");
    reports.put("t", "n1", report("a"), 10, at).expect("is kept");
    reports.put("t", "n0", report("b"), 10, at.saturating_add(SILENT_AFTER)).expect("is kept");
    let seen = |later: Duration| shown(&reports, at.saturating_add(later));
    assert_eq!(seen(SILENT_AFTER), [("b".to_owned(), false), ("a".to_owned(), false)]);
    let just_after = Duration::from_millis(1);
    assert_eq!(seen(SILENT_AFTER + just_after), [("b".to_owned(), false), ("a".to_owned(), true)]);
    assert_eq!(seen(FORGOTTEN_AFTER + just_after), [("b".to_owned(), true)]);
    assert!(seen(FORGOTTEN_AFTER * 2).is_empty());
}

#[test]
fn a_token_has_its_share_and_touches_no_other() {
    let (reports, now) = (Reports::default(), Timestamp(1));
    reports.put("t", "n1", report("a"), BYTES_PER_TOKEN_MAX, now).expect("is kept");
    assert_eq!(reports.put("t", "n2", report("b"), 1, now), Err(ReportRefused::Bytes));
    reports.put("u", "n1", report("c"), BYTES_PER_TOKEN_MAX, now).expect("has its own share");
    assert_eq!(shown(&reports, now).len(), 2, "the same node, by two tokens");
    reports.put("t", "n1", report("d"), 1, now).expect("replaces its own");
    for number in 1..NODES_PER_TOKEN_MAX {
        reports.put("t", &format!("m{number}"), report("e"), 1, now).expect("is kept");
    }
    assert_eq!(reports.put("t", "one more", report("f"), 1, now), Err(ReportRefused::Nodes));
    let long = "n".repeat(NODE_BYTES_MAX + 1);
    assert_eq!(reports.put("u", &long, report("g"), 1, now), Err(ReportRefused::Name));
}
