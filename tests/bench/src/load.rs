//! The load: series of a container platform, and remote-write bodies of them.
//!
//! Three of ten series change from tick to tick (a counter, a decimal gauge, a gauge of memory
//! pages), which is what exporters show. All is a function of the series' number, so that every
//! system gets the same, in every run.

use codec::inflate::{Compression, compress};
use model::write::{Sample, WriteBatch};
use wire::{
    frames::Encoder,
    remote_write::{self, Version},
};

/// Series in one request.
pub(crate) const REQUEST_SERIES: usize = 5_000;
/// Between two ticks, in milliseconds.
pub(crate) const TICK: i64 = 15_000;
/// Threads that prepare bodies.
const THREADS: usize = 2;

/// Bodies by request, and within it by tick.
pub(crate) type Bodies = Vec<Vec<Vec<u8>>>;

/// How samples travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    RemoteWrite(Version),
    /// Our agent's: each request number is an agent of its own.
    Frames,
}

/// The label that names a series' tenant in what an agent sends.
const TENANT_LABEL: &str = "tenant";

/// What to prepare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) protocol: Protocol,
    pub(crate) series: usize,
    pub(crate) ticks: usize,
    /// Time of the first tick in milliseconds.
    pub(crate) start: i64,
    /// Adds the label `tenant`, of which each has so many series.
    pub(crate) tenant_series: Option<usize>,
}

/// A pseudo-random number generator (splitmix64: Steele, Lea and Flood, "Fast splittable
/// pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let high = (mixed ^ (mixed >> 31)) >> 32;
        u32::try_from((high * u64::from(limit)) >> 32).unwrap_or(0)
    }
}

/// The value after `value` of a series.
pub(crate) fn step(series: usize, value: f64, random: &mut Random) -> f64 {
    match series % 10 {
        0 => value + f64::from(random.below(100)),
        1 => ((value * 1000.0).round() + f64::from(random.below(900))) / 1000.0,
        2 => f64::from(random.below(100_000)) * 4096.0,
        _ => value,
    }
}

/// Ten labels of a series, without the tenant.
pub(crate) fn labels(series: usize) -> Vec<(&'static str, String)> {
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
        ("pod", format!("web-{:08x}-{pod:05x}", pod * 2_654_435_761 % 0xffff_ffff)),
        ("region", "fra1".to_owned()),
    ]
}

impl Load {
    /// Makes all bodies.
    pub(crate) fn prepare(&self) -> Result<Bodies, String> {
        let requests: Vec<usize> = (0..self.series.div_ceil(REQUEST_SERIES)).collect();
        let share = requests.len().div_ceil(THREADS).max(1);
        std::thread::scope(|scope| {
            let workers: Vec<_> = requests
                .chunks(share)
                .map(|part| {
                    scope.spawn(|| part.iter().map(|number| self.request(*number)).collect())
                })
                .collect();
            let mut bodies = Vec::new();
            for worker in workers {
                let part: Result<Bodies, String> =
                    worker.join().map_err(|_panic| "cannot prepare the load".to_owned())?;
                bodies.extend(part?);
            }
            Ok(bodies)
        })
    }

    /// The bodies of one request, by tick.
    fn request(&self, number: usize) -> Result<Vec<Vec<u8>>, String> {
        let first = number * REQUEST_SERIES;
        let numbers = first..(first + REQUEST_SERIES).min(self.series);
        let sets: Vec<_> = numbers.clone().map(|series| self.labels(series)).collect();
        let mut values: Vec<f64> = numbers.map(|series| (series % 1000) as f64).collect();
        let mut random = Random(number as u64);
        let mut bodies = Vec::with_capacity(self.ticks);
        let mut agent = Encoder::new(number as u64 + 1, TENANT_LABEL);
        let mut batch = WriteBatch::default();
        let mut time = self.start;
        for _tick in 0..self.ticks {
            batch.clear();
            for (at, (labels, value)) in sets.iter().zip(&mut values).enumerate() {
                begin(&mut batch, labels)?;
                batch.push_sample(Sample { time, value: *value, start: 0 });
                *value = step(first + at, *value, &mut random);
            }
            bodies.push(match self.protocol {
                Protocol::RemoteWrite(version) => body(version, &batch)?,
                Protocol::Frames => {
                    let mut body = Vec::new();
                    agent.encode(&batch, &mut body);
                    body
                }
            });
            time += TICK;
        }
        Ok(bodies)
    }

    fn labels(&self, series: usize) -> Vec<(&'static str, String)> {
        let mut labels = labels(series);
        if let Some(of_each) = self.tenant_series {
            labels.push((TENANT_LABEL, format!("tenant-{:05}", series / of_each)));
        }
        labels
    }

    pub(crate) fn samples(&self) -> f64 {
        (self.series * self.ticks) as f64
    }
}

/// Opens a series in a batch.
pub(crate) fn begin(
    batch: &mut WriteBatch,
    labels: &[(impl AsRef<str>, String)],
) -> Result<(), String> {
    let mut pairs: Vec<(&str, &str)> =
        labels.iter().map(|(name, value)| (name.as_ref(), value.as_str())).collect();
    batch.begin_series(&mut pairs).map_err(|error| error.to_string())
}

/// A batch as it crosses the network.
pub(crate) fn body(version: Version, batch: &WriteBatch) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    remote_write::encode(version, batch, &mut plain);
    let mut packed = Vec::new();
    compress(Compression::Snappy, &plain, &mut packed).map_err(|error| error.to_string())?;
    Ok(packed)
}

#[cfg(test)]
mod tests;
