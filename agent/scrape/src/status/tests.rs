//! What is told of targets.

use model::metadata::MetricType;

use super::*;
use crate::{
    config::values::Span,
    group::{ADDRESS, Group},
    target::{Populated, populate, tests::job},
};

fn target(job: &Job, address: &str) -> Arc<Target> {
    let own = LabelSet::from_iter([(ADDRESS, address), ("__meta_x", "y")]);
    let Ok(Populated::Target(target)) = populate(job, &Group::default(), &own) else {
        panic!("is a target")
    };
    target.into()
}

fn last(error: &str) -> LastScrape {
    let (at, duration) = (Timestamp(1_500), Duration::from_millis(250));
    LastScrape { at, duration, error: error.to_owned() }
}

#[test]
fn a_report_says_what_is_known() {
    let job = Arc::new(job("bearer_token = 'hidden'\nscrape_interval = '15s'"));
    let (target, other) = (target(&job, "127.0.0.1:1"), target(&job, "h:2"));
    let status = Status::default();
    let mut changes = status.changes();
    status.add_job(&job);
    status.start("j", &target);
    status.start("j", &other);
    let shown = vec![(job.tenant.clone(), LabelSet::from_iter([("a", "b")]))];
    let counts = BTreeMap::from([(job.tenant.clone(), 7)]);
    status.set_dropped("j", &Dropped { counts, shown });
    assert!(changes.has_changed().expect("is open"));
    assert_eq!(status.counts(), [0, 0, 2]);
    assert_eq!(status.report("n1").pools[0].targets[0].health, Health::Unknown);

    let metadata = Metadata { kind: MetricType::Gauge, help: "H".to_owned(), unit: String::new() };
    for target in [&target, &other] {
        status.scraped("j", target, last(""), [("m", &metadata)].into_iter());
    }
    changes.mark_unchanged();
    status.scraped("j", &target, last(""), [("m", &metadata)].into_iter());
    assert!(!changes.has_changed().expect("is open"), "all is as before");
    status.scraped("j", &other, last("refused"), [("m", &metadata)].into_iter());
    assert!(changes.has_changed().expect("is open"));
    assert_eq!(status.counts(), [1, 1, 0]);

    let report = status.report("n1");
    let pool = &report.pools[0];
    let [up, down] = pool.targets.as_slice() else { panic!("two targets") };
    assert_eq!((pool.name.as_str(), pool.tenant.as_str()), ("j", "acme"));
    assert_eq!(
        (up.url.as_str(), up.global_url.as_str()),
        ("http://127.0.0.1:1/metrics", "http://n1:1/metrics")
    );
    assert_eq!(up.global_url.replace("n1:1", "h:2"), down.global_url);
    assert_eq!(up.discovered["__meta_x"], "y");
    assert_eq!(
        (up.labels["instance"].as_str(), up.labels["tenant"].as_str()),
        ("127.0.0.1:1", "acme")
    );
    assert_eq!(
        (up.health, up.last_scrape, up.duration_seconds),
        (Health::Up, Some(Timestamp(1_500)), 0.25)
    );
    assert_eq!((down.health, down.last_error.as_str()), (Health::Down, "refused"));
    assert_eq!((up.interval.as_str(), up.timeout.clone()), ("15s", Span::seconds(10).to_string()));
    assert_eq!((up.families, down.families, report.families.len()), (Some(0), Some(0), 1));
    assert_eq!(
        (pool.dropped[0].discovered["a"].as_str(), pool.dropped_counts.values().sum()),
        ("b", 7u64)
    );
    assert!(!pool.config.contains("hidden") && pool.config.contains("<secret>"), "{}", pool.config);

    status.end("j", &target);
    assert_eq!(status.counts(), [0, 1, 0]);
    status.remove_job("j");
    assert_eq!((status.counts(), status.report("n1").pools.len()), ([0, 0, 0], 0));
}

#[test]
fn what_has_no_room_in_a_report_is_counted() {
    let job = Arc::new(job(""));
    let status = Status::default();
    status.add_job(&job);
    let error = "\u{1}".repeat(1 << 20);
    for port in 1..6 {
        let target = target(&job, &format!("h:{port}"));
        status.start("j", &target);
        let help = format!("{port}{error}");
        let metadata = Metadata { help, ..Metadata::default() };
        status.scraped("j", &target, last(&error), [("m", &metadata)].into_iter());
    }
    let report = status.report("n1");
    assert_eq!((report.pools[0].targets.len(), report.left_out), (1, 4));
    assert_eq!((report.families.len(), report.families_left_out), (0, 1));
    let bytes = serde_json::to_vec(&report).expect("is JSON").len();
    assert!(bytes <= model::target::REPORT_BYTES_MAX, "{bytes}");
}
