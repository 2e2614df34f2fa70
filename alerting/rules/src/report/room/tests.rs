//! Fair shares.

use model::ruler::{
    ALERT_BYTES_MAX, AlertReport, AlertState, AlertingReport, GroupReport, Health, RULE_BYTES_MAX,
    RuleReport,
};
use model::{tenant::TenantId, time::Timestamp};

use super::{alert_size, all, group_size, rule_size, share};

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

#[test]
fn the_rules_of_one_tenant_keep_no_others_out() {
    // Each of these bytes takes six in JSON.
    let text = "\u{1}".repeat(1 << 20);
    let mut large = group("acme", 1, 1);
    large.rules[0].query = text.clone();
    let nameless = GroupReport { file: text.repeat(4), ..group("initech", 1, 1) };
    let mut groups = vec![large; 4];
    groups.extend([group("globex", 50, 100), nameless]);
    let report = all(groups.iter());
    let told: Vec<(&str, usize, u64, u64)> = report
        .groups
        .iter()
        .map(|group| {
            let tenant = group.tenant.as_ref().map_or("", |tenant| tenant.as_str());
            (tenant, group.rules.len(), group.rules_left_out, group.alerts_left_out)
        })
        .collect();
    let mut wanted = vec![("acme", 1, 0, 0)];
    wanted.extend([("acme", 0, 1, 1); 3]);
    wanted.extend([("globex", 1, 0, 0), ("initech", 0, 1, 1)]);
    assert_eq!(told, wanted);
    let written = serde_json::to_string(&report).expect("is written");
    assert!(written.len() < RULE_BYTES_MAX, "{}", written.len());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        failure_persistence: None,
        ..proptest::prelude::ProptestConfig::default()
    })]

    #[test]
    fn no_size_is_less_than_what_is_written(text in ".*", number in proptest::num::f64::ANY) {
        let text = text + &"\"\\\u{1}".repeat(1000);
        let mut group = group("acme", 1, 1);
        let texts = || [(text.clone(), text.clone()), ("a".to_owned(), text.clone())].into();
        (group.file, group.name) = (text.clone(), text.clone());
        group.evaluation_seconds = number;
        group.interval_seconds = number;
        group.last_evaluation = Some(Timestamp(i64::MIN));
        let rule = &mut group.rules[0];
        rule.labels = texts();
        (rule.query, rule.last_error) = (text.clone(), Some(text.clone()));
        rule.evaluation_seconds = number;
        rule.last_evaluation = Some(Timestamp(i64::MIN));
        let alerting = rule.alerting.as_mut().expect("is an alert");
        (alerting.for_seconds, alerting.keep_firing_for_seconds) = (number, number);
        alerting.annotations = texts();
        let alert = &mut alerting.alerts[0];
        (alert.labels, alert.annotations) = (texts(), texts());
        (alert.active_at, alert.keep_firing_since) =
            (Timestamp(i64::MIN), Some(Timestamp(i64::MIN)));
        let sizes = alert_size(alert);
        let sizes = sizes + rule_size(&group.rules[0]) + group_size(&group);
        let written = serde_json::to_string(&group).expect("is written");
        assert!(written.len() <= sizes, "{} {sizes}", written.len());
    }
}
