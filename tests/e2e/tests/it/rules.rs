//! Rules of a tenant and of operators, evaluated by a real alerting daemon.

use std::{path::Path, process::Command};

use e2e::{
    peers,
    process::{Process, free_port, tidewatch, wait_until},
    server::{ACME, ALERTING, GLOBEX, OPERATOR, Server, client},
    write::{batch, now, send},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use wire::remote_write::Version;

const TENANTS: &str = r#"groups:
- name: load
  interval: 1s
  rules:
  - {record: 'acme:load:sum', expr: sum(load)}
  - alert: HighLoad
    expr: load > 5
    for: 20s
    labels: {severity: page}
    annotations: {summary: 'load of {{ $labels.app }} is {{ $value }}'}
  - record: broken
    expr: label_replace(load, "app", "a", "", "") or label_replace(load, "app", "b", "", "")
    labels: {app: same}
"#;

const OPERATORS: &str = "groups:
- name: fleet
  interval: 1s
  rules:
  - {record: 'fleet:load:sum', expr: sum by (tenant) (load)}
";

/// The alerting daemon beside a server.
pub(crate) struct Alerting {
    pub(crate) process: Process,
    dir: TempDir,
    port: u16,
}

impl Alerting {
    pub(crate) fn start(server: &Server, sets: &str, files: &[(&str, &str)]) -> Self {
        let (dir, port) = (tempfile::tempdir().expect("is created"), free_port());
        std::fs::create_dir(dir.path().join("rules")).expect("is created");
        let config = format!(
            "[alerting]\naggregator = \"{}\"\ntoken = \"{ALERTING}\"\nlisten = \"127.0.0.1:{port}\"\n\
             allow_reload = true\n{sets}",
            server.url("")
        );
        std::fs::write(dir.path().join("tidewatch.toml"), config).expect("is written");
        for (name, text) in files {
            std::fs::write(dir.path().join("rules").join(name), text).expect("is written");
        }
        let process = spawn(dir.path());
        Self { process, dir, port }
    }

    fn crash_and_restart(&mut self) {
        self.process.kill();
        self.process = spawn(self.dir.path());
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join("rules").join(name), text).expect("is written");
    }

    fn hang_up(&self) {
        let pid = self.process.pid().to_string();
        let status = Command::new("kill").args(["-s", "HUP", &pid]).status().expect("kill runs");
        assert!(status.success());
    }

    /// The value of one of its own metrics.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        let url = format!("http://127.0.0.1:{}/metrics", self.port);
        let text = client().get(url).send().ok()?.text().ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line?.parse().ok()
    }
}

fn spawn(dir: &Path) -> Process {
    let mut command = Command::new(tidewatch());
    command.args(["alerting", "--config"]).arg(dir.join("tidewatch.toml"));
    Process::start("tidewatch alerting", &mut command)
}

const SETS: &str = "[[alerting.rules]]\nfiles = [\"rules/acme*.yml\"]\ntenant = \"acme\"\n\
                    [[alerting.rules]]\nfiles = [\"rules/operator.yml\"]\n";

fn put_load(server: &Server, acme: f64) {
    for (token, value) in [(ACME, acme), (GLOBEX, 100.0)] {
        let batch = batch(&[("__name__", "load"), ("app", "web")], &[(now(), value)]);
        assert!(send(server, token, Version::V2, &batch).status().is_success());
    }
}

fn rules(server: &Server, token: &str) -> Vec<Value> {
    let data = server.data(token, "/api/v1/rules", &[]);
    let groups = data["groups"].as_array().expect("is a list");
    groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default()).collect()
}

/// The only alert that a tenant has.
fn alert(server: &Server) -> Option<Value> {
    let data = server.data(ACME, "/api/v1/alerts", &[]);
    let alerts = data["alerts"].as_array()?;
    assert!(alerts.len() <= 1, "{data}");
    alerts.first().cloned()
}

/// Milliseconds since the Unix epoch.
fn active_at(alert: &Value) -> i64 {
    let text = alert["activeAt"].as_str().expect("is a time");
    let output = Command::new("date").args(["-d", text, "+%s%3N"]).output().expect("date runs");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("is a number")
}

#[test]
fn rules_run_with_the_rights_of_their_owner() {
    let server = Server::start();
    put_load(&server, 7.0);
    let files = [("acme.yml", TENANTS), ("operator.yml", OPERATORS)];
    let alerting = Alerting::start(&server, SETS, &files);
    let sum = wait_until("the recorded series", || server.value(ACME, "acme:load:sum"));
    assert_eq!(sum.as_deref(), Some("7"), "of its own series alone");
    let fleet = |token: &str, query: &str| server.value(token, query);
    let of = |tenant: &str| format!("fleet:load:sum{{exported_tenant=\"{tenant}\"}}");
    let globex = wait_until("operators' series", || fleet(OPERATOR, &of("globex")));
    assert_eq!(globex.as_deref(), Some("100"));
    assert_eq!(fleet(OPERATOR, &of("acme")).as_deref(), Some("7"));
    for (token, query) in
        [(ACME, "fleet:load:sum"), (GLOBEX, "fleet:load:sum"), (GLOBEX, "acme:load:sum")]
    {
        assert_eq!(server.value(token, query), None, "{query}");
    }

    let told = wait_until("rules", || {
        let rules = rules(&server, ACME);
        rules.iter().any(|rule| rule["health"] == "err").then_some(rules)
    });
    let told = told.expect("the aggregator is told");
    let names: Vec<&str> = told.iter().filter_map(|rule| rule["name"].as_str()).collect();
    assert_eq!(names, ["acme:load:sum", "HighLoad", "broken"]);
    assert_eq!(told[0]["health"], "ok");
    let error = "vector contains metrics with the same labelset after applying rule labels";
    assert_eq!((&told[2]["health"], &told[2]["lastError"]), (&json!("err"), &json!(error)));
    assert!(rules(&server, GLOBEX).is_empty());
    assert_eq!(rules(&server, OPERATOR).len(), 4);
    assert!(alerting.metric("alerting_rule_evaluations_total").is_some_and(|count| count > 3.0));
}

#[test]
fn an_alert_goes_on_after_a_crash_and_ends() {
    let server = Server::start();
    put_load(&server, 7.0);
    let mut alerting = Alerting::start(&server, SETS, &[("acme.yml", TENANTS)]);
    let pending = wait_until("the alert to be pending for a while", || {
        alert(&server).filter(|alert| now() - active_at(alert) > 10_000)
    });
    let pending = pending.expect("is pending");
    assert_eq!(pending["state"], "pending");
    assert_eq!(pending["annotations"]["summary"], "load of web is 7");
    let stored = server.value(ACME, "ALERTS{alertstate=\"pending\",severity=\"page\"}");
    assert_eq!(stored.as_deref(), Some("1"));

    let crashed = now();
    alerting.crash_and_restart();
    let firing = wait_until("the alert to fire", || {
        alert(&server).filter(|alert| alert["state"] == "firing")
    });
    let firing = firing.unwrap_or_else(|| panic!("{}", alerting.process.output()));
    assert!(active_at(&firing) < crashed, "it began before the crash: {firing} {crashed}");
    assert!(active_at(&firing) >= active_at(&pending), "{firing} {pending}");
    let stored = wait_until("the series", || {
        server.value(ACME, "ALERTS{alertname=\"HighLoad\",alertstate=\"firing\"}")
    });
    assert_eq!(stored.as_deref(), Some("1"));
    let since = server.value(ACME, "ALERTS_FOR_STATE").expect("is stored");
    assert_eq!(since, active_at(&firing).div_euclid(1000).to_string());

    put_load(&server, 1.0);
    let ended = wait_until("the alert to end", || alert(&server).is_none().then_some(()));
    assert!(ended.is_some(), "{}", alerting.process.output());
    let gone = wait_until("its series to end", || {
        server.value(ACME, "{__name__=~\"ALERTS.*\"}").is_none().then_some(())
    });
    assert!(gone.is_some(), "{}", alerting.process.output());
}

#[test]
fn a_reload_takes_new_files_and_refuses_wrong_ones() {
    let server = Server::start();
    put_load(&server, 7.0);
    let alerting = Alerting::start(&server, SETS, &[("acme.yml", TENANTS)]);
    let first = wait_until("the recorded series", || server.value(ACME, "acme:load:sum"));
    assert_eq!(first.as_deref(), Some("7"), "{}", alerting.process.output());

    alerting.write("acme.yml", &TENANTS.replace("acme:load:sum", "acme:load:total"));
    alerting.hang_up();
    let second = wait_until("the new series", || server.value(ACME, "acme:load:total"));
    assert_eq!(second.as_deref(), Some("7"), "{}", alerting.process.output());
    let gone = wait_until("the old one to end", || {
        server.value(ACME, "acme:load:sum").is_none().then_some(())
    });
    assert!(gone.is_some(), "{}", alerting.process.output());

    alerting.write("acme2.yml", "groups: [{name: wrong, rules: [{record: r, expr: 'sum('}]}]");
    let url = format!("http://127.0.0.1:{}/-/reload", alerting.port);
    let answer = client().post(url).send().expect("answers");
    assert_eq!(answer.status(), 500);
    let told = answer.text().expect("is text");
    assert!(told.starts_with("failed to reload config: ") && told.contains("acme2.yml"), "{told}");
    let refused = wait_until("the reload to fail", || {
        alerting.metric("alerting_config_last_reload_successful").filter(|value| *value == 0.0)
    });
    assert!(refused.is_some(), "{}", alerting.process.output());
    assert!(alerting.process.output().contains("acme2.yml"), "{}", alerting.process.output());
    let names: Vec<Value> = rules(&server, ACME).iter().map(|rule| rule["name"].clone()).collect();
    assert_eq!(names, ["acme:load:total", "HighLoad", "broken"], "the old rules stay");

    alerting.write("acme2.yml", "groups: []");
    alerting.write("acme.yml", "groups: []");
    alerting.hang_up();
    let gone = wait_until("all series to end", || {
        server.value(ACME, "acme:load:total").is_none().then_some(())
    });
    assert!(gone.is_some(), "{}", alerting.process.output());
    let none = wait_until("no rules", || rules(&server, ACME).is_empty().then_some(()));
    assert!(none.is_some(), "{}", alerting.process.output());
}

/// Rules that need no data, so that both have the same.
const SAME: &str = "groups:
- name: same
  interval: 1s
  limit: 5
  rules:
  - {record: one, expr: vector(1), labels: {kind: 'x'}}
  - {alert: Always, expr: 'one  >  0', for: 2s, labels: {severity: page}, annotations: {text: 'is {{ $value }}'}}
  - {alert: Slow, expr: 'vector(1)', for: 1h, keep_firing_for: 5m}
  - {alert: Never, expr: 'vector(1) > 2'}
";

/// Without what differs from one moment to the next, and what one of them has not.
fn comparable(rules: &mut [Value]) {
    for rule in rules {
        let rule = rule.as_object_mut().expect("is an object");
        rule.remove("evaluationTime");
        assert!(rule.remove("lastEvaluation").is_some_and(|time| time.is_string()));
        // 2 and 2.0 are the same to whoever reads them.
        for number in rule.values_mut().filter(|value| value.is_number()) {
            *number = json!(number.as_f64());
        }
        for alert in rule.get_mut("alerts").and_then(Value::as_array_mut).into_iter().flatten() {
            let alert = alert.as_object_mut().expect("is an object");
            assert!(alert.remove("activeAt").is_some_and(|time| time.is_string()));
        }
    }
}

#[test]
fn prometheus_says_the_same_of_the_same_rules() {
    if peers::left_out("Prometheus: rules") {
        return;
    }
    let server = Server::start();
    let alerting = Alerting::start(&server, SETS, &[("acme.yml", SAME)]);
    let (dir, port) = (tempfile::tempdir().expect("is created"), free_port());
    std::fs::write(dir.path().join("rules.yml"), SAME).expect("is written");
    let prometheus = peers::prometheus(dir.path(), port, "rule_files: [rules.yml]\n");
    let is_firing = |rules: &[Value]| {
        rules.iter().any(|rule| rule["name"] == "Always" && rule["state"] == "firing")
    };
    let theirs = wait_until("Prometheus to fire", || {
        let url = format!("http://127.0.0.1:{port}/api/v1/rules");
        let body: Value = client().get(url).send().ok()?.json().ok()?;
        let rules = body["data"]["groups"].get(0)?["rules"].as_array()?.clone();
        is_firing(&rules).then_some(rules)
    });
    let ours = wait_until("ours to fire", || {
        let rules = rules(&server, ACME);
        is_firing(&rules).then_some(rules)
    });
    let mut theirs = theirs.unwrap_or_else(|| panic!("{}", prometheus.output()));
    let mut ours = ours.unwrap_or_else(|| panic!("{}", alerting.process.output()));
    comparable(&mut theirs);
    comparable(&mut ours);
    assert_eq!(ours, theirs);
}

#[test]
fn a_request_bound_to_a_tenant_reaches_no_other() {
    let server = Server::start();
    put_load(&server, 7.0);
    let bound = |token: &str, tenant: &str, path: &str| {
        let request = server.request(reqwest::Method::GET, token, path);
        request.header("x-tidewatch-tenant", tenant).send().expect("answers")
    };
    let query = "/api/v1/query?query=load";
    let seen: Value = bound(OPERATOR, "acme", query).json().expect("is JSON");
    assert_eq!(seen["data"]["result"].as_array().map(Vec::len), Some(1), "{seen}");
    assert_eq!(seen["data"]["result"][0]["value"][1], "7");
    for (token, tenant, status) in
        [(ACME, "acme", 200), (ACME, "globex", 403), (OPERATOR, "a/b", 400), (OPERATOR, "", 400)]
    {
        assert_eq!(bound(token, tenant, query).status().as_u16(), status, "{tenant:?}");
    }

    // Alerting writes for one tenant in each request, and for none without saying which.
    let batch = batch(&[("__name__", "recorded")], &[(now(), 1.0)]);
    assert_eq!(send(&server, ALERTING, Version::V2, &batch).status().as_u16(), 403);

    let report = |tenant: &str| {
        json!({"groups": [{"tenant": tenant, "file": "f", "name": "g", "interval_seconds": 60.0,
            "limit": 0, "rules": [], "evaluation_seconds": 0.0, "last_evaluation": null}]})
    };
    let tell = |token: &str, bound: Option<&str>, tenant: &str| {
        let request = server.request(reqwest::Method::PUT, token, "/api/v1/rulers/r/rules");
        let request = match bound {
            Some(tenant) => request.header("x-tidewatch-tenant", tenant),
            None => request,
        };
        request.json(&report(tenant)).send().expect("answers").status().as_u16()
    };
    assert_eq!(tell(ACME, None, "acme"), 403, "only alerting tells of rules");
    assert_eq!(tell(ALERTING, Some("acme"), "globex"), 403);
    assert_eq!(tell(ALERTING, Some("acme"), "acme"), 200);
    let wrong = server.request(reqwest::Method::PUT, ALERTING, "/api/v1/rulers/r/rules").body("{");
    assert_eq!(wrong.send().expect("answers").status().as_u16(), 400);
}
