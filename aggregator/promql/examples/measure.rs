//! Measures how fast queries are evaluated: `measure [SERIES [SAMPLES]]`.
//!
//! The store holds counters in memory, 15 s apart, in groups of ten; decoding one is copying it.

use std::time::{Duration, Instant};

use model::{
    columns::Columns,
    labels::Labels,
    query::{QueryError, Queryable, Selection, SeriesHandle, SeriesSet},
    time::Timestamp,
};
use promql::{Context, Engine, EngineOptions, ParseOptions, Stats, parse};

const SCRAPE_MILLIS: i64 = 15_000;

struct Store {
    labels: Vec<Labels>,
    columns: Columns,
}

struct Found {
    labels: Labels,
    columns: Columns,
}

impl SeriesHandle for Found {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn decode(&self, columns: &mut Columns) -> Result<(), QueryError> {
        columns.clone_from(&self.columns);
        Ok(())
    }
}

impl Queryable for Store {
    fn select(&self, _: &Selection<'_>) -> Result<SeriesSet, QueryError> {
        let found = self.labels.iter().map(|labels| -> Box<dyn SeriesHandle> {
            Box::new(Found { labels: labels.clone(), columns: self.columns.clone() })
        });
        Ok(found.collect())
    }

    fn label_names(&self, _: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        Ok(Vec::new())
    }

    fn label_values(&self, _: &str, _: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        Ok(Vec::new())
    }
}

fn store(series: usize, samples: usize) -> Store {
    let labels = |number: usize| {
        let (instance, job) = (format!("host-{number:06}"), format!("job-{}", number / 10));
        Labels::new([("__name__", "a_total"), ("instance", &instance), ("job", &job)])
    };
    let mut columns = Columns::default();
    for (value, time) in (0..samples).zip((0..).step_by(15_000)) {
        columns.push(time, value as f64 * 1.5);
    }
    Store { labels: (0..series).filter_map(|number| labels(number).ok()).collect(), columns }
}

#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
#[expect(clippy::disallowed_methods, reason = "measuring takes a clock")]
fn main() {
    let mut sizes = std::env::args().skip(1).filter_map(|size| size.parse::<usize>().ok());
    let (series, samples) = (sizes.next().unwrap_or(10_000), sizes.next().unwrap_or(240));
    let store = store(series, samples);
    let end = SCRAPE_MILLIS * i64::try_from(samples).unwrap_or(0);
    println!("{series} series of {samples} samples, range query of 60 s steps over all of them");
    for query in [
        "a_total",
        "rate(a_total[5m])",
        "sum by (job) (rate(a_total[5m]))",
        "sum(rate(a_total[1h]))",
        "quantile by (job) (0.99, a_total)",
        "topk(10, rate(a_total[5m]))",
        "max_over_time(rate(a_total[5m])[30m:1m])",
        "a_total / on (instance) a_total",
    ] {
        let Ok(expr) = parse(query, &ParseOptions::default()) else { continue };
        let mut report = format!("{query:42}");
        let mut stats = Stats::default();
        for parallelism in [1, 2] {
            let engine = Engine::new(EngineOptions { parallelism, ..EngineOptions::default() });
            let step = Duration::from_secs(60);
            let mut best = Duration::MAX;
            for _ in 0..3 {
                let started = Instant::now();
                let context = Context::unlimited();
                let answer =
                    engine.range(&expr, Timestamp(0), Timestamp(end), step, &store, &context);
                best = best.min(started.elapsed());
                if let Ok(answer) = answer {
                    stats = answer.stats;
                }
            }
            report += &format!(" {:9.1} ms", best.as_secs_f64() * 1000.0);
        }
        println!("{report}  read {} peak {}", stats.samples_read, stats.samples_peak);
    }
}
