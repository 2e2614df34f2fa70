//! A day of history of ten thousand counters and some histograms, and a million series of now; sent
//! to all systems at once, in the order of time.

use std::sync::{Arc, mpsc};

use model::write::{Sample, WriteBatch};
use wire::remote_write::Version;

use crate::{
    load::{Protocol, Random, TICK, begin, body},
    system::System,
};

/// The newest sample is this much older than the present, so that no system takes it to be of the
/// future; in milliseconds.
pub(crate) const NOW_AGE: i64 = 5_000;
/// Samples of a series in one request: half an hour.
const REQUEST_SAMPLES: usize = 120;
/// Series in a request of history, and of the present.
const HISTORY_SERIES: usize = 250;
const PRESENT_SERIES: usize = 5_000;
/// Bodies that wait for a system.
const QUEUE: usize = 8;
const BOUNDS: [&str; 10] =
    ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"];
const APPS: usize = 100;

/// How much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct History {
    pub(crate) hours: i64,
    counters: usize,
    /// Bucket series: a histogram has one per bound.
    buckets: usize,
    /// Series of the present.
    inventory: usize,
}

type Labels = Vec<(&'static str, String)>;

impl History {
    pub(crate) const FULL: Self =
        Self { hours: 24, counters: 10_000, buckets: 1_000, inventory: 1_000_000 };
    pub(crate) const QUICK: Self =
        Self { hours: 2, counters: 1_000, buckets: 500, inventory: 50_000 };

    /// Sends all of it; the newest samples are of `end`.
    pub(crate) fn load(&self, systems: &[System], end: i64) -> Result<(), String> {
        std::thread::scope(|scope| {
            let mut queues = Vec::new();
            let mut senders = Vec::new();
            for system in systems {
                let (queue, bodies) = mpsc::sync_channel::<Arc<Vec<u8>>>(QUEUE);
                queues.push(queue);
                let mut connection = system.writer(Protocol::RemoteWrite(Version::V1), false)?;
                senders.push(
                    scope.spawn(move || {
                        bodies.into_iter().try_for_each(|body| connection.post(&body))
                    }),
                );
            }
            let sent = self.generate(end, |body| {
                let body = Arc::new(body);
                // A sender that is gone says below why.
                queues.iter().all(|queue| queue.send(Arc::clone(&body)).is_ok())
            });
            drop(queues);
            for (sender, system) in senders.into_iter().zip(systems) {
                let done = sender.join().map_err(|_panic| "a sender failed".to_owned())?;
                done.map_err(|error| format!("{}: {error}", system.kind.name()))?;
            }
            sent
        })
    }

    /// Makes the bodies one after the other, until `send` wants no more.
    fn generate(&self, end: i64, mut send: impl FnMut(Vec<u8>) -> bool) -> Result<(), String> {
        let all = self.counters + self.buckets;
        let mut walks: Vec<Walk> = (0..all).map(Walk::new).collect();
        let ticks = usize::try_from(self.hours * 3_600_000 / TICK).unwrap_or(0);
        let mut time = end - TICK * i64::try_from(ticks).unwrap_or(0);
        for first in (0..=ticks).step_by(REQUEST_SAMPLES) {
            let count = REQUEST_SAMPLES.min(ticks + 1 - first);
            for (number, walks) in walks.chunks_mut(HISTORY_SERIES).enumerate() {
                let mut batch = WriteBatch::default();
                for (at, walk) in walks.iter_mut().enumerate() {
                    begin(&mut batch, &self.labels(number * HISTORY_SERIES + at))?;
                    let times = (time..).step_by(usize::try_from(TICK).unwrap_or(1));
                    for time in times.take(count) {
                        batch.push_sample(Sample { time, value: walk.next(), start: 0 });
                    }
                }
                if !send(body(Version::V1, &batch)?) {
                    return Ok(());
                }
            }
            time += TICK * i64::try_from(count).unwrap_or(0);
        }
        for first in (0..self.inventory).step_by(PRESENT_SERIES) {
            let mut batch = WriteBatch::default();
            for number in first..(first + PRESENT_SERIES).min(self.inventory) {
                begin(&mut batch, &inventory(number))?;
                let value = (number % 1009) as f64;
                batch.push_sample(Sample { time: end, value, start: 0 });
            }
            if !send(body(Version::V1, &batch)?) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Counters first, then buckets.
    fn labels(&self, number: usize) -> Labels {
        match number.checked_sub(self.counters) {
            None => {
                let mut labels = place(number / 5);
                labels.push(("__name__", "requests_total".to_owned()));
                labels.push(("code", format!("{}", 200 + 100 * (number % 5))));
                labels
            }
            Some(number) => {
                let mut labels = place(number / BOUNDS.len());
                labels.push(("__name__", "latency_seconds_bucket".to_owned()));
                let bound = BOUNDS.get(number % BOUNDS.len()).copied().unwrap_or_default();
                labels.push(("le", bound.to_owned()));
                labels
            }
        }
    }
}

/// Where an instance is.
fn place(instance: usize) -> Labels {
    vec![
        ("app", format!("app-{}", instance % APPS)),
        ("cluster", "fra1-prod-3".to_owned()),
        ("instance", format!("10.0.{}.{}:9100", instance / 256, instance % 256)),
        ("job", "istio".to_owned()),
        ("namespace", format!("tenant-{:05}", instance % APPS)),
        ("node", format!("node-{}", instance % 300)),
        ("pod", format!("web-{:08x}-{instance:05x}", instance * 2_654_435_761 % 0xffff_ffff)),
        ("region", "fra1".to_owned()),
    ]
}

/// A series of the present.
fn inventory(number: usize) -> Labels {
    let mut labels = place(number);
    labels.push(("__name__", "inventory".to_owned()));
    labels.push(("slice", format!("{}", number % 10)));
    labels
}

/// A counter that grows, and sometimes begins anew.
#[derive(Debug)]
struct Walk {
    value: f64,
    rate: u32,
    random: Random,
}

/// One of so many steps begins anew.
const RESTARTS: u32 = 20_000;

impl Walk {
    fn new(number: usize) -> Self {
        let mut random = Random(number as u64);
        Self { value: f64::from(random.below(10_000)), rate: 1 + random.below(300), random }
    }

    fn next(&mut self) -> f64 {
        self.value += f64::from(self.random.below(self.rate));
        if self.random.below(RESTARTS) == 0 {
            self.value = 0.0;
        }
        self.value
    }
}

#[cfg(test)]
mod tests;
