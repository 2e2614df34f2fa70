//! Fair shares.

use model::ruler::{
    ALERT_BYTES_MAX, AlertReport, AlertState, AlertingReport, GroupReport, Health, RuleReport,
};
use model::{tenant::TenantId, time::Timestamp};

use super::{all, share};

#[test]
fn who_needs_less_leaves_the_rest() {
    for (needs, most, expected) in [
        (vec![], 10, 10),
        (vec![3, 4], 10, 10),
        (vec![100, 2], 10, 8),
        (vec![100, 100], 10, 5),
        (vec![1, 100, 100], 11, 5),
    ] {
        assert_eq!(share(needs.clone(), most), expected, "{needs:?}");
    }
}

fn group(tenant: &str, alerts: usize, text: usize) -> GroupReport {
    let alert = AlertReport {
        labels: [("alertname".to_owned(), "A".repeat(text))].into(),
        annotations: [].into(),
        state: AlertState::Firing,
        active_at: Timestamp(0),
        keep_firing_since: None,
        value: 1.0,
    };
    let alerting = AlertingReport {
        state: AlertState::Firing,
        for_seconds: 0.0,
        keep_firing_for_seconds: 0.0,
        annotations: [].into(),
        alerts: vec![alert; alerts],
    };
    let rule = RuleReport {
        name: "A".to_owned(),
        query: "x".to_owned(),
        labels: [].into(),
        health: Health::Ok,
        last_error: None,
        evaluation_seconds: 0.0,
        last_evaluation: None,
        alerting: Some(alerting),
    };
    let tenant = Some(TenantId::new(tenant).expect("is a name"));
    GroupReport { tenant, rules: vec![rule], ..GroupReport::default() }
}

#[test]
fn the_alerts_of_one_tenant_keep_no_others_out() {
    let groups = [group("acme", 2000, 20_000), group("globex", 50, 100)];
    let report = all(groups.iter());
    let told: Vec<(usize, u64)> = report
        .groups
        .iter()
        .map(|group| (super::alerts(group).count(), group.alerts_left_out))
        .collect();
    let [(acme, left_out), globex] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(*globex, (50, 0));
    assert_eq!(*acme as u64 + left_out, 2000);
    assert!((800..900).contains(acme), "{acme}");
    let text = serde_json::to_string(&report).expect("is written");
    assert!(text.len() < ALERT_BYTES_MAX + (1 << 20), "{}", text.len());
}
