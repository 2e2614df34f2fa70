//! How fast a range query's matrix becomes JSON: 1,000 series of 500 points, the best of several
//! rounds, on one core.
//!
//! `cargo run --release -p wire --example api_json`
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and reports")]

use std::time::{Duration, Instant};

use model::{labels::Labels, time::Timestamp};
use wire::prometheus_json::Matrix;

const SERIES: u32 = 1_000;
const POINTS: u32 = 500;
const ROUNDS: usize = 20;

/// The value of a point.
type Values = fn(u32) -> f64;

fn main() {
    let kinds: [(&str, Values); 3] = [
        ("whole numbers", |point| f64::from(point) * 4096.0),
        ("three decimals", |point| f64::from(point * 7919) / 1000.0),
        ("all digits", |point| f64::from(point + 1).sqrt()),
    ];
    for (kind, value) in kinds {
        let mut out = Vec::new();
        let mut best = Duration::MAX;
        for _ in 0..ROUNDS {
            out.clear();
            let started = Instant::now();
            let mut matrix = Matrix::begin(&mut out);
            for series in 0..SERIES {
                let pod = format!("web-{series:05}");
                let labels = Labels::new([("__name__", "container_cpu"), ("pod", pod.as_str())])
                    .expect("labels are distinct");
                let points = (0..POINTS).map(|point| {
                    let time = 1_700_000_000_000 + i64::from(point) * 15_000;
                    (Timestamp(time), value(series * POINTS + point))
                });
                matrix.series(&labels, points, []);
            }
            matrix.finish();
            best = best.min(started.elapsed());
        }
        let points = f64::from(SERIES * POINTS) / best.as_secs_f64() / 1e6;
        let megabytes = out.len() as f64 / best.as_secs_f64() / 1e6;
        println!("{kind:<16} {points:6.1} M points/s {megabytes:7.0} MB/s");
    }
}
