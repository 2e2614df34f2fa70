//! Turns a [`Usage`] into series, under the names and units that cAdvisor gives them.
//!
//! The labels of a container are sorted once, when its [`Template`] is made; a tick then only puts
//! the metric's name and the value into the batch.

mod metrics;

use std::sync::Arc;

use model::{
    columns::stale_nan,
    labels::{InvalidLabels, METRIC_NAME},
    metadata::{Metadata, MetricType},
    time::Timestamp,
    write::{Sample, WriteBatch},
};

use crate::{
    network::Traffic,
    series::metrics::{DEVICE_METRICS, INTERFACE_METRICS, METRICS},
    usage::{Depth, DeviceIo, Usage},
};

/// Labels of one container at most, beside those that a metric adds.
pub const LABELS_MAX: usize = 30;
/// `__name__` and one label of the metric's own.
const EXTRA_LABELS: usize = 2;
/// Labels that metrics add themselves.
const RESERVED: [&str; 4] = [METRIC_NAME, "cpu", "device", "interface"];

/// Identity labels that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    #[error(transparent)]
    Labels(#[from] InvalidLabels),
    #[error("{count} labels are given, at most {LABELS_MAX} are allowed")]
    TooMany { count: usize },
    #[error("label {name:?} is set by the metrics themselves")]
    Reserved { name: String },
}

/// The labels of one container or process tree, ready for writing.
#[derive(Debug)]
pub struct Template {
    /// Sorted by name, without empty values.
    labels: Vec<(Box<str>, Box<str>)>,
    /// One bit for each of [`METRICS`] that was ever written.
    written: u64,
    /// Names of devices that were written, with one bit for each of [`DEVICE_METRICS`].
    devices: Vec<(Arc<str>, u8)>,
    /// Names of network interfaces that were written, with one bit for each of
    /// [`INTERFACE_METRICS`].
    interfaces: Vec<(Arc<str>, u8)>,
}

impl Template {
    /// Checks and sorts the labels that say whose the series are (`tenant`, `app`, `instance`, …).
    /// Empty values mean that there is no such label.
    pub fn new(identity: &[(&str, &str)]) -> Result<Self, InvalidTemplate> {
        if identity.len() > LABELS_MAX {
            return Err(InvalidTemplate::TooMany { count: identity.len() });
        }
        if let Some((name, _)) = identity.iter().find(|(name, _)| RESERVED.contains(name)) {
            return Err(InvalidTemplate::Reserved { name: (*name).to_owned() });
        }
        let sorted = model::labels::Labels::new(identity.iter().copied())?;
        let labels = sorted.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Ok(Self { labels, written: 0, devices: Vec::new(), interfaces: Vec::new() })
    }

    /// Appends what the snapshot's depth renewed, as one sample for each series. Returns how many.
    pub fn write(&mut self, usage: &Usage, time: Timestamp, batch: &mut WriteBatch) -> usize {
        let mut written = 0;
        let mut line = Line::new(&self.labels);
        for (index, metric) in METRICS.iter().enumerate() {
            if metric.depth > usage.depth {
                continue;
            }
            let bit = 1 << index;
            let value = match (metric.value)(usage) {
                Some(value) => {
                    self.written |= bit;
                    value
                }
                // It was offered before and is no longer (a limit was lifted): its series ends.
                None if self.written & bit != 0 => {
                    self.written &= !bit;
                    stale_nan()
                }
                None => continue,
            };
            written += line.write(batch, metric.name, metric.label, time, value);
        }
        if usage.depth == Depth::Full {
            for device in &usage.io {
                written += write_device(&mut line, &mut self.devices, device, time, batch);
            }
        }
        written
    }

    /// Appends what one of the container's network interfaces counted. Returns how many series.
    pub fn write_traffic(
        &mut self,
        traffic: &Traffic<'_>,
        depth: Depth,
        time: Timestamp,
        batch: &mut WriteBatch,
    ) -> usize {
        let mut written = 0;
        let mut line = Line::new(&self.labels);
        let known = self.interfaces.iter().position(|(name, _)| name == traffic.interface);
        let index = known.unwrap_or_else(|| {
            self.interfaces.push((Arc::clone(traffic.interface), 0));
            self.interfaces.len() - 1
        });
        for (number, metric) in INTERFACE_METRICS.iter().enumerate() {
            if metric.depth <= depth {
                if let Some((_, mask)) = self.interfaces.get_mut(index) {
                    *mask |= 1 << number;
                }
                let (label, value) = ("interface", (metric.value)(traffic) as f64);
                written +=
                    line.write(batch, metric.name, Some((label, traffic.interface)), time, value);
            }
        }
        written
    }

    /// Ends every series that was written, with staleness markers: for a container that is gone.
    /// Returns how many.
    pub fn write_stale(&mut self, time: Timestamp, batch: &mut WriteBatch) -> usize {
        let mut written = 0;
        let mut line = Line::new(&self.labels);
        for (index, metric) in METRICS.iter().enumerate() {
            if self.written & (1 << index) != 0 {
                written += line.write(batch, metric.name, metric.label, time, stale_nan());
            }
        }
        let devices = DEVICE_METRICS.iter().map(|metric| metric.name);
        written += end_each(&mut line, "device", &self.devices, &devices, time, batch);
        let interfaces = INTERFACE_METRICS.iter().map(|metric| metric.name);
        written += end_each(&mut line, "interface", &self.interfaces, &interfaces, time, batch);
        self.written = 0;
        self.devices.clear();
        self.interfaces.clear();
        written
    }
}

/// Ends the series of each device or interface that was written, and returns how many they are.
fn end_each(
    line: &mut Line<'_>,
    label: &str,
    written: &[(Arc<str>, u8)],
    metrics: &(impl Iterator<Item = &'static str> + Clone),
    time: Timestamp,
    batch: &mut WriteBatch,
) -> usize {
    let mut ended = 0;
    for (name, mask) in written {
        for (_, metric) in metrics.clone().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0) {
            ended += line.write(batch, metric, Some((label, name)), time, stale_nan());
        }
    }
    ended
}

/// What each metric means, for a batch's metadata.
pub fn metadata() -> impl Iterator<Item = (&'static str, Metadata)> {
    let plain = METRICS.iter().map(|metric| (metric.name, metric.kind, metric.help));
    let device = DEVICE_METRICS.iter().map(|metric| (metric.name, metric.kind, metric.help));
    let interface =
        INTERFACE_METRICS.iter().map(|metric| (metric.name, MetricType::Counter, metric.help));
    plain.chain(device).chain(interface).map(|(name, kind, help)| {
        (name, Metadata { kind, help: help.to_owned(), unit: String::new() })
    })
}

fn write_device(
    line: &mut Line<'_>,
    devices: &mut Vec<(Arc<str>, u8)>,
    device: &DeviceIo,
    time: Timestamp,
    batch: &mut WriteBatch,
) -> usize {
    let known = devices.iter().position(|(name, _)| *name == device.name);
    let index = known.unwrap_or_else(|| {
        devices.push((device.name.clone(), 0));
        devices.len() - 1
    });
    let mut written = 0;
    for (number, metric) in DEVICE_METRICS.iter().enumerate() {
        if let Some(value) = (metric.value)(device) {
            if let Some((_, mask)) = devices.get_mut(index) {
                *mask |= 1 << number;
            }
            written += line.write(batch, metric.name, Some(("device", &device.name)), time, value);
        }
    }
    written
}

/// One container's labels with room for a metric's name, in the order a batch wants them.
struct Line<'a> {
    labels: [(&'a str, &'a str); LABELS_MAX + 1],
    length: usize,
    /// Where `__name__` stands.
    name_at: usize,
}

impl<'a> Line<'a> {
    fn new(identity: &'a [(Box<str>, Box<str>)]) -> Self {
        let mut labels = [("", ""); LABELS_MAX + 1];
        let name_at = identity.partition_point(|(name, _)| &**name < METRIC_NAME);
        for (index, (name, value)) in identity.iter().enumerate() {
            let at = index + usize::from(index >= name_at);
            if let Some(slot) = labels.get_mut(at) {
                *slot = (name, value);
            }
        }
        Self { labels, length: identity.len() + 1, name_at }
    }

    /// Appends one series with one sample. Returns 1, or 0 if the batch refused the labels.
    fn write(
        &mut self,
        batch: &mut WriteBatch,
        metric: &'static str,
        extra: Option<(&str, &str)>,
        time: Timestamp,
        value: f64,
    ) -> usize {
        self.labels[self.name_at] = (METRIC_NAME, metric);
        let begun = match extra {
            None => {
                // The batch may reorder what it is given; these are in order already.
                batch.begin_series(&mut self.labels[..self.length])
            }
            Some(extra) => {
                let mut labels = [("", ""); LABELS_MAX + EXTRA_LABELS];
                let at = self.labels[..self.length].partition_point(|label| label.0 < extra.0);
                labels[..at].copy_from_slice(&self.labels[..at]);
                labels[at] = extra;
                labels[at + 1..=self.length].copy_from_slice(&self.labels[at..self.length]);
                batch.begin_series(&mut labels[..=self.length])
            }
        };
        if begun.is_err() {
            return 0;
        }
        batch.push_sample(Sample { time: time.millis(), value, start: 0 });
        1
    }
}

#[cfg(test)]
mod tests;
