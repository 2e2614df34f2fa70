//! What frames cost beside remote write 2.0: the ticks of a node with 250 containers, a fifth of
//! whose series are read each second and all of them each tenth. One core, the best of some
//! rounds.
//!
//! `cargo run --release -p wire --example frames`
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and reports")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use codec::inflate::{Compression, compress};
use model::write::{Sample, WriteBatch};
use wire::{
    frames::{Body, Encoder, Message, Options},
    remote_write::{DecodeOptions, Version, decode, encode},
};

const CONTAINERS: u64 = 250;
const SERIES: u64 = 60;
/// Series of a container that are read each tick.
const FAST: u64 = 12;
const TICKS: u64 = 100;
const ROUNDS: usize = 15;
const LIFT: &str = "tenant";

/// A number that looks random, and is the same in each run (SplitMix64's finalizer).
fn noise(seed: u64) -> u64 {
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A third are counters of seconds, a third gauges of bytes, a third stand still.
fn value(container: u64, series: u64, tick: u64) -> f64 {
    let own = noise(container * 1000 + series + 1);
    let now = noise(own ^ tick);
    match series % 3 {
        0 => ((own % 1_000_000_000 + tick * 20_000_000 + now % 1_000_000) as f64) / 1e9,
        1 if now.is_multiple_of(4) => (own % 300_000_000 / 4096 * 4096 + now % 64 * 4096) as f64,
        1 => (own % 300_000_000 / 4096 * 4096) as f64,
        _ => (own % 1000) as f64,
    }
}

fn batch(tick: u64) -> WriteBatch {
    let mut batch = WriteBatch::default();
    let full = tick.is_multiple_of(10);
    for container in 0..CONTAINERS {
        let instance = format!("app-{container:04}-5d8f6c7b9-x2x4z");
        let app = format!("app-{container:04}");
        let tenant = format!("customer-{}", container % 40);
        let id = format!("/kubepods/burstable/pod{:016x}/{:032x}", noise(container), container);
        for series in (0..SERIES).filter(|series| full || *series < FAST) {
            let metric = format!("container_resource_number_{series}_usage_total");
            let mut labels = [
                ("__name__", metric.as_str()),
                ("app", &app),
                ("cluster", "prod-1"),
                ("component", "web"),
                ("container", "app"),
                ("id", &id),
                ("instance", &instance),
                ("node", "node-0123.eu-west-1.example"),
                ("region", "eu-west-1"),
                (LIFT, &tenant),
            ];
            batch.begin_series(&mut labels).expect("labels are distinct");
            let time = 1_700_000_000_000 + tick as i64 * 1000;
            batch.push_sample(Sample { time, value: value(container, series, tick), start: 0 });
        }
    }
    batch
}

/// Handles all ticks in some rounds; the sum of the least time of each tick, so that what else the
/// machine does counts as little as can be. Tick 0 begins anew.
fn best(mut work: impl FnMut(usize)) -> Duration {
    let mut least = [Duration::MAX; TICKS as usize];
    for _ in 0..ROUNDS {
        for (tick, least) in least.iter_mut().enumerate() {
            let started = Instant::now();
            work(tick);
            *least = started.elapsed().min(*least);
        }
    }
    least.iter().sum()
}

fn report(what: &str, samples: usize, bodies: &[Vec<u8>], encoding: Duration, decoding: Duration) {
    let speed = |took: Duration| samples as f64 / took.as_secs_f64() / 1e6;
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    let first = bodies.first().map_or(0, Vec::len);
    // By then all groups are registered.
    let late: usize = bodies.iter().skip(12).take(80).map(Vec::len).sum();
    let late_samples = CONTAINERS * (8 * SERIES + 72 * FAST);
    println!(
        "{what:<28} encode {:6.2}, decode {:6.2} M samples/s; first body {first:>7} bytes, then \
         {:5.2} bytes/sample (all: {:5.2})",
        speed(encoding),
        speed(decoding),
        late as f64 / late_samples as f64,
        bytes as f64 / samples as f64,
    );
}

fn packed(format: Compression, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    compress(format, body, &mut out).expect("compresses");
    out
}

/// Reads a body as a receiver does that keeps rows.
fn receive(body: &[u8], rows: &mut BTreeMap<u32, Vec<u64>>) -> usize {
    let options = Options { lift: Some(LIFT), ..Options::default() };
    let mut messages = Body::read(body).expect("is read").messages(options);
    let mut samples = 0;
    while let Some(message) = messages.next_message().expect("is read") {
        match message {
            Message::Group(group) => {
                rows.insert(group.number, vec![0; group.members.len()]);
            }
            Message::Frame(frame) => {
                let row = rows.get_mut(&frame.group).expect("is registered");
                codec::frame::apply(frame.payload, row).expect("follows");
                samples += row.len();
            }
            Message::Drop(number) => drop(rows.remove(&number)),
            Message::Batch(_) => {}
        }
    }
    samples
}

fn frames(batches: &[WriteBatch], samples: usize, format: Option<Compression>) {
    let mut bodies = Vec::new();
    let mut encoder = Encoder::new(1, LIFT);
    let mut body = Vec::new();
    let encoding = best(|tick| {
        if tick == 0 {
            bodies.clear();
            encoder.reset(1);
        }
        encoder.encode(&batches[tick], &mut body);
        bodies.push(format.map_or_else(|| body.clone(), |format| packed(format, &body)));
    });
    let mut plain = Vec::new();
    let mut rows = BTreeMap::new();
    let mut received = 0;
    let decoding = best(|tick| {
        if tick == 0 {
            rows.clear();
            received = 0;
        }
        let body = match format {
            None => &bodies[tick],
            Some(format) => {
                codec::inflate::decompress(format, &bodies[tick], 64 << 20, &mut plain)
                    .expect("fits");
                &plain
            }
        };
        received += receive(body, &mut rows);
    });
    assert_eq!(received, samples);
    let name = format.map_or("frames".to_owned(), |format| format!("frames, {format}"));
    report(&name, samples, &bodies, encoding, decoding);
}

fn remote_write(batches: &[WriteBatch], samples: usize) {
    let mut bodies = Vec::new();
    let encoding = best(|tick| {
        if tick == 0 {
            bodies.clear();
        }
        let mut body = Vec::new();
        encode(Version::V2, &batches[tick], &mut body);
        bodies.push(packed(Compression::Snappy, &body));
    });
    let mut plain = Vec::new();
    let mut into = WriteBatch::default();
    let decoding = best(|tick| {
        into.clear();
        codec::inflate::decompress(Compression::Snappy, &bodies[tick], 64 << 20, &mut plain)
            .expect("fits");
        let options = DecodeOptions { lift: Some(LIFT), ..DecodeOptions::default() };
        decode(Version::V2, &plain, &options, &mut into).expect("decodes");
    });
    report("remote write 2.0, snappy", samples, &bodies, encoding, decoding);
}

fn main() {
    let batches: Vec<_> = (0..TICKS).map(batch).collect();
    let samples = batches.iter().map(WriteBatch::sample_count).sum();
    remote_write(&batches, samples);
    frames(&batches, samples, None);
    frames(&batches, samples, Some(Compression::Zstd));
    frames(&batches, samples, Some(Compression::Snappy));
}
