//! A real Alertmanager hears of alerts, whose they are, and that they ended.

use e2e::{
    peers,
    process::{free_port, wait_until},
    server::{ACME, Server, client},
    write::{batch, now, send},
};
use serde_json::Value;
use wire::remote_write::Version;

use super::rules::Alerting;

const RULES: &str = "groups:
- name: queue
  interval: 1s
  rules:
  - {alert: Long, expr: queue_length > 5, labels: {severity: page}, annotations: {now: '{{ $value }}'}}
";

#[test]
fn a_real_alertmanager_hears_of_alerts_and_of_their_end() {
    if peers::left_out("Alertmanager: alerts") {
        return;
    }
    let server = Server::start();
    let put = |value: f64| {
        let batch = batch(&[("__name__", "queue_length")], &[(now(), value)]);
        assert!(send(&server, ACME, Version::V2, &batch).status().is_success());
    };
    put(7.0);
    let (dir, port) = (tempfile::tempdir().expect("is created"), free_port());
    let alertmanager = peers::alertmanager(dir.path(), port);
    let url = format!("http://127.0.0.1:{port}");
    let ready = wait_until("Alertmanager to be ready", || {
        let answer = client().get(format!("{url}/-/ready")).send().ok()?;
        answer.status().is_success().then_some(())
    });
    assert!(ready.is_some(), "{}", alertmanager.output());
    let sets = format!(
        "alertmanagers = [\"{url}\"]\n[alerting.evaluation]\nexternal_labels = {{ region = \"ams3\" }}\n\
         [[alerting.rules]]\nfiles = [\"rules/*.yml\"]\ntenant = \"acme\"\n"
    );
    let alerting = Alerting::start(&server, &sets, &[("queue.yml", RULES)]);
    let alerts = || -> Option<Vec<Value>> {
        client().get(format!("{url}/api/v2/alerts")).send().ok()?.json().ok()
    };
    let told = wait_until("the alert", || alerts().filter(|alerts| !alerts.is_empty()));
    let told = told.unwrap_or_else(|| panic!("{}", alerting.process.output()));
    let [alert] = told.as_slice() else { panic!("{told:?}") };
    let label = |name: &str| alert["labels"][name].as_str().unwrap_or_default().to_owned();
    let labels = ["alertname", "severity", "tenant", "region"].map(label);
    assert_eq!(labels, ["Long", "page", "acme", "ams3"]);
    assert_eq!(alert["annotations"]["now"], "7");

    put(1.0);
    let ended = wait_until("the alert to end", || {
        alerts().filter(|alerts| alerts.is_empty()).map(|_none| ())
    });
    assert!(ended.is_some(), "{}", alerting.process.output());
    assert!(alerting.metric("alerting_notifications_sent_total").is_some_and(|sent| sent >= 2.0));
}
