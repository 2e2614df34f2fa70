//! Measures queries that say which windows they look at, against the same without saying it.
//!
//! `cargo run --release -p tsdb --example windows -- [SERIES]` prints one JSON object a line.
#![expect(clippy::print_stdout, reason = "this is a command")]

use std::{error::Error, path::Path, sync::Arc, time::Duration};

use disk::{Disk, os::OsDisk};
use model::{
    columns::Columns,
    matcher::Matcher,
    query::{Hints, Need, Queryable, Selection, Windows},
    tenant::TenantId,
    time::Timestamp,
    write::{Sample, WriteBatch},
};
use tsdb::{
    limits::Limits,
    options::Options,
    store::Store,
    view::{TenantSet, View},
};

/// The start of a window of 31 days.
const START: i64 = 640 * 31 * DAY;
const DAY: i64 = 24 * HOUR;
const HOUR: i64 = 3_600_000;

fn main() -> Result<(), Box<dyn Error>> {
    let series = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000);
    // A month of few series, a day of more, two hours of many.
    let day = |need| Windows { first: START + DAY, step: DAY, count: 30, length: DAY, need };
    run("30d_max_1d", series / 500, 30 * DAY, 60_000, day(Need::Greatest))?;
    run("30d_last_1d", series / 500, 30 * DAY, 60_000, day(Need::Last))?;
    let need = Need::Latest;
    let minute = Windows { first: START, step: 60_000, count: 1440, length: 300_000, need };
    run("24h_step_1m", series / 10, DAY, 30_000, minute)?;
    let instant = Windows { first: START + 2 * HOUR, step: 1, count: 1, length: 300_000, need };
    run("instant", series, 2 * HOUR, 30_000, instant)
}

fn run(
    name: &str,
    series: usize,
    length: i64,
    interval: i64,
    windows: Windows,
) -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir_in(std::env::temp_dir())?;
    let store = fill(dir.path(), series, length, interval)?;
    let view = store.view(TenantSet::One(TenantId::new("acme")?));
    let last = windows.first + windows.step * (windows.count as i64 - 1);
    let times = (windows.first - windows.length + 1, last);
    let mut figures = Vec::new();
    for windows in [None, Some(windows)] {
        let mut best = (f64::MAX, f64::MAX, 0);
        for _ in 0..3 {
            let found = ask(&view, times, windows)?;
            best = (best.0.min(found.0), best.1.min(found.1), found.2);
        }
        figures.push(best);
    }
    if let [all, some] = figures.as_slice() {
        println!(
            "{{\"name\":\"{name}\",\"series\":{series},\"blocks\":{},\"samples\":{},\"select_ms\":{:.1},\
             \"decode_ms\":{:.1},\"with_windows_samples\":{},\"with_windows_select_ms\":{:.1},\
             \"with_windows_decode_ms\":{:.1},\"ratio\":{:.1}}}",
            store.stats().blocks,
            all.2,
            all.0,
            all.1,
            some.2,
            some.0,
            some.1,
            (all.0 + all.1) / (some.0 + some.1),
        );
    }
    Ok(())
}

/// Milliseconds of this thread to find the series and to decode them, and how many samples came.
fn ask(
    view: &View,
    (start, end): (i64, i64),
    windows: Option<Windows>,
) -> Result<(f64, f64, usize), Box<dyn Error>> {
    let matchers = [Matcher::metric("m")];
    let hints = Hints { windows, ..Hints::default() };
    let selection =
        Selection { matchers: &matchers, start: Timestamp(start), end: Timestamp(end), hints };
    let begun = thread_cpu_ms();
    let set = view.select(&selection)?;
    let selected = thread_cpu_ms();
    let (mut columns, mut samples) = (Columns::default(), 0);
    for handle in &set {
        columns.clear();
        handle.decode(&mut columns)?;
        samples += columns.len();
    }
    Ok((selected - begun, thread_cpu_ms() - selected, samples))
}

fn fill(dir: &Path, series: usize, length: i64, interval: i64) -> Result<Store, Box<dyn Error>> {
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let options = Options {
        limits: Limits::default(),
        retention: Duration::from_secs(90 * 24 * 3600),
        head_bytes_max: 8 << 30,
        wal_bytes_max: 64 << 30,
        ..Options::default()
    };
    let store = Store::open(disk, dir, options, &|_| {})?.0;
    let tenant = TenantId::new("acme")?;
    let mut state = 7u64;
    // Two hours at a time, so that the head stays small.
    for part in (0..length).step_by(2 * HOUR as usize) {
        for first in (0..series).step_by(1000) {
            let mut batch = WriteBatch::default();
            for number in first..(first + 1000).min(series) {
                let pod = format!("pod-{number}");
                batch.begin_series(&mut [("__name__", "m"), ("pod", &pod)])?;
                for time in (part..(part + 2 * HOUR).min(length)).step_by(interval as usize) {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    let value = ((state >> 20) % 1000) as f64;
                    // Scrapes seldom fall on full hours.
                    let time = START + time + 7_000;
                    batch.push_sample(Sample { time, value, start: 0 });
                }
            }
            store.append(&tenant, &batch, Timestamp(START + part + 2 * HOUR))?;
        }
        store.flush()?;
    }
    store.flush()?;
    for hour in 0..40 {
        store.maintain(Timestamp(START + length + hour * HOUR));
    }
    Ok(store)
}

/// Time that this thread has run, which other work on the machine does not lengthen.
fn thread_cpu_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
