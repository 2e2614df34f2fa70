//! Look-ups end when they are told to, and find no more than they are asked for.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use disk::sim::SimDisk;
use model::{
    matcher::{MatchOp, Matcher},
    query::{Hints, QueryError, Queryable, Selection},
    time::Timestamp,
    write::{Sample, WriteBatch},
};
use tsdb::{
    store::Store,
    view::{TenantSet, View},
};

use super::tools::{NOW, open, tenant};

const SERIES: usize = 6000;

/// A store in which every other series is in a block, and some are in both places.
fn store() -> Store {
    let store = open(&SimDisk::new(1));
    for (first, step) in [(0, 2), (1, 2), (0, 64)] {
        let mut batch = WriteBatch::default();
        for number in (first..SERIES).step_by(step) {
            let (pod, extra) = (format!("pod-{number:04}"), format!("extra_{}", number % 10));
            let labels = &mut [("__name__", "m"), ("pod", &pod), (&extra, "x")];
            batch.begin_series(labels).unwrap();
            batch.push_sample(Sample { time: NOW + step as i64, value: 1.0, start: 0 });
        }
        let appended = store.append(&tenant("acme"), &batch, Timestamp(NOW)).unwrap();
        assert_eq!(appended.rejected, []);
        if first == 0 && step == 2 {
            store.flush().unwrap();
        }
    }
    store
}

fn view(store: &Store) -> View {
    store.view(TenantSet::One(tenant("acme")))
}

fn selection(matchers: &[Matcher], limit: usize) -> Selection<'_> {
    let hints = Hints { limit, ..Hints::default() };
    Selection { matchers, start: Timestamp::MIN, end: Timestamp::MAX, hints }
}

#[test]
fn a_limit_gives_the_first_names_and_values_and_some_of_the_series() {
    let store = store();
    let view = view(&store);
    for matchers in [vec![], vec![Matcher::new("pod", MatchOp::Regex, ".*[37]").unwrap()]] {
        let all = selection(&matchers, 0);
        let series = view.series(&all).unwrap();
        let names = view.label_names(&all).unwrap();
        let pods = view.label_values("pod", &all).unwrap();
        assert_eq!(pods.len(), series.len());
        assert!(series.is_sorted() && series.len() > 1000);
        for limit in [1, 3, 200, SERIES, SERIES + 1] {
            let some = selection(&matchers, limit);
            assert_eq!(view.label_names(&some).unwrap(), names[..limit.min(names.len())]);
            assert_eq!(view.label_values("pod", &some).unwrap(), pods[..limit.min(pods.len())]);
            let found = view.series(&some).unwrap();
            assert_eq!(found.len(), limit.min(series.len()));
            assert!(found.is_sorted_by(|a, b| a < b));
            assert!(found.iter().all(|labels| series.binary_search(labels).is_ok()));
            assert_eq!(view.select(&some).unwrap().len(), series.len(), "every sample counts");
        }
    }
}

type LookUp = fn(&View, &Selection<'_>) -> Result<usize, QueryError>;

const LOOK_UPS: [(&str, LookUp); 4] = [
    ("select", |view, selection| view.select(selection).map(|found| found.len())),
    ("series", |view, selection| view.series(selection).map(|found| found.len())),
    ("label names", |view, selection| view.label_names(selection).map(|found| found.len())),
    ("label values", |view, selection| view.label_values("pod", selection).map(|all| all.len())),
];

#[test]
fn look_ups_end_when_they_are_told_to() {
    let store = store();
    // Not remembered from one to the next, so that each is tried on all values.
    for (number, (name, look_up)) in LOOK_UPS.iter().enumerate() {
        let pattern = format!(".*[0-9]|{number}");
        let matchers = [Matcher::new("pod", MatchOp::Regex, &pattern).unwrap()];
        let selection = selection(&matchers, 0);
        let questions = Arc::new(AtomicUsize::new(0));
        let mut allowed = 0;
        let found = loop {
            questions.store(0, Ordering::Relaxed);
            let asked = Arc::clone(&questions);
            let stop = move || asked.fetch_add(1, Ordering::Relaxed) >= allowed;
            match look_up(&view(&store).until(stop), &selection) {
                Err(error) => assert_eq!(error, QueryError::Cancelled, "{name}"),
                Ok(found) => break found,
            }
            assert_eq!(questions.load(Ordering::Relaxed), allowed + 1, "{name}: it ends at once");
            allowed += 1;
        };
        assert!(allowed > SERIES / 1000, "{name}: {allowed} questions");
        assert_eq!(Ok(found), look_up(&view(&store), &selection), "{name}");
    }
    assert_eq!(view(&store).until(|| true).check(), Err(QueryError::Cancelled));
    assert_eq!(view(&store).check(), Ok(()));
}
