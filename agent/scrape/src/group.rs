//! Groups of targets, as discovery finds them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::labels::LabelSet;

/// The label that says where a target is.
pub const ADDRESS: &str = "__address__";

/// Targets that were found together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Labels of each target, [`ADDRESS`] among them.
    pub targets: Vec<LabelSet>,
    /// Labels that all of them have where they have none of their own of that name.
    pub labels: LabelSet,
}

/// All groups of one source of discovery, by a name that is its own: what comes with the same
/// name replaces what came before, and an empty group removes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The job, by the number that its runner knows it by.
    pub job: u64,
    pub source: String,
    pub groups: Vec<Group>,
}

/// A group in files and in answers of discovery servers:
/// `{"targets": ["host:port"], "labels": {"name": "value"}}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenGroup {
    pub targets: Vec<String>,
    pub labels: Option<BTreeMap<String, String>>,
}

impl Group {
    /// Addresses and the labels that they share, as people write them.
    pub fn from_written(addresses: &[String], labels: &BTreeMap<String, String>) -> Self {
        let targets = addresses.iter();
        Self {
            targets: targets
                .map(|address| LabelSet::from_iter([(ADDRESS, address.as_str())]))
                .collect(),
            labels: labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        }
    }
}

impl From<WrittenGroup> for Group {
    fn from(written: WrittenGroup) -> Self {
        Self::from_written(&written.targets, &written.labels.unwrap_or_default())
    }
}
