//! Queries answered from what directories say of chunks, against the same queries answered from
//! every sample.

use std::{sync::Arc, time::Duration};

use disk::sim::SimDisk;
use model::{
    columns::stale_nan,
    histogram::{Histogram, Span},
    labels::Labels,
    matcher::Matcher,
    query::{QueryError, Queryable, Selection, SeriesSet},
    time::Timestamp,
    write::{HistogramSample, Sample, WriteBatch},
};
use promql::{Answer, Context, Engine, EngineOptions, Value};
use proptest::prelude::*;
use tsdb::{
    store::Store,
    view::{TenantSet, View},
};

use super::tools::{NOW, open, tenant};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Asks without saying what for.
struct Unhinted(View);

impl Queryable for Unhinted {
    fn select(&self, selection: &Selection<'_>) -> Result<SeriesSet, QueryError> {
        let mut selection = selection.clone();
        selection.hints.windows = None;
        self.0.select(&selection)
    }

    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        self.0.label_names(selection)
    }

    fn label_values(
        &self,
        name: &str,
        selection: &Selection<'_>,
    ) -> Result<Vec<String>, QueryError> {
        self.0.label_values(name, selection)
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    /// Mostly numbers near each other, sometimes all that floats can be.
    fn value(&mut self, odd: u64) -> f64 {
        if self.below(100) >= odd {
            return (self.below(20) as f64 - 10.0) / 4.0;
        }
        match self.below(8) {
            0 => f64::NAN,
            1 => f64::from_bits(0x7ff8_0000_0000_0007),
            2 | 3 => stale_nan(),
            4 => f64::INFINITY,
            5 => f64::NEG_INFINITY,
            6 => -0.0,
            _ => 0.0,
        }
    }
}

fn histogram(count: f64) -> Arc<Histogram> {
    Arc::new(Histogram {
        schema: 1,
        count,
        sum: count * 2.0,
        zero_threshold: 0.001,
        positive_spans: vec![Span { offset: 0, length: 1 }],
        positive_buckets: vec![count],
        ..Histogram::default()
    })
}

/// Ten hours of a few series, each of its own kind, as they arrive.
fn fill(store: &Store, random: &mut Random) {
    let flushes = random.below(3);
    for part in 0..=flushes {
        let mut batch = WriteBatch::default();
        for series in 0..5u64 {
            batch.begin_series(&mut [("__name__", "m"), ("s", &series.to_string())]).unwrap();
            let step = [15_000, MINUTE, 2 * MINUTE][random.below(3) as usize] as u64;
            let odd = [0, 1, 30, 100][random.below(4) as usize];
            let changing = random.below(3);
            // Times meet, so that samples contradict each other.
            let (mut time, mut value) = (NOW + random.below(5 * 60) as i64 * MINUTE, 1.0);
            let until = time + random.below(6 * HOUR as u64) as i64;
            while time < until {
                if random.below(10) < 4 * changing {
                    value = random.value(odd);
                }
                if series == 4 && random.below(40) == 0 {
                    let value = histogram(random.below(9) as f64);
                    batch.push_histogram(HistogramSample { time, value, start: 0 });
                } else {
                    let start = if odd == 1 { NOW } else { 0 };
                    batch.push_sample(Sample { time, value, start });
                }
                time += step as i64;
                if random.below(200) == 0 {
                    time += random.below(3 * 60) as i64 * MINUTE;
                }
            }
        }
        // Samples that contradict others are refused, which is how it should be.
        store.append(&tenant("acme"), &batch, Timestamp(NOW + 12 * HOUR)).unwrap();
        if part < flushes || random.below(2) == 0 {
            store.flush().unwrap();
        }
    }
    if random.below(3) == 0 {
        let matchers = [Matcher::equal("s", "1")];
        let start = NOW + random.below(8 * HOUR as u64) as i64;
        let end = start + random.below(3 * HOUR as u64) as i64;
        store.delete(&tenant("acme"), &matchers, Timestamp(start), Timestamp(end)).unwrap();
    }
    if random.below(2) == 0 {
        store.maintain(Timestamp(NOW + 12 * HOUR));
    }
}

/// All of an answer but the work, to the bit.
fn dump(answer: &Answer) -> String {
    let value = match &answer.value {
        Value::Matrix(series) => {
            let line = |labels: &Labels,
                        floats: &[(i64, f64)],
                        histograms: &dyn std::fmt::Debug| {
                let bits: Vec<(i64, u64)> = floats.iter().map(|(t, v)| (*t, v.to_bits())).collect();
                format!("{labels} {bits:?} {histograms:?}\n")
            };
            series.iter().map(|s| line(&s.labels, &s.floats, &s.histograms)).collect()
        }
        other => format!("{other:?}"),
    };
    format!("{value} {:?} {:?}", answer.warnings, answer.infos)
}

fn ask(store: &dyn Queryable, query: &str, start: i64, end: i64, step: i64) -> Answer {
    let engine = Engine::new(EngineOptions::default());
    let parsed = promql::parse(query, &promql::ParseOptions::default()).unwrap();
    let (start, end) = (Timestamp(start), Timestamp(end));
    let step = Duration::from_millis(step as u64);
    engine.range(&parsed, start, end, step, store, &Context::unlimited()).unwrap()
}

const FUNCTIONS: [&str; 11] = [
    "max_over_time",
    "min_over_time",
    "last_over_time",
    "first_over_time",
    "present_over_time",
    "absent_over_time",
    "ts_of_last_over_time",
    "ts_of_first_over_time",
    "ts_of_max_over_time",
    "count_over_time",
    "rate",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn zones_answer_what_samples_would(
        seed in 1u64..,
        first in 0i64..(2 * HOUR),
        aligned in any::<bool>(),
        step in prop_oneof![Just(MINUTE), Just(7 * MINUTE), Just(HOUR), Just(2 * HOUR), Just(5 * HOUR)],
        range in prop_oneof![1..5 * MINUTE, Just(HOUR), Just(2 * HOUR), 1..9 * HOUR],
    ) {
        let disk = SimDisk::new(1);
        let store = open(&disk);
        fill(&store, &mut Random(seed));
        let view = store.view(TenantSet::One(tenant("acme")));
        let start = NOW + if aligned { 0 } else { first };
        let end = NOW + 12 * HOUR;
        let mut queries: Vec<String> = vec![
            "m".into(),
            "sum(m offset 33m)".into(),
            "timestamp(m)".into(),
            format!("m @ {}", (start + first) / 1000),
            "histogram_count(m)".into(),
            format!("max_over_time(m[{range}ms] @ {}) + 0 * m", (start + first) / 1000),
            "max_over_time(m[3h:20m])".into(),
            "max_over_time(last_over_time(m[1h])[4h:1h])".into(),
        ];
        for function in FUNCTIONS {
            queries.push(format!("{function}(m[{range}ms])"));
            queries.push(format!("{function}(m[{range}ms] offset {first}ms)"));
        }
        for query in queries {
            let hinted = ask(&view, &query, start, end, step);
            let plain = ask(&Unhinted(view.clone()), &query, start, end, step);
            prop_assert_eq!(dump(&hinted), dump(&plain), "{}", query);
            prop_assert!(hinted.stats.samples_read <= plain.stats.samples_read, "{}", query);
        }
    }
}

/// Whole chunks are answered for by what is known of them.
#[test]
fn few_samples_are_read() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    let mut batch = WriteBatch::default();
    batch.begin_series(&mut [("__name__", "m")]).unwrap();
    for minute in 0..600 {
        let value = f64::from(minute % 7);
        batch.push_sample(Sample { time: NOW + i64::from(minute) * MINUTE, value, start: 0 });
    }
    store.append(&tenant("acme"), &batch, Timestamp(NOW + 10 * HOUR)).unwrap();
    store.flush().unwrap();
    let view = store.view(TenantSet::One(tenant("acme")));
    // The first sample of each two hours is in the window before.
    for (query, most) in [
        ("m", 120 * 5),
        ("last_over_time(m[2h])", 120 * 5),
        ("last_over_time(m[2h] offset 1m)", 5),
        ("first_over_time(m[2h] offset 1m)", 5),
        ("max_over_time(m[2h] offset 1m)", 5),
        ("min_over_time(m[4h] offset 1m)", 5),
        ("present_over_time(m[4h] offset 1m)", 5),
        ("m offset 1m", 5),
    ] {
        let answer = ask(&view, query, NOW + 2 * HOUR, NOW + 10 * HOUR, 2 * HOUR);
        let Value::Matrix(series) = &answer.value else { panic!("{query}") };
        assert_eq!(series.len(), 1, "{query}");
        assert!(answer.stats.samples_read <= most, "{query} {:?}", answer.stats);
    }
    // A window that has nothing of a block leaves it out.
    let answer = ask(&view, "max_over_time(m[1h])", NOW + 3 * HOUR, NOW + 8 * HOUR, 5 * HOUR);
    assert!(answer.stats.samples_read <= 360, "{:?}", answer.stats);
}
