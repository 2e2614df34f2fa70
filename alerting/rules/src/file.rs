//! Rule files, checked.

mod check;
mod raw;

use std::time::Duration;

use promql::Expr;
use template::Templates;

use crate::fault::Fault;

pub(crate) use check::{duration, yaml_fault};

/// Longest rule file.
pub const FILE_BYTES_MAX: usize = 4 << 20;

/// The groups of a file.
#[derive(Debug)]
pub struct RuleFile {
    pub groups: Vec<GroupSpec>,
}

/// Rules that are evaluated together, one after another.
#[derive(Debug)]
pub struct GroupSpec {
    /// The name of the file, as the caller calls it.
    pub file: String,
    pub name: String,
    /// `None`: the interval of all groups that do not say.
    pub interval: Option<Duration>,
    /// How far before the time of evaluation data is looked at.
    pub query_offset: Option<Duration>,
    /// Most series of a recording rule and most alerts of an alerting rule.
    pub limit: Option<usize>,
    pub rules: Vec<RuleSpec>,
}

/// One rule.
#[derive(Debug)]
pub struct RuleSpec {
    /// The name of the alert or of the metric that is recorded.
    pub name: String,
    /// As it was written.
    pub query: String,
    pub expr: Expr,
    /// Those of the group too, which the rule's own replace. Sorted by name.
    pub labels: Vec<(String, Text)>,
    pub kind: Kind,
    /// Line in the file, counted from 1.
    pub line: u64,
}

/// What a rule is for.
#[derive(Debug)]
pub enum Kind {
    Record,
    Alert {
        /// How long the condition must hold before the alert fires.
        hold: Duration,
        /// How long the alert goes on firing after the condition has ended.
        keep_firing_for: Duration,
        /// Sorted by name.
        annotations: Vec<(String, Text)>,
    },
}

/// A label's value or an annotation, which may be a template.
#[derive(Debug)]
pub struct Text {
    pub source: String,
    /// Under the name that [`RuleSpec::template_name`] gives. Recording rules have none.
    pub(crate) templates: Option<Templates>,
}

impl RuleSpec {
    /// The name by which errors of the rule's templates go.
    pub fn template_name(&self) -> String {
        template_name(&self.name)
    }

    pub fn is_alert(&self) -> bool {
        matches!(self.kind, Kind::Alert { .. })
    }

    /// What tells a rule from the others of its group when a file is loaded again.
    pub(crate) fn identity(&self) -> (bool, &str, Vec<(&str, &str)>) {
        let labels =
            self.labels.iter().map(|(name, text)| (name.as_str(), text.source.as_str())).collect();
        (self.is_alert(), &self.name, labels)
    }
}

fn template_name(rule: &str) -> String {
    format!("__alert_{rule}")
}

impl RuleFile {
    /// Reads a file, and checks every name, expression and template in it. All faults are found,
    /// unless the file is not even YAML of the right shape: then it is the first. A second document
    /// in the file is a fault, because Prometheus would leave it out.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Fault>> {
        if text.len() > FILE_BYTES_MAX {
            let message = format!("file has {} bytes, allowed are {FILE_BYTES_MAX}", text.len());
            return Err(vec![Fault { file: file.to_owned(), place: None, message }]);
        }
        let raw: Option<raw::File> =
            serde_saphyr::from_str(text).map_err(|error| vec![yaml_fault(file, &error)])?;
        let mut checker = check::Checker::new(file);
        let groups = checker.groups(raw.and_then(|raw| raw.groups).unwrap_or_default());
        let faults = checker.faults;
        if faults.is_empty() { Ok(Self { groups }) } else { Err(faults) }
    }

    /// How many rules there are.
    pub fn rules(&self) -> usize {
        self.groups.iter().map(|group| group.rules.len()).sum()
    }
}
