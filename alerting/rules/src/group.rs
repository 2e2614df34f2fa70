//! A group of rules and its evaluation.

pub(crate) mod namesakes;
pub(crate) mod restore;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use model::{labels::Labels, time::Timestamp};
use promql::{Context, Engine};

use crate::{
    alert::Notification,
    budget::Account,
    evaluate::{Answers, Backend, Local, NewSample, Storage},
    expand::Environment,
    file::GroupSpec,
    rule::{Rule, RuleError, Shared},
    schedule,
};
use namesakes::Namesakes;

/// Rules that are evaluated together, with their state.
#[derive(Debug)]
pub struct Group {
    file: String,
    name: String,
    interval: Duration,
    query_offset: Duration,
    limit: Option<usize>,
    rules: Vec<Rule>,
    environment: Environment,
    /// Rules whose series may look like those of this group's.
    namesakes: Arc<Namesakes>,
    /// Series of rules that are no more, which the next evaluation ends.
    orphans: BTreeSet<Labels>,
}

/// What one rule came to.
#[derive(Debug)]
pub struct RuleOutcome {
    /// Samples to write, staleness markers of vanished series last.
    pub samples: Vec<NewSample>,
    pub error: Option<RuleError>,
}

impl Group {
    /// A group that has not been evaluated yet. With `restored`, alerts start from nothing;
    /// without it they are to be found by [`Group::restore`] after the second evaluation.
    pub fn new(
        spec: GroupSpec,
        default_interval: Duration,
        environment: Environment,
        restored: bool,
    ) -> Self {
        Self::within(spec, default_interval, environment, restored, &Arc::default())
    }

    /// A group whose alerts share an account with others.
    pub(crate) fn within(
        spec: GroupSpec,
        default_interval: Duration,
        environment: Environment,
        restored: bool,
        account: &Arc<Account>,
    ) -> Self {
        let namesakes = Arc::new(Namesakes::of(spec.rules.iter()));
        let rule = |spec| Rule::new(spec, restored, Arc::clone(account));
        Self {
            file: spec.file,
            name: spec.name,
            interval: spec.interval.unwrap_or(default_interval),
            query_offset: spec.query_offset.unwrap_or_default(),
            limit: spec.limit,
            rules: spec.rules.into_iter().map(rule).collect(),
            environment,
            namesakes,
            orphans: BTreeSet::new(),
        }
    }

    /// The group among all rules whose series are stored together.
    pub(crate) fn among(self, namesakes: &Arc<Namesakes>) -> Self {
        Self { namesakes: Arc::clone(namesakes), ..self }
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Most series or alerts of one rule.
    pub fn limit(&self) -> Option<usize> {
        self.limit
    }

    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The last time not after `at` for which the group is to be evaluated; the next one is an
    /// interval later. Evaluations that were missed are skipped.
    pub fn slot(&self, at: Timestamp) -> Timestamp {
        schedule::slot(&self.file, &self.name, self.interval, at)
    }

    /// Evaluates all rules in order, and stores what each gives before the next is evaluated.
    pub fn evaluate(
        &mut self,
        at: Timestamp,
        engine: &Engine,
        context: Context<'_>,
        storage: &mut dyn Storage,
    ) -> Vec<RuleOutcome> {
        self.evaluate_on(at, &mut Local { engine, context, storage })
    }

    /// Evaluates all rules in order over data that may be elsewhere.
    pub fn evaluate_on(&mut self, at: Timestamp, backend: &mut dyn Backend) -> Vec<RuleOutcome> {
        let mut outcomes = Vec::with_capacity(self.rules.len());
        for index in 0..self.rules.len() {
            let begun = backend.elapsed();
            let Some(mut outcome) = self.evaluate_rule(index, at, &*backend) else { continue };
            let stored = match outcome.samples.as_slice() {
                [] => Ok(()),
                samples => backend.append(samples),
            };
            let Some(rule) = self.rules.get_mut(index) else { continue };
            rule.took = backend.elapsed().saturating_sub(begun);
            if let Err(error) = stored {
                let error = RuleError::from(error);
                outcome.error.get_or_insert_with(|| error.clone());
                rule.last_error.get_or_insert(error);
                // The ends that were not stored are owed.
                let ended = outcome.samples.iter().filter(|sample| sample.is_stale());
                self.orphans.extend(ended.map(|sample| sample.labels.clone()));
            }
            outcomes.push(outcome);
        }
        let samples = self.end_orphans(at);
        if !samples.is_empty() {
            let error = backend.append(&samples).err().map(RuleError::from);
            if error.is_some() {
                self.orphans = samples.iter().map(|sample| sample.labels.clone()).collect();
            }
            outcomes.push(RuleOutcome { samples, error });
        }
        outcomes
    }

    /// Evaluates one rule; the caller stores its samples before it evaluates the next. `None`
    /// when there is no such rule.
    pub fn evaluate_rule(
        &mut self,
        index: usize,
        at: Timestamp,
        source: &dyn Answers,
    ) -> Option<RuleOutcome> {
        let data_at = at.saturating_sub(self.query_offset);
        let rule = self.rules.get_mut(index)?;
        rule.last_evaluation = Some(at);
        let shared =
            Shared { environment: &self.environment, source, at, data_at, limit: self.limit };
        match rule.evaluate(shared) {
            Ok(samples) => {
                rule.last_error = None;
                let series = samples.iter().map(|(labels, _)| labels.clone()).collect();
                let before = std::mem::replace(&mut rule.series, series);
                let gone = before.difference(&rule.series);
                let gone: Vec<NewSample> =
                    gone.map(|labels| NewSample::stale(labels.clone(), data_at)).collect();
                let samples = samples
                    .into_iter()
                    .map(|(labels, value)| NewSample { labels, time: data_at, value })
                    .chain(gone)
                    .collect();
                Some(RuleOutcome { samples, error: None })
            }
            Err(error) => {
                rule.last_error = Some(error.clone());
                Some(RuleOutcome { samples: Vec::new(), error: Some(error) })
            }
        }
    }

    /// All rules have failed, because an evaluation panicked.
    pub fn fail(&mut self, at: Timestamp) {
        for rule in &mut self.rules {
            rule.last_evaluation = Some(at);
            rule.last_error = Some(RuleError::Panicked);
        }
    }

    /// Alerts to tell of, firing and resolved. Each is told of again after `resend`.
    pub fn notifications(&mut self, at: Timestamp, resend: Duration) -> Vec<Notification> {
        let interval = self.interval;
        let rules = self.rules.iter_mut();
        rules.flat_map(|rule| rule.alerts.notifications(at, resend, interval)).collect()
    }

    /// Takes over the state of the group that this one replaces. Rules are the same if name and
    /// labels are; of several equal ones the first follows the first.
    pub fn adopt(&mut self, from: Self) {
        let mut old: Vec<Option<Rule>> = from.rules.into_iter().map(Some).collect();
        for rule in &mut self.rules {
            let same = |old: &&mut Option<Rule>| {
                old.as_ref().is_some_and(|old| old.spec.identity() == rule.spec.identity())
            };
            if let Some(old) = old.iter_mut().find(same).and_then(Option::take) {
                rule.alerts = old.alerts;
                rule.held = old.held;
                rule.series = old.series;
                rule.last_error = old.last_error;
                rule.last_evaluation = old.last_evaluation;
                rule.took = old.took;
            }
        }
        self.orphans = from.orphans;
        self.orphans.extend(old.into_iter().flatten().flat_map(|rule| rule.series));
    }

    /// Ends all series of a group that is no more.
    pub fn retire(self, at: Timestamp) -> Vec<NewSample> {
        let at = at.saturating_sub(self.query_offset);
        let series: BTreeSet<Labels> =
            self.rules.into_iter().flat_map(|rule| rule.series).chain(self.orphans).collect();
        series.into_iter().map(|labels| NewSample::stale(labels, at)).collect()
    }

    /// Ends the series of rules that a new version of the file left out, and those whose end could
    /// not be stored; not those that a rule has again.
    pub fn end_orphans(&mut self, at: Timestamp) -> Vec<NewSample> {
        let at = at.saturating_sub(self.query_offset);
        let orphans = std::mem::take(&mut self.orphans);
        let again = |labels: &Labels| self.rules.iter().any(|rule| rule.series.contains(labels));
        let orphans = orphans.into_iter().filter(|labels| !again(labels));
        orphans.map(|labels| NewSample::stale(labels, at)).collect()
    }
}
