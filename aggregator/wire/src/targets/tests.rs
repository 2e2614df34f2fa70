//! Who sees what, in which shape.

use model::{
    target::{DroppedReport, Family},
    time::Timestamp,
};
use serde_json::{Value, json};

use super::*;

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("is a name")
}

fn labels(pairs: &[(&str, &str)]) -> LabelMap {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn target(owner: &str, instance: &str) -> TargetReport {
    TargetReport {
        tenant: tenant(owner),
        discovered: labels(&[("__address__", instance)]),
        labels: labels(&[("instance", instance), ("job", "j"), ("tenant", owner)]),
        url: format!("http://{instance}/metrics"),
        global_url: format!("http://n1/{instance}"),
        health: Health::Down,
        last_error: "refused".to_owned(),
        last_scrape: Some(Timestamp(1_500)),
        duration_seconds: 0.25,
        interval: "15s".to_owned(),
        timeout: "10s".to_owned(),
        families: Some(0),
    }
}

fn report() -> TargetsReport {
    let (acme, globex) = (tenant("acme"), tenant("globex"));
    let metadata = Metadata { help: "H".to_owned(), ..Metadata::default() };
    TargetsReport {
        pools: vec![
            PoolReport {
                name: "shared".to_owned(),
                tenant: acme.clone(),
                config: "{}".to_owned(),
                rules: Vec::new(),
                targets: vec![target("acme", "a:1"), target("globex", "g:1")],
                dropped: vec![DroppedReport {
                    tenant: globex.clone(),
                    discovered: labels(&[("x", "y")]),
                }],
                dropped_counts: BTreeMap::from([(globex.clone(), 5)]),
            },
            PoolReport {
                name: "own".to_owned(),
                tenant: globex,
                config: String::new(),
                rules: Vec::new(),
                targets: Vec::new(),
                dropped: Vec::new(),
                dropped_counts: BTreeMap::new(),
            },
        ],
        families: vec![vec![Family { metric: "m".to_owned(), metadata }]],
        left_out: 0,
        families_left_out: 0,
    }
}

fn as_tenant<T>(name: &str, look: impl FnOnce(&Viewer<'_>) -> T) -> T {
    let own = tenant(name);
    look(&Viewer {
        sees: &|tenant| *tenant == own,
        shows_tenant: false,
        entries_max: 100,
        stop: &|| false,
    })
}

fn as_operator<T>(look: impl FnOnce(&Viewer<'_>) -> T) -> T {
    look(&Viewer { sees: &|_| true, shows_tenant: true, entries_max: 100, stop: &|| false })
}

fn value(answer: impl Serialize) -> Value {
    serde_json::to_value(answer).expect("is JSON")
}

#[test]
fn a_target_has_the_shape_of_prometheus() {
    let report = report();
    let reports = [Reported { report: &report, silent: false }];
    let answer =
        as_tenant("acme", |viewer| value(targets(&reports, &TargetsQuery::default(), viewer)));
    let expected = json!({
        "activeTargets": [{
            "discoveredLabels": { "__address__": "a:1" },
            "labels": { "instance": "a:1", "job": "j" },
            "scrapePool": "shared",
            "scrapeUrl": "http://a:1/metrics",
            "globalUrl": "http://n1/a:1",
            "lastError": "refused",
            "lastScrape": "1970-01-01T00:00:01.5Z",
            "lastScrapeDuration": 0.25,
            "health": "down",
            "scrapeInterval": "15s",
            "scrapeTimeout": "10s",
        }],
        "droppedTargets": [],
        "droppedTargetCounts": { "shared": 0 },
    });
    assert_eq!(answer, expected);
}

#[test]
fn states_and_pools_select() {
    let report = report();
    let reports = [Reported { report: &report, silent: true }];
    for (state, pool, active, dropped, counts) in [
        ("", "", 2, 1, json!({ "shared": 5, "own": 0 })),
        ("ANY", "shared", 2, 1, json!({ "shared": 5, "own": 0 })),
        ("any", "own", 0, 0, json!({ "shared": 5, "own": 0 })),
        ("active", "", 2, 0, Value::Null),
        ("dropped", "", 0, 1, json!({ "shared": 5, "own": 0 })),
        ("nonsense", "", 0, 0, Value::Null),
    ] {
        let answer =
            as_operator(|viewer| value(targets(&reports, &TargetsQuery { state, pool }, viewer)));
        let count = |list: &str| answer[list].as_array().expect("is a list").len();
        assert_eq!((count("activeTargets"), count("droppedTargets")), (active, dropped), "{state}");
        assert_eq!(answer["droppedTargetCounts"], counts, "{state}");
        for target in answer["activeTargets"].as_array().expect("is a list") {
            assert_eq!(target["health"], "unknown", "the node is silent");
            assert!(target["labels"]["tenant"].is_string());
        }
    }
}

#[test]
fn a_pool_is_for_who_sees_something_of_it_and_its_settings_for_whose_it_is() {
    let report = report();
    let reports =
        [Reported { report: &report, silent: false }, Reported { report: &report, silent: true }];
    for (who, names, configured) in [
        ("acme", vec!["shared"], Some("shared")),
        ("globex", vec!["own", "shared"], None),
        ("initech", vec![], None),
    ] {
        as_tenant(who, |viewer| {
            assert_eq!(pool_names(&reports, viewer), names, "{who}");
            let found = find_pool(&reports, "shared", viewer).map(|pool| pool.name.as_str());
            assert_eq!(found, configured, "{who}");
        });
    }
}

#[test]
fn metadata_is_of_targets_that_match() {
    let report = report();
    let reports = [Reported { report: &report, silent: false }];
    let all = as_operator(|viewer| metadata(&reports, &MetadataQuery::default(), viewer).0.len());
    assert_eq!(all, 2);
    let matchers = [Matcher::equal("instance", "g:1")];
    for (query, expected) in [
        (
            MetadataQuery { matchers: &matchers, ..MetadataQuery::default() },
            json!([{ "target": { "instance": "g:1", "job": "j", "tenant": "globex" },
                "metric": "m", "type": "unknown", "help": "H", "unit": "" }]),
        ),
        (
            MetadataQuery { matchers: &matchers, metric: "m", limit: None },
            json!([{ "target": { "instance": "g:1", "job": "j", "tenant": "globex" },
                "type": "unknown", "help": "H", "unit": "" }]),
        ),
        (MetadataQuery { metric: "other", ..MetadataQuery::default() }, json!([])),
        (MetadataQuery { limit: Some(0), ..MetadataQuery::default() }, json!([])),
    ] {
        let found = as_operator(|viewer| value(metadata(&reports, &query, viewer).0));
        assert_eq!(found, expected);
    }
    let of_one = as_tenant("acme", |viewer| {
        let query = MetadataQuery { matchers: &matchers, ..MetadataQuery::default() };
        metadata(&reports, &query, viewer).0.len()
    });
    assert_eq!(of_one, 0);
}

#[test]
fn lists_end_where_there_is_no_room() {
    let report = report();
    let reports = [Reported { report: &report, silent: false }];
    let viewer = Viewer { sees: &|_| true, shows_tenant: true, entries_max: 1, stop: &|| false };
    let shown = targets(&reports, &TargetsQuery::default(), &viewer);
    assert_eq!(
        (shown.active_targets.len(), shown.dropped_targets.len(), shown.left_out),
        (1, 1, 1)
    );
    let (entries, more) = metadata(&reports, &MetadataQuery::default(), &viewer);
    assert_eq!((entries.len(), more), (1, true));
}

#[test]
fn what_agents_count_does_not_overflow() {
    let mut report = report();
    report.pools[0].dropped_counts =
        BTreeMap::from([(tenant("acme"), u64::MAX), (tenant("globex"), u64::MAX)]);
    let reports = [Reported { report: &report, silent: false }; 2];
    let answer = as_operator(|viewer| value(targets(&reports, &TargetsQuery::default(), viewer)));
    assert_eq!(answer["droppedTargetCounts"]["shared"], u64::MAX);
}

#[test]
fn nothing_is_done_for_nobody() {
    let report = report();
    let reports = [Reported { report: &report, silent: false }];
    let viewer = Viewer { sees: &|_| true, shows_tenant: true, entries_max: 9, stop: &|| true };
    let shown = targets(&reports, &TargetsQuery::default(), &viewer);
    assert_eq!((shown.active_targets.len(), shown.dropped_targets.len()), (0, 0));
    assert_eq!(metadata(&reports, &MetadataQuery::default(), &viewer).0.len(), 0);
    assert!(pool_names(&reports, &viewer).is_empty());
    assert!(find_pool(&reports, "shared", &viewer).is_none());
}
