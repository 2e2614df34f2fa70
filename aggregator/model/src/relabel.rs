//! Rules of relabelling as configuration writes them, in the terms of Prometheus' `relabel_config`.

use serde::{Deserialize, Serialize};

use crate::budget;

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    #[default]
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}

/// What separates the values of several labels unless a rule says otherwise.
pub const SEPARATOR: &str = ";";
/// What a rule matches unless it says otherwise: everything, as the first group.
pub const REGEX: &str = "(.*)";
/// What a rule writes unless it says otherwise.
pub const REPLACEMENT: &str = "$1";

/// One rule; what is `None` has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RelabelRule {
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "budget::list")]
    pub source_labels: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    pub modulus: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub target_label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    pub action: Action,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(modulus: &u64) -> bool {
    *modulus == 0
}

impl RelabelRule {
    /// The same rule with its defaults written out.
    #[must_use]
    pub fn spelled_out(&self) -> Self {
        let or = |given: &Option<String>, default: &str| {
            Some(given.clone().unwrap_or_else(|| default.to_owned()))
        };
        Self {
            separator: or(&self.separator, SEPARATOR),
            regex: or(&self.regex, REGEX),
            replacement: or(&self.replacement, REPLACEMENT),
            ..self.clone()
        }
    }
}
