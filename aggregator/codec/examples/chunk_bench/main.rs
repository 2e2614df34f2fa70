//! Measures chunks of values and times on real data, beside a Gorilla encoding.
//!
//! `cargo run --release -p codec --example chunk_bench -- ../shared/data`
//!
//! The argument is a folder with `node-1s.bin.xz` and `nab/data`. Every decoded bit is compared.
//! Speeds are the best of several rounds on one thread.

use std::{
    collections::HashSet,
    hint::black_box,
    io::{self, Write},
    path::Path,
    time::Duration,
};

use codec::{
    chunk::{self, Scratch},
    varint,
};

use crate::data::Series;

mod data;
mod gorilla;

const CHUNK_SIZES: [usize; 3] = [120, 480, 1000];
const ENCODE_ROUNDS: usize = 3;
const DECODE_ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: chunk_bench FOLDER")?;
    let node = data::read_node(&Path::new(&folder).join("node-1s.bin.xz"))?;
    let sparse = data::every_15th(&node);
    let nab = data::read_nab(&Path::new(&folder).join("nab/data"))?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "bytes/sample; encode ns/sample; decode M samples/s; `vary` is without uniform chunks"
    )?;
    writeln!(
        out,
        "{:16}{:>7}{:>8}{:>8}{:>8}{:>8} |{:>7}{:>7}{:>7} |{:>8}{:>7}{:>7}",
        "data@chunk",
        "ratio",
        "values",
        "direct.",
        "times",
        "all",
        "encode",
        "decode",
        "vary",
        "gorilla",
        "encode",
        "decode"
    )?;
    for (name, series, len_min) in
        [("node 1s", node, 60), ("node 15s", sparse, 20), ("NAB", nab, 1)]
    {
        let series: Vec<Series> =
            series.into_iter().filter(|series| series.values.len() >= len_min).collect();
        for size in CHUNK_SIZES {
            let ours = measure_chunks(&series, size)?;
            let theirs = measure_gorilla(&series, size);
            writeln!(
                out,
                "{:16}{:>6.2}x{:>8.4}{:>8.4}{:>8.4}{:>8.4} |{:>7.1}{:>7.0}{:>7.0} |{:>8.4}{:>7.1}{:>7.0}",
                format!("{name} @{size}"),
                theirs.bytes / ours.all(),
                ours.values,
                ours.directory,
                ours.times,
                ours.all(),
                ours.encode_ns,
                ours.decode_rate,
                ours.varying_rate,
                theirs.bytes,
                theirs.encode_ns,
                theirs.decode_rate,
            )?;
        }
    }
    Ok(())
}

/// Bytes per sample and speeds.
struct Ours {
    values: f64,
    /// Zones and lengths, less the uniform chunks that their zones make superfluous.
    directory: f64,
    /// Times, once for all series that share them.
    times: f64,
    encode_ns: f64,
    decode_rate: f64,
    varying_rate: f64,
}

impl Ours {
    fn all(&self) -> f64 {
        self.values + self.directory + self.times
    }
}

struct Theirs {
    bytes: f64,
    encode_ns: f64,
    decode_rate: f64,
}

/// Chunks one after another in one buffer: where each ends, and its number of samples.
#[derive(Default)]
struct Encoded {
    bytes: Vec<u8>,
    ends: Vec<(usize, usize)>,
}

impl Encoded {
    fn chunks(&self) -> impl Iterator<Item = (&[u8], usize)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(end, _)| *end));
        starts.zip(&self.ends).map(|(start, (end, count))| (&self.bytes[start..*end], *count))
    }
}

fn measure_chunks(series: &[Series], size: usize) -> Result<Ours, chunk::ChunkError> {
    let samples: usize = series.iter().map(|series| series.values.len()).sum();
    let mut scratch = Scratch::default();
    let (mut encoded, mut zones) = (Encoded::default(), Vec::new());
    let encode = best(ENCODE_ROUNDS, || {
        (encoded, zones) = (Encoded::default(), Vec::with_capacity(zones.len()));
        for values in series.iter().flat_map(|series| series.values.chunks(size)) {
            zones.extend(chunk::encode_values(values, &mut encoded.bytes, &mut scratch));
            encoded.ends.push((encoded.bytes.len(), values.len()));
        }
    });
    let (mut directory, mut uniform, mut varying) = (Vec::new(), 0, 0);
    for (zone, (bytes, count)) in zones.iter().zip(encoded.chunks()) {
        zone.put(&mut directory);
        if zone.uniform {
            uniform += bytes.len();
        } else {
            varint::put_u64(&mut directory, bytes.len() as u64);
            varying += count;
        }
    }
    let mut values = Vec::new();
    let mut originals = series.iter().flat_map(|series| series.values.chunks(size));
    for (bytes, count) in encoded.chunks() {
        values.clear();
        chunk::decode_values(bytes, count, &mut values)?;
        assert!(originals.next().is_some_and(|original| same_bits(original, &values)));
    }
    let mut decode_all = |with_uniform: bool| {
        best(DECODE_ROUNDS, || {
            for ((bytes, count), zone) in encoded.chunks().zip(&zones) {
                if with_uniform || !zone.uniform {
                    values.clear();
                    assert_eq!(chunk::decode_values(bytes, count, &mut values), Ok(()));
                    black_box(&values);
                }
            }
        })
    };
    let (decode, decode_varying) = (decode_all(true), decode_all(false));
    Ok(Ours {
        values: encoded.bytes.len() as f64 / samples as f64,
        directory: (directory.len() as f64 - f64::from(uniform as u32)) / samples as f64,
        times: times_len(series, size)? as f64 / samples as f64,
        encode_ns: encode.as_secs_f64() * 1e9 / samples as f64,
        decode_rate: samples as f64 / decode.as_secs_f64() / 1e6,
        varying_rate: varying as f64 / decode_varying.as_secs_f64() / 1e6,
    })
}

/// Bytes of all different columns of times.
fn times_len(series: &[Series], size: usize) -> Result<usize, chunk::ChunkError> {
    let mut scratch = Scratch::default();
    let (mut bytes, mut back) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for times in series.iter().flat_map(|series| series.times.chunks(size)) {
        if seen.insert(times) {
            let start = bytes.len();
            chunk::encode_times(times, &mut bytes, &mut scratch)?;
            back.clear();
            chunk::decode_times(&bytes[start..], times.len(), &mut back)?;
            assert_eq!(back, times);
        }
    }
    Ok(bytes.len())
}

fn measure_gorilla(series: &[Series], size: usize) -> Theirs {
    let samples: usize = series.iter().map(|series| series.values.len()).sum();
    let mut encoded = Encoded::default();
    let encode = best(ENCODE_ROUNDS, || {
        encoded = Encoded::default();
        for series in series {
            for (times, values) in series.times.chunks(size).zip(series.values.chunks(size)) {
                gorilla::encode(times, values, &mut encoded.bytes);
                encoded.ends.push((encoded.bytes.len(), values.len()));
            }
        }
    });
    let (mut times, mut values) = (Vec::new(), Vec::new());
    let mut originals =
        series.iter().flat_map(|series| series.times.chunks(size).zip(series.values.chunks(size)));
    for (bytes, count) in encoded.chunks() {
        (times, values) = (Vec::new(), Vec::new());
        gorilla::decode(bytes, count, &mut times, &mut values);
        assert!(
            originals.next().is_some_and(|(when, what)| when == times && same_bits(what, &values))
        );
    }
    let decode = best(DECODE_ROUNDS, || {
        for (bytes, count) in encoded.chunks() {
            times.clear();
            values.clear();
            gorilla::decode(bytes, count, &mut times, &mut values);
            black_box((&times, &values));
        }
    });
    Theirs {
        bytes: encoded.bytes.len() as f64 / samples as f64,
        encode_ns: encode.as_secs_f64() * 1e9 / samples as f64,
        decode_rate: samples as f64 / decode.as_secs_f64() / 1e6,
    }
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.iter().map(|value| value.to_bits()).eq(b.iter().map(|value| value.to_bits()))
}

/// The shortest time of some rounds.
fn best(rounds: usize, mut round: impl FnMut()) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..rounds {
        #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
        let begin = std::time::Instant::now();
        round();
        shortest = shortest.min(begin.elapsed());
    }
    shortest
}
