//! The answers of the API.

use model::metadata::MetricType;

use super::*;
use crate::{
    group::{ADDRESS, Group},
    target::{Populated, populate, tests::job},
};

#[test]
fn targets_are_shown_as_prometheus_shows_them() {
    let own = LabelSet::from_iter([(ADDRESS, "h:1"), ("__meta_x", "y")]);
    let Ok(Populated::Target(target)) = populate(&job(""), &Group::default(), &own) else {
        panic!("is a target")
    };
    let target: Arc<Target> = target.into();
    let status = Status::default();
    status.add_job("empty");
    status.start("j", &target);
    let dropped = Dropped { count: 7, shown: vec![LabelSet::from_iter([("a", "b")])] };
    status.set_dropped("j", &dropped);
    let all = TargetsQuery::default();
    assert_eq!(status.targets_json(&all)["data"]["activeTargets"][0]["health"], "unknown");
    assert_eq!(status.counts(), [0, 0, 1]);

    let last = LastScrape {
        at: Timestamp(1_500),
        duration: Duration::from_millis(250),
        error: String::new(),
    };
    let metadata = Metadata { kind: MetricType::Gauge, help: "H".to_owned(), unit: String::new() };
    status.scraped("j", &target, last, [("m", &metadata)].into_iter());
    assert_eq!(status.counts(), [1, 0, 0]);
    let expected = json!({
        "discoveredLabels": {
            "__address__": "h:1", "__meta_x": "y", "__metrics_path__": "/metrics",
            "__scheme__": "http", "__scrape_interval__": "1m", "__scrape_timeout__": "10s",
            "job": "j",
        },
        "labels": { "instance": "h:1", "job": "j", "tenant": "acme" },
        "scrapePool": "j",
        "scrapeUrl": "http://h:1/metrics",
        "globalUrl": "http://h:1/metrics",
        "lastError": "",
        "lastScrape": "1970-01-01T00:00:01.5Z",
        "lastScrapeDuration": 0.25,
        "health": "up",
        "scrapeInterval": "1m",
        "scrapeTimeout": "10s",
    });
    let answer = status.targets_json(&all);
    assert_eq!(answer["data"]["activeTargets"], json!([expected]));
    assert_eq!(answer["data"]["droppedTargets"][0]["discoveredLabels"], json!({ "a": "b" }));
    assert_eq!(answer["data"]["droppedTargetCounts"], json!({ "empty": 0, "j": 7 }));
    let other = TargetsQuery { scrape_pool: "empty".to_owned(), ..all };
    assert_eq!(status.targets_json(&other)["data"]["activeTargets"], json!([]));
    assert_eq!(status.pools_json()["data"]["scrapePools"], json!(["empty", "j"]));
    let described = status.metadata_json(&MetadataQuery::default());
    assert_eq!(described["data"][0]["metric"], "m");
    assert_eq!(described["data"][0]["type"], "gauge");
    status.end("j", &target);
    assert_eq!(status.counts(), [0, 0, 0]);
}
