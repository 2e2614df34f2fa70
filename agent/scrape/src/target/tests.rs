//! From found to asked.

use super::*;
use crate::config::Settings;

pub(crate) fn job(text: &str) -> Job {
    let text = format!("tenant = 'acme'\n[[scrape_configs]]\njob_name = 'j'\n{text}");
    let settings: Settings = toml::from_str(&text).expect("is TOML");
    settings.jobs().expect("is valid").remove(0)
}

fn populated(text: &str, labels: &[(&str, &str)]) -> Result<Populated, InvalidTarget> {
    let group = Group {
        labels: LabelSet::from_iter([("env", "prod"), ("own", "group")]),
        ..Group::default()
    };
    populate(&job(text), &group, &labels.iter().copied().collect())
}

fn target(text: &str, labels: &[(&str, &str)]) -> Box<Target> {
    match populated(text, labels) {
        Ok(Populated::Target(target)) => target,
        other => panic!("{other:?}"),
    }
}

fn shown(labels: &LabelSet) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(" ")
}

#[test]
fn a_target_has_job_instance_and_tenant() {
    let target = target("", &[(ADDRESS, "h:9"), ("own", "target"), ("__meta_x", "y")]);
    assert_eq!(target.url.as_str(), "http://h:9/metrics");
    assert_eq!(shown(&target.labels), "env=prod instance=h:9 job=j own=target tenant=acme");
    assert_eq!(target.identity.get("__meta_x"), "");
    assert_eq!(target.discovered.get("__meta_x"), "y");
    assert_eq!((target.interval.as_secs(), target.timeout.as_secs()), (60, 10));
}

#[test]
fn inner_labels_say_where_and_how() {
    let rules = r#"
        metrics_path = "/m"
        params = { a = ["1", "2"], b = ["x y"] }
        relabel_configs = [
            { target_label = "__address__", replacement = "[::1]:8" },
            { target_label = "__scheme__", replacement = "https" },
            { target_label = "__param_a", replacement = "3" },
            { target_label = "__param_c", replacement = "4" },
            { target_label = "__scrape_interval__", replacement = "1m30s" },
            { target_label = "__scrape_timeout__", replacement = "20s" },
            { target_label = "__tenant__", replacement = "globex" },
            { target_label = "job", replacement = "renamed" },
        ]
    "#;
    let target = target(rules, &[(ADDRESS, "h")]);
    assert_eq!(target.url.as_str(), "https://[::1]:8/m?a=3&a=2&b=x+y&c=4");
    assert_eq!((target.interval.as_secs(), target.timeout.as_secs()), (90, 20));
    assert_eq!(target.tenant.as_str(), "globex");
    assert_eq!(
        shown(&target.labels),
        "env=prod instance=[::1]:8 job=renamed own=group tenant=globex"
    );
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let set = |name: &str, value: &str| {
        format!("relabel_configs = [{{ target_label = '{name}', replacement = '{value}' }}]")
    };
    for (rules, address, message) in [
        (String::new(), "", "it has no address"),
        (String::new(), "h/path", "\"h/path\" is not a host with or without a port"),
        (String::new(), "user@h", "\"user@h\" is not a host with or without a port"),
        (String::new(), "h:99999", "\"h:99999\" is not a host with or without a port"),
        (set("__scheme__", "file"), "h", "scheme \"file\" is neither http nor https"),
        (
            set("__scrape_interval__", "x"),
            "h",
            "__scrape_interval__ \"x\" is no duration above 100ms",
        ),
        (
            set("__scrape_timeout__", "2m"),
            "h",
            "the scrape timeout is longer than the interval (\"2m\" > \"1m\")",
        ),
        (set("__tenant__", "a b"), "h", "tenant: "),
    ] {
        let refused = populated(&rules, &[(ADDRESS, address)]).expect_err("is refused").to_string();
        assert!(refused.starts_with(message), "{refused}");
    }
    let dropped = populated("relabel_configs = [{ action = 'drop' }]", &[(ADDRESS, "h")]);
    assert!(matches!(dropped, Ok(Populated::Dropped(_))));
}

#[test]
fn the_hash_depends_on_labels_and_address() {
    let one = target("", &[(ADDRESS, "h:9")]);
    assert_eq!(one.hash(), target("", &[(ADDRESS, "h:9")]).hash());
    assert_ne!(one.hash(), target("", &[(ADDRESS, "h:8")]).hash());
    assert_ne!(one.hash(), target("", &[(ADDRESS, "h:9"), ("x", "y")]).hash());
}
