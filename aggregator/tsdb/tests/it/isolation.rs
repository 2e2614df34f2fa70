//! Tenants share nothing: random operations of several, and whatever one of them can ask is
//! answered as if the others were not there.

use std::{path::Path, sync::Arc};

use disk::{Disk, sim::SimDisk};
use model::{
    columns::Columns,
    exemplar::Exemplar,
    histogram::{Histogram, Span},
    labels::Labels,
    matcher::{MatchOp, Matcher},
    metadata::{Metadata, MetricType},
    query::{Hints, Queryable, Selection},
    time::Timestamp,
    write::{HistogramSample, Sample, WriteBatch},
};
use proptest::prelude::*;
use tsdb::{limits::Limits, options::Options, outcome::Appended, store::Store, view::TenantSet};

use super::tools::{DIR, NOW, tenant};

/// The first is the one that asks. Names that are prefixes of each other, to tempt look-ups.
const TENANTS: [&str; 4] = ["acme", "acm", "acme.2", "beta"];
const SERIES: usize = 6;
const MINUTE: i64 = 60_000;

#[derive(Clone, Debug)]
enum Op {
    Append { tenant: usize, series: Vec<usize>, back: i64, value: i8, extras: u8 },
    Delete { tenant: usize, matchers: usize, back: i64, length: i64 },
    DeleteTenant { tenant: usize },
    Limit { tenant: usize, active_series: u64, samples_per_second: f64 },
    Flush,
    Clean,
    Pass { minutes: i64 },
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let tenant = || 0..TENANTS.len();
    let back = || prop_oneof![3 => Just(0i64), 1 => 0i64..200 * MINUTE];
    prop_oneof![
        8 => (tenant(), prop::collection::vec(0..SERIES, 1..5), back(), any::<i8>(), 0u8..16)
            .prop_map(|(tenant, series, back, value, extras)| {
                Op::Append { tenant, series, back, value, extras }
            }),
        1 => (tenant(), 0..selectors().len(), back(), 0i64..100 * MINUTE)
            .prop_map(|(tenant, matchers, back, length)| {
                Op::Delete { tenant, matchers, back, length }
            }),
        1 => tenant().prop_map(|tenant| Op::DeleteTenant { tenant }),
        1 => (tenant(), 0u64..5, 0.0..3.0).prop_map(|(tenant, active_series, samples_per_second)| {
            Op::Limit { tenant, active_series, samples_per_second }
        }),
        2 => Just(Op::Flush),
        1 => Just(Op::Clean),
        3 => (0i64..90).prop_map(|minutes| Op::Pass { minutes }),
        1 => Just(Op::Reopen),
    ]
}

fn selectors() -> Vec<Vec<Matcher>> {
    vec![
        vec![],
        vec![Matcher::metric("m")],
        vec![Matcher::equal("pod", "p1")],
        vec![Matcher::new("pod", MatchOp::Regex, "p[2-4]").unwrap()],
        vec![Matcher::new("zone", MatchOp::NotEqual, "odd").unwrap()],
        vec![Matcher::equal("tenant", "beta")],
        vec![Matcher::new("tenant", MatchOp::NotRegex, "a.*").unwrap()],
        vec![Matcher::new("owner", MatchOp::Regex, ".+").unwrap()],
    ]
}

/// A store with some of the tenants' operations.
struct Run {
    disk: SimDisk,
    store: Option<Store>,
    now: i64,
    /// Whether operations of the others are carried out.
    others: bool,
}

impl Run {
    fn new(others: bool) -> Self {
        let mut run = Self { disk: SimDisk::new(7), store: None, now: NOW, others };
        run.open();
        run
    }

    fn open(&mut self) {
        self.store = None;
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let options = Options { hash_key: Some([3, 4]), replay_threads: 2, ..Options::default() };
        self.store = Some(Store::open(disk, Path::new(DIR), options, &|_| {}).unwrap().0);
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// What the asking tenant is answered, if it is its operation.
    fn carry_out(&mut self, op: &Op) -> Option<Appended> {
        let now = Timestamp(self.now);
        let takes_part = |tenant: usize| tenant == 0 || self.others;
        match op {
            Op::Append { tenant: owner, series, back, value, extras } if takes_part(*owner) => {
                let batch = batch(*owner, series, self.now - back, *value, *extras);
                let appended = self.store().append(&tenant(TENANTS[*owner]), &batch, now).unwrap();
                return (*owner == 0).then_some(appended);
            }
            Op::Delete { tenant: owner, matchers, back, length } if takes_part(*owner) => {
                let start = Timestamp(self.now - back);
                let end = Timestamp(self.now - back + length);
                let matchers = &selectors()[*matchers];
                self.store().delete(&tenant(TENANTS[*owner]), matchers, start, end).unwrap();
            }
            // What a deletion brings with it for all.
            Op::Delete { .. } | Op::Flush => drop(self.store().flush().unwrap()),
            Op::DeleteTenant { tenant: owner } if takes_part(*owner) => {
                self.store().delete_tenant(&tenant(TENANTS[*owner])).unwrap();
            }
            Op::Limit { tenant: owner, active_series, samples_per_second }
                if takes_part(*owner) =>
            {
                let limits = Limits {
                    active_series: *active_series,
                    samples_per_second: *samples_per_second,
                    ..Limits::default()
                };
                self.store().set_limits(&tenant(TENANTS[*owner]), limits);
            }
            Op::Append { .. } | Op::DeleteTenant { .. } | Op::Limit { .. } => {}
            Op::Clean => drop(self.store().clean(now).unwrap()),
            Op::Pass { minutes } => {
                for _ in 0..*minutes {
                    self.now += MINUTE;
                    let stats = self.store().maintain(Timestamp(self.now));
                    assert_eq!(stats.errors, [""; 0]);
                }
            }
            Op::Reopen => self.open(),
        }
        None
    }
}

fn batch(owner: usize, series: &[usize], time: i64, value: i8, extras: u8) -> WriteBatch {
    let mut batch = WriteBatch::default();
    for number in series {
        let pod = format!("p{number}");
        let zone = ["even", "odd"][number % 2];
        let labels = [("__name__", "m"), ("owner", TENANTS[owner]), ("pod", &pod), ("zone", zone)];
        let shared = [("__name__", "m"), ("pod", pod.as_str()), ("zone", zone)];
        // Some series are the same for all tenants, some are the tenant's own.
        let mut labels = if number % 3 == 0 { shared.to_vec() } else { labels.to_vec() };
        batch.begin_series(&mut labels).unwrap();
        let value = f64::from(value) + owner as f64 * 1000.0;
        if extras & 1 == 1 {
            let value = Arc::new(Histogram {
                count: 4.0,
                sum: value,
                positive_spans: vec![Span { offset: 0, length: 2 }],
                positive_buckets: vec![1.0, 3.0],
                ..Histogram::default()
            });
            batch.push_histogram(HistogramSample { time, value, start: 0 });
        } else {
            batch.push_sample(Sample { time, value, start: 0 });
        }
        if extras & 2 == 2 {
            let labels = Labels::new([("trace", TENANTS[owner])]).unwrap();
            batch.push_exemplar(Exemplar { labels, value, time: Timestamp(time) });
        }
    }
    if extras & 4 == 4 {
        let help = TENANTS[owner].to_owned();
        let metadata = Metadata { kind: MetricType::Gauge, help, unit: String::new() };
        batch.push_metadata(["m", "n"][usize::from(extras >> 3)].to_owned(), metadata);
    }
    batch
}

/// All that a tenant can ask, printed.
fn ask(run: &Run) -> Vec<String> {
    let store = run.store();
    let own = tenant(TENANTS[0]);
    let mut answers = Vec::new();
    let mut answer = |what: String| answers.push(what);
    let ghost = tenant("ghost");
    let sets = [TenantSet::One(own.clone()), TenantSet::Many([own.clone(), ghost].into())];
    let ranges = [(i64::MIN, i64::MAX), (run.now - 30 * MINUTE, run.now - MINUTE)];
    for (set, (start, end)) in sets.iter().flat_map(|set| ranges.map(|range| (set, range))) {
        let view = store.view(set.clone());
        for matchers in selectors() {
            let selection = Selection {
                matchers: &matchers,
                start: Timestamp(start),
                end: Timestamp(end),
                hints: Hints::default(),
            };
            for handle in view.select(&selection).unwrap() {
                let mut columns = Columns::default();
                handle.decode(&mut columns).unwrap();
                answer(format!("{} {columns:?}", handle.labels()));
            }
            answer(format!("series {:?}", view.series(&selection).unwrap()));
            answer(format!("names {:?}", view.label_names(&selection).unwrap()));
            for name in ["__name__", "owner", "pod", "tenant", "zone"] {
                let values = view.label_values(name, &selection).unwrap();
                answer(format!("values of {name} {values:?}"));
            }
            answer(format!("exemplars {:?}", view.exemplars(&selection).unwrap()));
        }
    }
    for set in &sets {
        answer(format!("metadata {:?}", store.metadata(set, None, 0)));
        answer(format!("one {:?}", store.metadata(set, Some("m"), 1)));
    }
    answer(format!("usage {:?}", store.tenant_stats(&own)));
    answers
}

fn differing(alone: &[String], among: &[String]) -> Option<String> {
    let different = alone.iter().zip(among).find(|(alone, among)| alone != among);
    if let Some((alone, among)) = different {
        return Some(format!("alone:\n{alone}\namong others:\n{among}"));
    }
    (alone.len() != among.len()).then(|| format!("{} and {} answers", alone.len(), among.len()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_tenant_is_answered_as_if_it_were_alone(ops in prop::collection::vec(op(), 1..50)) {
        let (mut alone, mut among) = (Run::new(false), Run::new(true));
        for (at, op) in ops.iter().enumerate() {
            let (one, other) = (alone.carry_out(op), among.carry_out(op));
            prop_assert_eq!(one, other, "operation {}", at);
            if at % 7 != 0 && at + 1 < ops.len() {
                continue;
            }
            let (one, other) = (ask(&alone), ask(&among));
            let differing = differing(&one, &other);
            prop_assert!(differing.is_none(), "after {}: {}", at, differing.unwrap_or_default());
            for stranger in &TENANTS[1..] {
                // In quotes, so that one name within another is no matter.
                let named = format!("\"{stranger}\"");
                let shown = other.iter().find(|answer| answer.contains(&named));
                prop_assert!(shown.is_none(), "{} shows in {:?}", stranger, shown);
            }
        }
    }
}
