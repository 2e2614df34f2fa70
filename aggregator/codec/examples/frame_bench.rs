//! Measures frames: bytes per sample, and speed of writing and applying them.
//!
//! `cargo run --release -p codec --example frame_bench -- ../shared/data`
//!
//! The argument is a folder with `node-1s.bin.xz`, whose series are taken in groups of 500 as if they
//! had all ticked together. Beside them, made-up groups of which some share changes each tick.
//! Speeds are the best of several rounds on one thread, and count samples whether they changed or not.

use std::{
    hint::black_box,
    io::{self, Write},
    path::Path,
    time::Duration,
};

use codec::frame;

use crate::data::Series;

#[path = "chunk_bench/data.rs"]
#[expect(dead_code, reason = "the other benchmark reads more of it")]
mod data;

const GROUP: usize = 500;
const TICKS: usize = 1000;
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:20}{:>9}{:>10}{:>12}{:>12}{:>16}",
        "rows", "changed", "B/sample", "encode M/s", "apply M/s", "ten of 500 ns"
    )?;
    if let Some(folder) = std::env::args().nth(1) {
        let node = data::read_node(&Path::new(&folder).join("node-1s.bin.xz"))?;
        let sparse = data::every_15th(&node);
        for (name, series) in [("node 1s", &node), ("node 15s", &sparse)] {
            let groups: Vec<_> = series.chunks(GROUP).map(rows_of).collect();
            measure(name, &groups, &mut out)?;
        }
    }
    for percent in [0, 3, 10, 30, 60, 100] {
        measure("made up", &[made_up(percent)], &mut out)?;
    }
    Ok(())
}

/// Ticks of rows.
fn rows_of(series: &[Series]) -> Vec<Vec<u64>> {
    let value = |series: &Series, tick: usize| {
        series.values.get(tick).or(series.values.last()).map_or(0, |value| value.to_bits())
    };
    (0..TICKS).map(|tick| series.iter().map(|series| value(series, tick)).collect()).collect()
}

/// Counters, gauges with three decimals and sizes of memory, in turn.
fn made_up(percent: u64) -> Vec<Vec<u64>> {
    let mut state = 88_172_645_463_325_252u64;
    let mut random = move |bound: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % bound
    };
    let mut row: Vec<f64> = (0..GROUP).map(|number| (number * 7) as f64).collect();
    let mut rows = Vec::new();
    for _ in 0..TICKS {
        for (number, value) in row.iter_mut().enumerate() {
            if random(100) < percent {
                match number % 3 {
                    0 => *value += (1 + random(99)) as f64,
                    1 => *value = random(1_000_000) as f64 / 1000.0,
                    _ => *value = (random(100_000) * 4096) as f64,
                }
            }
        }
        rows.push(row.iter().map(|value| value.to_bits()).collect());
    }
    rows
}

fn measure(name: &str, groups: &[Vec<Vec<u64>>], out: &mut impl Write) -> io::Result<()> {
    let samples: usize = groups.iter().flatten().map(Vec::len).sum();
    let mut payloads: Vec<Vec<Vec<u8>>> = Vec::new();
    let encode = best(|| {
        payloads.clear();
        payloads.extend(groups.iter().map(|rows| frames(rows)));
    });
    let bytes: usize = payloads.iter().flatten().map(Vec::len).sum();
    let mut changed = 0;
    let apply = best(|| {
        changed = 0;
        for (rows, payloads) in groups.iter().zip(&payloads) {
            let mut row = vec![0; rows.first().map_or(0, Vec::len)];
            for payload in payloads {
                changed += frame::apply(payload, &mut row).unwrap_or(usize::MAX);
            }
            assert_eq!(Some(&row), rows.last());
            black_box(&row);
        }
    });
    // Ten values of each row, as a query for one metric takes them.
    let some = best(|| {
        for (rows, payloads) in groups.iter().zip(&payloads) {
            let length = rows.first().map_or(0, Vec::len);
            let wanted: Vec<u32> = (0..length as u32).step_by(GROUP / 10).collect();
            let mut values = vec![0; wanted.len()];
            for payload in payloads {
                let applied = frame::apply_some(payload, length, &wanted, &mut values);
                assert_eq!(applied, Ok(()));
            }
            black_box(&values);
        }
    });
    let frames: usize = payloads.iter().map(Vec::len).sum();
    let some = some.as_secs_f64() * 1e9 / frames as f64;
    let rate = |time: Duration| samples as f64 / time.as_secs_f64() / 1e6;
    let share = changed as f64 / samples as f64 * 100.0;
    let bytes = bytes as f64 / samples as f64;
    let (encode, apply) = (rate(encode), rate(apply));
    writeln!(out, "{name:20}{share:>8.1}%{bytes:>10.3}{encode:>12.0}{apply:>12.0}{some:>16.0}")
}

fn frames(rows: &[Vec<u64>]) -> Vec<Vec<u8>> {
    let mut previous: &[u64] = &[];
    let frame = |row: &'_ Vec<u64>, previous: &[u64]| {
        let mut payload = Vec::new();
        frame::encode(previous, row, &mut payload);
        payload
    };
    rows.iter()
        .map(|row| {
            let payload = frame(row, previous);
            previous = row;
            payload
        })
        .collect()
}

/// The shortest time of some rounds.
fn best(mut round: impl FnMut()) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..ROUNDS {
        #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
        let begin = std::time::Instant::now();
        round();
        shortest = shortest.min(begin.elapsed());
    }
    shortest
}
