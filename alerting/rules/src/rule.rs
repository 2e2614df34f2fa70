//! One rule with its state.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use model::{
    labels::{Labels, METRIC_NAME},
    time::Timestamp,
};
use promql::{Sample, VectorElement};

use crate::{
    alert::{ALERT_NAME, Alert, AlertState, Alerts, Found, update},
    budget::{Account, Held, OverBudget, Tally},
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
    #[error(transparent)]
    Budget(#[from] OverBudget),
    #[error("the labels of the rule's series take more than {0} bytes")]
    SeriesBytes(usize),
    /// The evaluation of the group did not come to its end.
    #[error("a fault of the program ended the evaluation of the group")]
    Panicked,
    #[error("{0}")]
    Append(#[from] crate::AppendError),
}

/// A rule, and what it remembers from one evaluation to the next.
#[derive(Debug)]
pub struct Rule {
    pub(crate) spec: RuleSpec,
    pub(crate) alerts: Alerts,
    /// What the alerts take of the tenant's budget.
    pub(crate) held: Held,
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
    pub(crate) fn new(spec: RuleSpec, restored: bool, account: Arc<Account>) -> Self {
        Self {
            spec,
            alerts: Alerts { restored, ..Alerts::default() },
            held: Held::new(account),
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
            self.record(elements, shared)
        }
    }

    fn record(
        &self,
        elements: Vec<VectorElement>,
        shared: Shared<'_>,
    ) -> Result<Vec<(Labels, Sample)>, RuleError> {
        let mut seen = BTreeSet::new();
        let mut samples = Vec::with_capacity(elements.len());
        let texts = self.spec.labels.iter().map(|(name, text)| name.len() + text.source.len());
        if texts.sum::<usize>().saturating_mul(elements.len()) > self.held.bytes_max() {
            return Err(RuleError::SeriesBytes(self.held.bytes_max()));
        }
        for element in elements {
            shared.source.go_on().map_err(RuleError::Query)?;
            let own = self.spec.labels.iter().map(|(name, text)| (name.as_str(), &*text.source));
            let name = (METRIC_NAME, &*self.spec.name);
            let labels = with_all(&element.labels, std::iter::once(name).chain(own));
            if !seen.insert(labels.clone()) {
                return Err(RuleError::DuplicateSeries);
            }
            samples.push((labels, element.value));
        }
        within(shared.limit, samples.len(), "series")?;
        Ok(samples)
    }

    fn alert(
        &mut self,
        elements: Vec<VectorElement>,
        shared: Shared<'_>,
    ) -> Result<Vec<(Labels, Sample)>, RuleError> {
        let Kind::Alert { hold, keep_firing_for, .. } = self.spec.kind else {
            return Ok(Vec::new());
        };
        let mut tally = self.held.tally();
        let mut found = BTreeMap::new();
        for element in elements {
            let expander = self.expander(&element, shared);
            let labels = self.alert_labels(&element, &expander, &mut tally)?;
            let value = match &element.value {
                Sample::Float(value) => *value,
                Sample::Histogram(_) => f64::NAN,
            };
            let annotations = self.annotations(&expander, &mut tally)?;
            if found.insert(labels, Found { annotations, value }).is_some() {
                return Err(RuleError::DuplicateAlerts);
            }
        }
        // What was cut short is not taken for what the templates gave.
        shared.source.go_on().map_err(RuleError::Query)?;
        let (samples, active) = update(&mut self.alerts, found, shared.at, hold, keep_firing_for);
        let kept = self.held.set(self.alerts.amount()).map_err(RuleError::from);
        if let Err(error) = within(shared.limit, active, "alerts").and(kept) {
            self.forget_alerts();
            return Err(error);
        }
        Ok(samples)
    }

    fn forget_alerts(&mut self) {
        self.alerts.active.clear();
        self.held.clear();
    }

    /// For the labels and annotations of one element.
    pub(crate) fn expander<'a>(
        &self,
        element: &VectorElement,
        shared: Shared<'a>,
    ) -> RuleExpander<'a> {
        let Shared { environment, source, at, .. } = shared;
        let expander = Expander::new(element, environment, source, at);
        RuleExpander { source, expander, template: self.spec.template_name() }
    }

    fn alert_labels(
        &self,
        element: &VectorElement,
        expander: &RuleExpander<'_>,
        tally: &mut Tally,
    ) -> Result<Labels, RuleError> {
        tally.alert()?;
        let texts = expander.expand(&self.spec.labels, tally)?;
        let texts = texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let own = std::iter::once((METRIC_NAME, "")).chain(texts);
        Ok(with_all(&element.labels, own.chain([(ALERT_NAME, &*self.spec.name)])))
    }

    /// The annotations of an alert, none for a recording rule.
    pub(crate) fn annotations(
        &self,
        expander: &RuleExpander<'_>,
        tally: &mut Tally,
    ) -> Result<Vec<(String, String)>, RuleError> {
        match &self.spec.kind {
            Kind::Alert { annotations, .. } => expander.expand(annotations, tally),
            Kind::Record => Ok(Vec::new()),
        }
    }
}

/// Expands the texts of one element of a rule's result.
pub(crate) struct RuleExpander<'a> {
    source: &'a dyn Answers,
    expander: Expander<'a>,
    template: String,
}

impl RuleExpander<'_> {
    fn expand(
        &self,
        texts: &[(String, Text)],
        tally: &mut Tally,
    ) -> Result<Vec<(String, String)>, RuleError> {
        let mut expanded = Vec::with_capacity(texts.len());
        for (name, text) in texts {
            self.source.go_on().map_err(RuleError::Query)?;
            let text = match &text.templates {
                Some(templates) => self.expander.expand(&self.template, templates),
                None => text.source.clone(),
            };
            tally.text(name, &text)?;
            expanded.push((name.clone(), text));
        }
        Ok(expanded)
    }
}

/// Labels with others in their place, later ones over earlier ones. All at once, because a file may
/// give a rule very many.
fn with_all<'a>(base: &'a Labels, others: impl Iterator<Item = (&'a str, &'a str)>) -> Labels {
    let mut all: BTreeMap<&str, &str> = base.iter().collect();
    all.extend(others);
    // No name is there twice, and the checks of the file let no empty one through.
    Labels::new(all).unwrap_or_default()
}

fn within(limit: Option<usize>, found: usize, what: &'static str) -> Result<(), RuleError> {
    match limit {
        Some(limit) if found > limit => Err(RuleError::Limit { limit, found, what }),
        _ => Ok(()),
    }
}
