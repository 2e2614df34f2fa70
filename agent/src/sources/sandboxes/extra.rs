//! Series of a sandbox that no plain container has: what it costs, and the sentry's own metrics.

use std::collections::BTreeMap;

use model::{
    columns::stale_nan,
    labels::{Labels, METRIC_NAME},
    time::Timestamp,
    write::{Sample, WriteBatch},
};
use sandbox::reply::Exported;

/// Gauges and counters by their labels, with what they were last.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// Of the pod, without a name.
    identity: Vec<(String, String)>,
    series: BTreeMap<Key, (Labels, f64)>,
}

/// A metric's name and its own labels.
type Key = (String, BTreeMap<String, String>);

impl Extra {
    pub(super) fn new(identity: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { identity: identity.iter().map(owned).collect(), series: BTreeMap::new() }
    }

    pub(super) fn set(&mut self, name: &str, value: f64) {
        self.put((name.to_owned(), BTreeMap::new()), value, false);
    }

    /// Takes what the sentry exports, under gVisor's own prefix. A counter never falls.
    pub(super) fn take(&mut self, exported: Vec<Exported>) {
        for Exported { name, counter, labels, value } in exported {
            self.put((format!("runsc_{name}"), labels), value, counter);
        }
    }

    fn put(&mut self, key: Key, value: f64, counter: bool) {
        if let Some((_, known)) = self.series.get_mut(&key) {
            *known = if counter { known.max(value) } else { value };
            return;
        }
        let (name, own) = &key;
        let identity = self.identity.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // The pod's own labels win: a sandbox does not say whose it is.
        let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let own = own.filter(|(name, _)| self.identity.iter().all(|(known, _)| known != name));
        let labels = identity.chain(own).chain([(METRIC_NAME, name.as_str())]);
        match Labels::new(labels) {
            Ok(labels) => {
                self.series.insert(key, (labels, value));
            }
            Err(error) => tracing::debug!(metric = name, %error, "series not written"),
        }
    }

    pub(super) fn write(&self, now: Timestamp, batch: &mut WriteBatch) {
        self.each(now, batch, |value| value);
    }

    /// Ends all of them.
    pub(super) fn write_stale(&mut self, now: Timestamp, batch: &mut WriteBatch) {
        self.each(now, batch, |_value| stale_nan());
        self.series.clear();
    }

    fn each(&self, now: Timestamp, batch: &mut WriteBatch, value: impl Fn(f64) -> f64) {
        for (labels, last) in self.series.values() {
            batch.begin_set(labels);
            batch.push_sample(Sample { time: now.millis(), value: value(*last), start: 0 });
        }
    }
}
