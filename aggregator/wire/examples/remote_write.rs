//! How fast remote write is decoded and encoded: requests of 5,000 series with 10 labels and one
//! sample each, the best of several rounds, on one core.
//!
//! `cargo run --release -p wire --example remote_write`
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and reports")]

use std::time::{Duration, Instant};

use codec::inflate::{Compression, compress, decompress};
use model::write::{Sample, WriteBatch};
use wire::remote_write::{DecodeOptions, Version, decode, encode};

const SERIES: usize = 5_000;
const ROUNDS: usize = 60;

fn batch() -> WriteBatch {
    let mut batch = WriteBatch::default();
    for number in 0..SERIES {
        let pod = number / 50;
        let values = [
            format!("container_metric_{}_total", number % 50),
            "fra1-prod-3".to_owned(),
            format!("app-{}", pod % 7),
            format!("registry.internal/apps/{}:v{}", pod % 997, pod % 13),
            format!("10.{}.{}.{}:9100", pod % 7, pod % 251, pod % 199),
            "kubelet-cadvisor".to_owned(),
            format!("tenant-{:05}", pod % 10_000),
            format!("node-{}", pod % 300),
            format!("web-{pod:08x}-{pod:05x}"),
            "fra1".to_owned(),
        ];
        let names = [
            "__name__",
            "cluster",
            "container",
            "image",
            "instance",
            "job",
            "namespace",
            "node",
            "pod",
            "region",
        ];
        let mut labels: Vec<_> =
            names.iter().zip(&values).map(|(name, value)| (*name, value.as_str())).collect();
        batch.begin_series(&mut labels).expect("labels are distinct");
        let value = number as f64 * 1.5;
        batch.push_sample(Sample { time: 1_700_000_000_000, value, start: 0 });
    }
    batch
}

fn best(mut work: impl FnMut()) -> Duration {
    let time = |work: &mut dyn FnMut()| {
        let started = Instant::now();
        work();
        started.elapsed()
    };
    (0..ROUNDS).map(|_| time(&mut work)).min().unwrap_or_default()
}

fn report(what: &str, took: Duration) {
    let million_per_second = SERIES as f64 / took.as_secs_f64() / 1e6;
    println!("{what:<32} {million_per_second:6.2} M samples/s");
}

fn main() {
    let batch = batch();
    for version in [Version::V1, Version::V2] {
        let mut body = Vec::new();
        encode(version, &batch, &mut body);
        let mut packed = Vec::new();
        compress(Compression::Snappy, &body, &mut packed).expect("compresses");
        println!(
            "{version}: {} bytes, {} as snappy, {:.1} per sample",
            body.len(),
            packed.len(),
            packed.len() as f64 / SERIES as f64
        );
        let mut out = Vec::new();
        report(
            "  encode",
            best(|| {
                out.clear();
                encode(version, &batch, &mut out);
            }),
        );
        let mut into = WriteBatch::default();
        for lift in [None, Some("namespace")] {
            let options = DecodeOptions { lift, ..DecodeOptions::default() };
            let took = best(|| {
                into.clear();
                decode(version, &body, &options, &mut into).expect("decodes");
            });
            report(if lift.is_some() { "  decode, one label lifted" } else { "  decode" }, took);
        }
        let mut plain = Vec::new();
        let took = best(|| {
            into.clear();
            decompress(Compression::Snappy, &packed, 16 << 20, &mut plain).expect("fits");
            decode(version, &plain, &DecodeOptions::default(), &mut into).expect("decodes");
        });
        report("  decompress snappy and decode", took);
    }
}
