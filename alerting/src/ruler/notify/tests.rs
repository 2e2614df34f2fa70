//! What is posted.

use model::{labels::Labels, tenant::TenantId, time::Timestamp};
use rules::{Alert, AlertState, Notification};

use super::posted;

#[test]
fn an_alert_says_whose_it_is_and_until_when() {
    let labels = [("alertname", "A"), ("region", "own"), ("tenant", "forged")];
    let alert = Alert {
        state: AlertState::Firing,
        labels: Labels::new(labels).expect("are labels"),
        annotations: vec![("s".to_owned(), "text".to_owned())],
        value: 1.0,
        active_at: Timestamp(0),
        fired_at: Some(Timestamp(60_000)),
        resolved_at: None,
        keep_firing_since: None,
        last_sent_at: None,
    };
    let external = [("region", "external"), ("cluster", "c")]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .into();
    let tenant = TenantId::new("acme").expect("is a name");
    let mut notification = Notification { alert, valid_until: Timestamp(300_000) };
    let told = posted(&notification, Some(&tenant), &external).expect("fired");
    let labels: Vec<(&str, &str)> =
        told.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let wanted = [("alertname", "A"), ("cluster", "c"), ("region", "own"), ("tenant", "acme")];
    assert_eq!(labels, wanted);
    assert_eq!(told.starts_at, "1970-01-01T00:01:00Z");
    assert_eq!(told.ends_at, "1970-01-01T00:05:00Z");
    notification.alert.resolved_at = Some(Timestamp(120_500));
    let told = posted(&notification, None, &external).expect("fired");
    assert_eq!(told.ends_at, "1970-01-01T00:02:00.5Z");
    assert_eq!(told.labels["tenant"], "forged", "operators see tenants by this label");
    notification.alert.fired_at = None;
    assert_eq!(posted(&notification, None, &external), None);
}
