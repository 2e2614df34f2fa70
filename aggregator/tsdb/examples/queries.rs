//! Measures range queries over a store in this process: `queries DIR [SERIES [ROUNDS [QUERY]]]`.
//!
//! A day of counters and of buckets, 15 s apart, is written to `DIR` unless it is there already. Of
//! each query the best of several rounds is told: on one thread, where wall and CPU time are the
//! same, and on two.
#![expect(clippy::print_stdout, reason = "this is a command")]
#![expect(clippy::disallowed_methods, reason = "measuring takes a clock")]

use std::{
    error::Error,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use disk::{Disk, os::OsDisk};
use model::{
    tenant::TenantId,
    time::Timestamp,
    write::{Sample, WriteBatch},
};
use promql::{Context, Engine, EngineOptions, ParseOptions, parse};
use tsdb::{
    options::Options,
    store::Store,
    view::{TenantSet, View},
};

const TICK: i64 = 15_000;
const HOUR: i64 = 3_600_000;
/// Some minutes after an even hour.
const END: i64 = 1_760_000_000_000 / (24 * HOUR) * 24 * HOUR + 14 * HOUR + 17 * 60_000;
/// Samples of a series that are written together: half an hour.
const TOGETHER: usize = 120;
const TICKS: usize = 24 * 240;
const APPS: usize = 100;
const BOUNDS: [&str; 10] =
    ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"];

/// A query, over how many hours, and the step in seconds; an instant where there is none.
const QUERIES: [(&str, i64, i64); 6] = [
    ("sum by (app) (rate(requests_total[5m]))", 24, 300),
    ("histogram_quantile(0.99, sum by (app, le) (rate(latency_seconds_bucket[5m])))", 24, 300),
    ("topk(5, rate(requests_total[5m]))", 6, 300),
    ("max_over_time(sum by (app) (rate(requests_total[5m]))[6h:5m])", 0, 0),
    ("sum(rate(requests_total{app=\"app-7\"}[5m]))", 1, 15),
    ("sum by (app) (max_over_time(requests_total[1h]))", 24, 300),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().ok_or("where is the store to be?")?;
    let counters = args.next().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let rounds = args.next().and_then(|text| text.parse().ok()).unwrap_or(7);
    let only: Option<usize> = args.next().and_then(|text| text.parse().ok());
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let options = Options { retention: Duration::from_secs(900 * 86_400), ..Options::default() };
    let is_new = !Path::new(&dir).join("wal").exists();
    let store = Store::open(disk, Path::new(&dir), options, &|_| {})?.0;
    let tenant = TenantId::new("acme")?;
    if is_new {
        fill(&store, &tenant, counters)?;
    }
    println!(
        "{} blocks, {} bytes in the head",
        store.stats().blocks,
        store.stats().head_sample_bytes
    );
    let view = store.view(TenantSet::One(tenant));
    for (number, query) in QUERIES.into_iter().enumerate() {
        if only.is_none_or(|only| only == number) {
            measure(&view, rounds, query)?;
        }
    }
    Ok(())
}

fn measure(
    view: &View,
    rounds: usize,
    (text, hours, step): (&str, i64, i64),
) -> Result<(), Box<dyn Error>> {
    let expr = parse(text, &ParseOptions::default())?;
    let mut report = String::new();
    for parallelism in [1, 2] {
        let engine = Engine::new(EngineOptions {
            parallelism,
            max_samples: 500_000_000,
            ..EngineOptions::default()
        });
        let (mut wall, mut cpu) = (f64::MAX, f64::MAX);
        for _ in 0..rounds {
            let (begun, cpu_begun) = (Instant::now(), cpu_ms());
            let (end, context) = (Timestamp(END), Context::unlimited());
            let answer = if step == 0 {
                engine.instant(&expr, end, view, &context)
            } else {
                let start = Timestamp(END - hours * HOUR);
                engine.range(&expr, start, end, Duration::from_secs(step as u64), view, &context)
            };
            answer?;
            wall = wall.min(begun.elapsed().as_secs_f64() * 1e3);
            cpu = cpu.min(cpu_ms() - cpu_begun);
        }
        report += &format!("  {parallelism} threads: {wall:7.2} ms, CPU {cpu:7.2} ms");
    }
    println!("{report}  {text}");
    Ok(())
}

fn fill(store: &Store, tenant: &TenantId, counters: usize) -> Result<(), Box<dyn Error>> {
    let all = counters + counters / 10;
    let mut walks: Vec<Walk> = (0..all).map(Walk::new).collect();
    let mut time = END - TICK * TICKS as i64;
    for first in (0..=TICKS).step_by(TOGETHER) {
        let count = TOGETHER.min(TICKS + 1 - first);
        for (number, walks) in walks.chunks_mut(250).enumerate() {
            let mut batch = WriteBatch::default();
            for (at, walk) in walks.iter_mut().enumerate() {
                begin(&mut batch, number * 250 + at, counters)?;
                for time in (time..).step_by(TICK as usize).take(count) {
                    batch.push_sample(Sample { time, value: walk.next(), start: 0 });
                }
            }
            store.append(tenant, &batch, Timestamp(END))?;
        }
        time += TICK * count as i64;
        store.maintain(Timestamp(END));
    }
    for _ in 0..10 {
        store.maintain(Timestamp(END));
    }
    Ok(())
}

/// Counters first, then buckets.
fn begin(batch: &mut WriteBatch, number: usize, counters: usize) -> Result<(), Box<dyn Error>> {
    let (instance, name, key, value) = match number.checked_sub(counters) {
        None => (number / 5, "requests_total", "code", format!("{}", 200 + 100 * (number % 5))),
        Some(number) => {
            let bound = BOUNDS[number % BOUNDS.len()].to_owned();
            (number / BOUNDS.len(), "latency_seconds_bucket", "le", bound)
        }
    };
    let app = instance % APPS;
    let texts = [
        format!("app-{app}"),
        format!("10.0.{}.{}:9100", instance / 256, instance % 256),
        format!("tenant-{app:05}"),
        format!("node-{}", instance % 300),
        format!("web-{:08x}-{instance:05x}", instance * 2_654_435_761 % 0xffff_ffff),
    ];
    let [app, address, namespace, node, pod] = &texts;
    batch.begin_series(&mut [
        ("app", app),
        ("cluster", "fra1-prod-3"),
        ("instance", address),
        ("job", "istio"),
        ("namespace", namespace),
        ("node", node),
        ("pod", pod),
        ("region", "fra1"),
        ("__name__", name),
        (key, &value),
    ])?;
    Ok(())
}

/// A counter that grows, and sometimes begins anew.
struct Walk {
    value: f64,
    rate: u64,
    state: u64,
}

impl Walk {
    fn new(number: usize) -> Self {
        let mut walk = Self { value: 0.0, rate: 0, state: number as u64 };
        walk.value = walk.below(10_000) as f64;
        walk.rate = 1 + walk.below(300);
        walk
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((mixed ^ (mixed >> 31)) >> 32) * limit) >> 32
    }

    fn next(&mut self) -> f64 {
        self.value += self.below(self.rate) as f64;
        if self.below(20_000) == 0 {
            self.value = 0.0;
        }
        self.value
    }
}

/// User and system time of all threads.
fn cpu_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
