//! Targets come and go.

use super::*;
use crate::{group::ADDRESS, target::tests::job};

fn update(source: &str, addresses: &[&str]) -> Update {
    let targets: Vec<LabelSet> =
        addresses.iter().map(|address| LabelSet::from_iter([(ADDRESS, *address)])).collect();
    let groups =
        if targets.is_empty() { vec![] } else { vec![Group { targets, ..Group::default() }] };
    Update { job: 0, source: source.to_owned(), groups }
}

fn names(targets: &[Arc<Target>]) -> Vec<&str> {
    targets.iter().map(|target| target.labels.get("instance")).collect()
}

#[test]
fn only_what_changed_is_told() {
    let mut pool = Pool::new(Arc::new(job("target_limit = 2")));
    let change = pool.handle_update(update("s", &["a:1", "b:1", "a:1"]));
    assert_eq!((names(&change.started), change.ended.len()), (vec!["a:1", "b:1"], 0));
    assert_eq!(pool.exceeds_limit(), None);

    let change = pool.handle_update(update("t", &["b:1", "c:1"]));
    assert_eq!((names(&change.started), change.ended.len()), (vec!["c:1"], 0));
    let limit = pool.exceeds_limit().expect("is exceeded");
    assert_eq!(limit, "target_limit exceeded (number of targets: 3, limit: 2)");

    let change = pool.handle_update(update("s", &[]));
    assert_eq!((change.started.len(), names(&change.ended)), (0, vec!["a:1"]));
    assert_eq!(pool.active().len(), 2, "b is in the other source still");
}

#[test]
fn what_is_dropped_or_useless_is_counted() {
    let rules =
        "relabel_configs = [{ source_labels = ['__address__'], regex = 'a.*', action = 'drop' }]";
    let mut pool = Pool::new(Arc::new(job(rules)));
    let change = pool.handle_update(update("s", &["a:1", "/", "b:1"]));
    assert_eq!((names(&change.started), change.invalid), (vec!["b:1"], 1));
    let dropped = pool.dropped();
    assert_eq!(dropped.counts.values().sum::<u64>(), 1);
    assert_eq!((dropped.shown[0].0.as_str(), dropped.shown[0].1.get(ADDRESS)), ("acme", "a:1"));

    let mut pool = Pool::new(Arc::new(job(&format!("keep_dropped_targets = 1\n{rules}"))));
    pool.handle_update(update("s", &["a:1", "a:2", "b:1"]));
    let dropped = pool.dropped();
    assert_eq!((dropped.counts.values().sum::<u64>(), dropped.shown.len()), (2, 1));
}
