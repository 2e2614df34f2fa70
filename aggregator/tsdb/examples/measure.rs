//! Measures the store on this machine, on data like that of a container platform.
//!
//! `cargo run --release -p tsdb --example measure -- ingest|replay|select [SERIES] [TICKS] [THREADS]`
//! and `… -- log DIR [SERIES] [TICKS]`, which leaves a data directory with all of it in the log, and `… -- open DIR [TIMES]`, which replays it,
//! and `… -- frames [SERIES] [GROUP_SIZE] [TICKS] [THREADS]` and `… -- tenants|tenants-frames [TENANTS] [SERIES]` and `… -- storage FILE [EVERY]` print one JSON object a line. `FILE` holds series as length and
//! text of labels, count, times, values; of these every so many samples are stored.
//! Values are like those of exporters: most series do not change
//! between two scrapes, counters grow by small amounts, a tenth are noisy decimals.
#![expect(clippy::print_stdout, reason = "this is a command")]
#![expect(clippy::disallowed_methods, reason = "this measures time")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use disk::{Disk, os::OsDisk};
use model::{
    columns::Columns,
    matcher::{MatchOp, Matcher},
    query::{Hints, Queryable, Selection},
    tenant::TenantId,
    time::Timestamp,
    write::{Sample, WriteBatch},
};
use tsdb::{options::Options, store::Store, view::TenantSet};

#[path = "measure/frames.rs"]
mod frames;
#[path = "measure/replay.rs"]
mod replay;

const START: i64 = 1_700_000_000_000;
const BATCH_SERIES: usize = 5000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, usual: usize| {
        arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(usual)
    };
    let dir = tempfile::tempdir_in(std::env::temp_dir())?;
    let (series, ticks, threads) = (number(1, 200_000), number(2, 60), number(3, 8));
    match arguments.first().map(String::as_str) {
        Some("ingest") => ingest(dir.path(), series, ticks, threads),
        Some("replay") => replay::measure(dir.path(), series, ticks, threads),
        Some("log") => replay::log(path(&arguments)?, number(2, 200_000), number(3, 21)),
        Some("open") => replay::open(path(&arguments)?, number(2, 3)),
        Some("frames") => frames::measure(
            dir.path(),
            number(1, 1_000_000),
            number(2, 500),
            number(3, 241),
            number(4, 8),
        ),
        Some("storage") => storage(dir.path(), path(&arguments)?, number(2, 1)),
        Some("tenants") => tenants(dir.path(), number(1, 10_000), number(2, 20)),
        Some("tenants-frames") => frames::tenants(dir.path(), number(1, 10_000), number(2, 20)),
        Some("select") => select(dir.path(), series, number(2, 9)),
        _ => {
            Err("say ingest, replay, log, open, select, frames, tenants, tenants-frames or storage"
                .into())
        }
    }
}

fn path(arguments: &[String]) -> Result<&Path, &'static str> {
    arguments.get(1).map(Path::new).ok_or("say which file or directory")
}

fn open(dir: &Path) -> Result<Store, Box<dyn std::error::Error>> {
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let options =
        Options { head_bytes_max: 8 << 30, wal_bytes_max: 64 << 30, ..Options::default() };
    Ok(Store::open(disk, dir, options, &|_| {})?.0)
}

/// Values of all series, advanced tick by tick.
struct Generator {
    values: Vec<f64>,
    state: u64,
}

impl Generator {
    fn new(series: usize) -> Self {
        Self { values: (0..series).map(|number| (number % 1000) as f64).collect(), state: 7 }
    }

    fn random(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn tick(&mut self) {
        for at in 0..self.values.len() {
            let random = self.random();
            let value = self.values[at];
            self.values[at] = match at % 10 {
                0 => value + (random % 100) as f64,
                1 => (value * 1000.0 + (random % 900) as f64).round() / 1000.0,
                2 => (random % 100_000) as f64 * 4096.0,
                _ => value,
            };
        }
    }
}

fn labels(series: usize) -> Vec<(&'static str, String)> {
    let pod = series / 50;
    vec![
        ("__name__", format!("container_metric_{}_total", series % 50)),
        ("cluster", "fra1-prod-3".to_owned()),
        ("container", format!("app-{}", pod % 7)),
        ("image", format!("registry.internal/apps/{}:v{}", pod % 997, pod % 13)),
        ("instance", format!("10.{}.{}.{}:9100", pod % 7, pod % 251, pod % 199)),
        ("job", "kubelet-cadvisor".to_owned()),
        ("namespace", format!("tenant-{:05}", pod % 10_000)),
        ("node", format!("node-{}", pod % 300)),
        ("pod", format!("web-{:x}-{pod:05x}", pod * 2_654_435_761 % 0xffff_ffff)),
        ("region", "fra1".to_owned()),
    ]
}

/// One batch per 5,000 series, with a sample for each.
fn batches(series: usize) -> Result<Vec<WriteBatch>, Box<dyn std::error::Error>> {
    let mut batches = Vec::new();
    for first in (0..series).step_by(BATCH_SERIES) {
        let mut batch = WriteBatch::default();
        for number in first..(first + BATCH_SERIES).min(series) {
            let labels = labels(number);
            let mut pairs: Vec<(&str, &str)> =
                labels.iter().map(|(n, v)| (*n, v.as_str())).collect();
            batch.begin_series(&mut pairs)?;
            batch.push_sample(Sample { time: 0, value: 0.0, start: 0 });
        }
        batches.push(batch);
    }
    Ok(batches)
}

/// The same series with the values of the next tick.
fn refill(
    batches: &[WriteBatch],
    generator: &Generator,
    time: i64,
) -> Result<Vec<WriteBatch>, Box<dyn std::error::Error>> {
    let mut filled = Vec::with_capacity(batches.len());
    let mut number = 0;
    for batch in batches {
        let mut next = WriteBatch::default();
        for series in batch.series() {
            let labels = model::labels::Labels::from_bytes(series.labels).ok_or("labels")?;
            let mut pairs: Vec<(&str, &str)> = labels.iter().collect();
            next.begin_series(&mut pairs)?;
            next.push_sample(Sample { time, value: generator.values[number], start: 0 });
            number += 1;
        }
        filled.push(next);
    }
    Ok(filled)
}

fn write(
    store: &Store,
    series: usize,
    ticks: usize,
    threads: usize,
) -> Result<(f64, f64, f64, usize), Box<dyn std::error::Error>> {
    let tenant = TenantId::new("acme")?;
    let mut generator = Generator::new(series);
    let empty = batches(series)?;
    let (mut first, mut wall, mut cpu) = (0.0, 0.0, 0.0);
    // The generator's own memory is there before and after.
    drop(refill(&empty, &generator, 0)?);
    let before = resident_bytes();
    for tick in 0..ticks {
        generator.tick();
        let time = START + tick as i64 * 15_000;
        let filled = refill(&empty, &generator, time)?;
        let next = AtomicU64::new(0);
        let (begun, cpu_begun) = (Instant::now(), cpu_seconds());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(batch) =
                        filled.get(next.fetch_add(1, Ordering::Relaxed) as usize)
                    {
                        let done = store.append(&tenant, batch, Timestamp(time));
                        assert!(
                            done.is_ok_and(|done| done.rejected.is_empty()),
                            "an append failed"
                        );
                    }
                });
            }
        });
        let seconds = begun.elapsed().as_secs_f64();
        if tick == 0 {
            first = seconds;
        } else {
            wall += seconds;
            cpu += cpu_seconds() - cpu_begun;
        }
    }
    let samples = (series * ticks.saturating_sub(1)) as f64;
    let resident = resident_bytes().saturating_sub(before);
    Ok((series as f64 / first, samples / wall, samples / cpu, resident))
}

fn ingest(
    dir: &Path,
    series: usize,
    ticks: usize,
    threads: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let store = open(dir)?;
    let (first, wall, cpu, resident) = write(&store, series, ticks, threads)?;
    let resident = resident as f64 / series as f64;
    let stats = store.stats();
    let per = |bytes: u64| bytes as f64 / series as f64;
    println!(
        "{{\"name\":\"ingest\",\"series\":{series},\"ticks\":{ticks},\"threads\":{threads},\
         \"first_tick_per_s\":{first:.0},\"samples_per_s\":{wall:.0},\"samples_per_cpu_s\":{cpu:.0},\
         \"samples_bytes_per_series\":{:.0},\"index_bytes_per_series\":{:.0},\
         \"resident_bytes_per_series\":{resident:.0},\"wal_bytes_per_sample\":{:.2},\"syncs\":{}}}",
        per(stats.head_sample_bytes),
        per(stats.head_index_bytes),
        stats.wal_bytes as f64 / (series * ticks) as f64,
        stats.wal_syncs,
    );
    let begun = Instant::now();
    let flushed = store.flush()?;
    let stats = store.stats();
    println!(
        "{{\"name\":\"flush\",\"samples_per_s\":{:.0},\"block_bytes_per_sample\":{:.3}}}",
        flushed.flushed_samples as f64 / begun.elapsed().as_secs_f64(),
        stats.block_bytes as f64 / stats.block_samples.max(1) as f64,
    );
    store.flush()?;
    let begun = Instant::now();
    let mut merged = 0;
    for hour in 3..6 {
        merged += store.maintain(Timestamp(START + hour * 3_600_000)).blocks_compacted;
    }
    let stats = store.stats();
    println!(
        "{{\"name\":\"compact\",\"blocks\":{merged},\"samples_per_s\":{:.0},\"block_bytes_per_sample\":{:.3},\
         \"block_bytes_per_series\":{:.1}}}",
        stats.block_samples as f64 / begun.elapsed().as_secs_f64(),
        stats.block_bytes as f64 / stats.block_samples.max(1) as f64,
        per(stats.block_bytes),
    );
    Ok(())
}

/// Many tenants with few series each.
fn tenants(dir: &Path, tenants: usize, series: usize) -> Result<(), Box<dyn std::error::Error>> {
    let store = open(dir)?;
    let mut batches = Vec::new();
    for tenant in 0..tenants {
        let mut batch = WriteBatch::default();
        for number in 0..series {
            let labels = labels(tenant * 50 + number);
            let mut pairs: Vec<(&str, &str)> =
                labels.iter().map(|(n, v)| (*n, v.as_str())).collect();
            batch.begin_series(&mut pairs)?;
            batch.push_sample(Sample { time: START, value: number as f64, start: 0 });
        }
        batches.push((TenantId::new(&format!("tenant-{tenant}"))?, batch));
    }
    let before = resident_bytes();
    let begun = Instant::now();
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                while let Some((tenant, batch)) =
                    batches.get(next.fetch_add(1, Ordering::Relaxed) as usize)
                {
                    let done = store.append(tenant, batch, Timestamp(START));
                    assert!(done.is_ok_and(|done| done.rejected.is_empty()), "an append failed");
                }
            });
        }
    });
    let appended = begun.elapsed().as_secs_f64();
    let resident = resident_bytes().saturating_sub(before);
    let begun = Instant::now();
    store.maintain(Timestamp(START));
    let maintained = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    store.flush()?;
    let flushed = begun.elapsed().as_secs_f64();
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let stats = store.stats();
    drop(store);
    let begun = Instant::now();
    Store::open(disk, dir, Options::default(), &|_| {})?;
    println!(
        "{{\"name\":\"tenants\",\"tenants\":{tenants},\"series\":{series},\"appends_per_s\":{:.0},\
         \"resident_bytes_per_series\":{:.0},\"idle_maintain_ms\":{:.1},\"flush_ms\":{:.0},\
         \"blocks\":{},\"block_bytes_per_tenant\":{:.0},\"open_ms\":{:.0}}}",
        tenants as f64 / appended,
        resident as f64 / (tenants * series) as f64,
        maintained * 1e3,
        flushed * 1e3,
        stats.blocks,
        stats.block_bytes as f64 / tenants as f64,
        begun.elapsed().as_secs_f64() * 1e3,
    );
    Ok(())
}

/// Stores real series and says what a sample takes on the disk.
fn storage(dir: &Path, file: &Path, every: usize) -> Result<(), Box<dyn std::error::Error>> {
    let bytes = disk::read(&OsDisk, file, 1 << 30)?;
    let store = open(dir)?;
    let tenant = TenantId::new("acme")?;
    let mut input = bytes.as_slice();
    let (mut count, mut last) = (0, 0);
    while !input.is_empty() {
        let length = take(&mut input).ok_or("length")? as usize;
        let (text, rest) = input.split_at_checked(length).ok_or("labels")?;
        input = rest;
        let samples = take(&mut input).ok_or("count")? as usize;
        let (times, rest) = input.split_at_checked(samples * 8).ok_or("times")?;
        let (values, rest) = rest.split_at_checked(samples * 8).ok_or("values")?;
        input = rest;
        let labels = parse(std::str::from_utf8(text)?);
        let mut batch = WriteBatch::default();
        let mut pairs: Vec<(&str, &str)> =
            labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        batch.begin_series(&mut pairs)?;
        let words = times.as_chunks::<8>().0.iter().zip(values.as_chunks::<8>().0);
        for (time, value) in words.step_by(every) {
            let (time, value) = (i64::from_le_bytes(*time), f64::from_le_bytes(*value));
            last = last.max(time);
            batch.push_sample(Sample { time, value, start: 0 });
        }
        count += store.append(&tenant, &batch, Timestamp(last))?.samples;
    }
    let flushed = store.flush()?;
    let mut merged = flushed.blocks_written;
    for hour in 3..40 {
        merged += store.maintain(Timestamp(last + hour * 3_600_000)).blocks_compacted;
    }
    let stats = store.stats();
    println!(
        "{{\"name\":\"storage\",\"every\":{every},\"samples\":{count},\"merged\":{merged},\"blocks\":{},\
         \"bytes_per_sample\":{:.4}}}",
        stats.blocks,
        stats.block_bytes as f64 / stats.block_samples.max(1) as f64
    );
    Ok(())
}

fn take(input: &mut &[u8]) -> Option<u64> {
    let (word, rest) = input.split_first_chunk::<8>()?;
    *input = rest;
    Some(u64::from_le_bytes(*word))
}

/// `{name="value", …}`; values with escapes stay as they are.
fn parse(text: &str) -> Vec<(String, String)> {
    let inner = text.trim().trim_start_matches('{').trim_end_matches('}');
    let parts = inner.split("\", ").filter_map(|part| part.split_once("=\""));
    let clean = |text: &str| text.trim_matches('"').to_owned();
    parts.map(|(name, value)| (clean(name), clean(value))).collect()
}

fn select(dir: &Path, series: usize, repetitions: usize) -> Result<(), Box<dyn std::error::Error>> {
    let store = open(dir)?;
    write(&store, series, 2, 8)?;
    let view = store.view(TenantSet::One(TenantId::new("acme")?));
    let metric = Matcher::metric("container_metric_7_total");
    let cases = [
        ("equal", vec![Matcher::equal("namespace", "tenant-00042")]),
        ("regex", vec![Matcher::new("namespace", MatchOp::Regex, ".*-0[0-4]4.2|.*99")?]),
        (
            "regex_metric",
            vec![metric.clone(), Matcher::new("namespace", MatchOp::Regex, ".*-.*[13579]")?],
        ),
        ("prefix_metric", vec![metric, Matcher::new("namespace", MatchOp::Regex, "tenant-00.*")?]),
    ];
    for when in ["head", "block"] {
        for (name, matchers) in &cases {
            let (mut best, mut decode) = (f64::MAX, f64::MAX);
            let mut found = 0;
            for _ in 0..repetitions {
                let selection = Selection {
                    matchers,
                    start: Timestamp(START),
                    end: Timestamp(START + 3_600_000),
                    hints: Hints::default(),
                };
                let begun = thread_cpu_seconds();
                let set = view.select(&selection)?;
                best = best.min(thread_cpu_seconds() - begun);
                found = set.len();
                let begun = thread_cpu_seconds();
                let mut columns = Columns::default();
                for handle in &set {
                    columns.clear();
                    handle.decode(&mut columns)?;
                }
                decode = decode.min(thread_cpu_seconds() - begun);
            }
            println!(
                "{{\"name\":\"select_{name}\",\"from\":\"{when}\",\"of\":{series},\"found\":{found},\
                 \"cpu_ms\":{:.2},\"decode_cpu_ms\":{:.2}}}",
                best * 1e3,
                decode * 1e3
            );
        }
        store.flush()?;
    }
    // Two samples each, so nearly all of it is index.
    let bytes = store.stats().block_bytes as f64 / series as f64;
    println!("{{\"name\":\"select_block\",\"of\":{series},\"block_bytes_per_series\":{bytes:.1}}}");
    Ok(())
}

fn cpu_seconds() -> f64 {
    let text = proc_file("/proc/self/stat");
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or("").split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// Time that this thread has run, which other work on the machine does not lengthen.
fn thread_cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn resident_bytes() -> usize {
    let text = proc_file("/proc/self/statm");
    text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

/// Files of `/proc` claim to be empty, so they are read to the end.
fn proc_file(path: &str) -> String {
    let mut bytes = vec![0; 4096];
    let read = OsDisk.open(Path::new(path)).and_then(|file| file.read_at(&mut bytes, 0));
    bytes.truncate(read.unwrap_or(0));
    String::from_utf8_lossy(&bytes).into_owned()
}
