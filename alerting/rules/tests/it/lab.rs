//! A group over a store in memory.

use std::time::Duration;

use model::{labels::Labels, time::Timestamp};
use promql::{Context, Engine, Sample, script::MemoryStore};
use rules::{Alert, Environment, Group, RuleFile, RuleOutcome};

pub(crate) const MINUTE: i64 = 60_000;

pub(crate) struct Lab {
    pub(crate) group: Group,
    pub(crate) store: MemoryStore,
    pub(crate) engine: Engine,
}

/// The first group of a file.
pub(crate) fn group(text: &str, restored: bool) -> Group {
    let file = RuleFile::parse("rules.yml", text).expect("is right");
    let spec = file.groups.into_iter().next().expect("has a group");
    Group::new(spec, Duration::from_secs(60), Environment::default(), restored)
}

impl Lab {
    pub(crate) fn new(text: &str) -> Self {
        Self::with(group(text, true), MemoryStore::default())
    }

    pub(crate) fn with(group: Group, store: MemoryStore) -> Self {
        Self { group, store, engine: Engine::default() }
    }

    /// Stores a sample, without labels but the name.
    pub(crate) fn put(&mut self, minute: i64, name: &str, value: f64) {
        let labels = Labels::new([("__name__", name)]).expect("are labels");
        self.store.push(&labels, minute * MINUTE, &Sample::Float(value), 0).expect("is new");
    }

    pub(crate) fn evaluate(&mut self, minute: i64) -> Vec<RuleOutcome> {
        let at = Timestamp(minute * MINUTE);
        self.group.evaluate(at, &self.engine, Context::unlimited(), &mut self.store)
    }

    /// The only alert of the first rule.
    pub(crate) fn alert(&self) -> Option<&Alert> {
        self.group.rules().first()?.alerts().next()
    }
}

/// Samples as text, in order.
pub(crate) fn shown(outcome: &RuleOutcome) -> Vec<String> {
    outcome
        .samples
        .iter()
        .map(|sample| {
            let value = match &sample.value {
                _ if sample.is_stale() => "stale".to_owned(),
                Sample::Float(value) => value.to_string(),
                Sample::Histogram(_) => "histogram".to_owned(),
            };
            format!("{} {value} @{}", sample.labels, sample.time.0 / MINUTE)
        })
        .collect()
}
