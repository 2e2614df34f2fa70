//! One rule with its state.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use model::{
    labels::{Labels, METRIC_NAME},
    time::Timestamp,
};
use promql::{Sample, VectorElement};

use crate::{
    alert::{ALERT_NAME, Alert, AlertState, Alerts, Found, update},
    evaluate::Answers,
    expand::{Environment, Expander},
    file::{Kind, RuleSpec, Text},
};

/// Why a rule gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("{0}")]
    Query(String),
    /// Worded as Prometheus words it.
    #[error("vector contains metrics with the same labelset after applying rule labels")]
    DuplicateSeries,
    #[error("vector contains metrics with the same labelset after applying alert labels")]
    DuplicateAlerts,
    #[error("exceeded limit of {limit} with {found} {what}")]
    Limit { limit: usize, found: usize, what: &'static str },
    #[error("{0}")]
    Append(#[from] crate::AppendError),
}

/// A rule, and what it remembers from one evaluation to the next.
#[derive(Debug)]
pub struct Rule {
    pub(crate) spec: RuleSpec,
    pub(crate) alerts: Alerts,
    /// Series of the last evaluation.
    pub(crate) series: BTreeSet<Labels>,
    pub(crate) last_error: Option<RuleError>,
    pub(crate) last_evaluation: Option<Timestamp>,
    /// How long the last evaluation took.
    pub(crate) took: Duration,
}

/// What all rules of a group share.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) source: &'a dyn Answers,
    /// When the group is evaluated.
    pub(crate) at: Timestamp,
    /// Of which time the data is looked at, and the time of the samples.
    pub(crate) data_at: Timestamp,
    pub(crate) limit: Option<usize>,
}

impl Rule {
    pub(crate) fn new(spec: RuleSpec, restored: bool) -> Self {
        Self {
            spec,
            alerts: Alerts { restored, ..Alerts::default() },
            series: BTreeSet::new(),
            last_error: None,
            last_evaluation: None,
            took: Duration::ZERO,
        }
    }

    pub fn spec(&self) -> &RuleSpec {
        &self.spec
    }

    /// What went wrong at the last evaluation.
    pub fn last_error(&self) -> Option<&RuleError> {
        self.last_error.as_ref()
    }

    /// How long the last evaluation took, as far as who evaluated it knows.
    pub fn took(&self) -> Duration {
        self.took
    }

    pub fn last_evaluation(&self) -> Option<Timestamp> {
        self.last_evaluation
    }

    /// Alerts that are pending or firing, sorted by labels.
    pub fn active_alerts(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.active.values().filter(|alert| alert.resolved_at.is_none())
    }

    /// Resolved ones too.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.active.values()
    }

    /// The worst state of its alerts; `None` before the first evaluation.
    pub fn state(&self) -> Option<AlertState> {
        self.last_evaluation?;
        let worst = self.alerts.active.values().map(|alert| alert.state).max();
        Some(worst.unwrap_or(AlertState::Inactive))
    }

    /// Evaluates the expression, and gives the series of the result.
    pub(crate) fn evaluate(
        &mut self,
        shared: Shared<'_>,
    ) -> Result<Vec<(Labels, Sample)>, RuleError> {
        let elements =
            shared.source.query(&self.spec.expr, shared.data_at).map_err(RuleError::Query)?;
        if self.spec.is_alert() {
            self.alert(elements, shared)
        } else {
            self.record(elements, shared.limit)
        }
    }

    fn record(
        &self,
        elements: Vec<VectorElement>,
        limit: Option<usize>,
    ) -> Result<Vec<(Labels, Sample)>, RuleError> {
        let mut seen = BTreeSet::new();
        let mut samples = Vec::with_capacity(elements.len());
        for element in elements {
            let mut labels = element.labels.with(METRIC_NAME, &self.spec.name);
            for (name, Text { source, .. }) in &self.spec.labels {
                labels = labels.with(name, source);
            }
            if !seen.insert(labels.clone()) {
                return Err(RuleError::DuplicateSeries);
            }
            samples.push((labels, element.value));
        }
        within(limit, samples.len(), "series")?;
        Ok(samples)
    }

    fn alert(
        &mut self,
        elements: Vec<VectorElement>,
        shared: Shared<'_>,
    ) -> Result<Vec<(Labels, Sample)>, RuleError> {
        let Kind::Alert { hold, keep_firing_for, annotations } = &self.spec.kind else {
            return Ok(Vec::new());
        };
        let name = self.spec.template_name();
        let mut found = BTreeMap::new();
        for element in elements {
            let Shared { environment, source, at, .. } = shared;
            let expander = Expander::new(&element, environment, source, at);
            let expand = |text: &Text| match &text.templates {
                Some(templates) => expander.expand(&name, templates),
                None => text.source.clone(),
            };
            let mut labels = element.labels.without(METRIC_NAME);
            for (name, text) in &self.spec.labels {
                labels = labels.with(name, &expand(text));
            }
            labels = labels.with(ALERT_NAME, &self.spec.name);
            let value = match &element.value {
                Sample::Float(value) => *value,
                Sample::Histogram(_) => f64::NAN,
            };
            let annotations =
                annotations.iter().map(|(name, text)| (name.clone(), expand(text))).collect();
            if found.insert(labels, Found { annotations, value }).is_some() {
                return Err(RuleError::DuplicateAlerts);
            }
        }
        let (samples, active) =
            update(&mut self.alerts, &found, shared.at, *hold, *keep_firing_for);
        if let Err(error) = within(shared.limit, active, "alerts") {
            self.alerts.active.clear();
            return Err(error);
        }
        Ok(samples)
    }
}

fn within(limit: Option<usize>, found: usize, what: &'static str) -> Result<(), RuleError> {
    match limit {
        Some(limit) if found > limit => Err(RuleError::Limit { limit, found, what }),
        _ => Ok(()),
    }
}
