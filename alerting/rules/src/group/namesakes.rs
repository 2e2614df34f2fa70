//! Which of several alerting rules of one name a series comes from.
//!
//! Series of alerts have the rule's name and its labels, which need not tell rules apart: those of a
//! rule with the label `severity` look like those of a rule of the same name without it.

use std::collections::BTreeMap;

use model::labels::Labels;

use crate::{alert::ALERT_NAME, file::RuleSpec};

/// Labels that all alerts of a rule have, sorted by name; templates differ from alert to alert.
type Fixed = Vec<(String, String)>;

/// All alerting rules of a tenant: by their names and fixed labels, how many there are.
#[derive(Debug, Default)]
pub(crate) struct Namesakes(BTreeMap<String, BTreeMap<Fixed, usize>>);

impl Namesakes {
    pub(crate) fn of<'a>(rules: impl Iterator<Item = &'a RuleSpec>) -> Self {
        let mut all = Self::default();
        for spec in rules.filter(|spec| spec.is_alert()) {
            let own = all.0.entry(spec.name.clone()).or_default();
            *own.entry(fixed(spec)).or_default() += 1;
        }
        all
    }

    /// Whether a series with these labels that matches a rule can be no other rule's: where several
    /// match, it belongs to the one with most fixed labels.
    pub(crate) fn is_only(&self, spec: &RuleSpec, labels: &Labels) -> bool {
        let Some(all) = self.0.get(&spec.name) else { return true };
        let own = fixed(spec);
        all.iter().all(|(other, count)| {
            if *other == own {
                return *count == 1;
            }
            other.len() < own.len() || !matches(other, labels)
        })
    }
}

fn matches(fixed: &Fixed, labels: &Labels) -> bool {
    fixed.iter().all(|(name, value)| labels.get(name).unwrap_or_default() == value)
}

pub(crate) fn fixed(spec: &RuleSpec) -> Fixed {
    let labels = spec.labels.iter();
    labels
        .filter(|(name, text)| name != ALERT_NAME && !text.source.contains("{{"))
        .map(|(name, text)| (name.clone(), text.source.clone()))
        .collect()
}
