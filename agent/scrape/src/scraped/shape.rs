//! From the labels that a target exposes to those that are stored.

use std::{borrow::Cow, sync::Arc};

use model::{
    labels::{InvalidLabels, Labels, METRIC_NAME},
    tenant::TENANT_LABEL,
};

use super::{ScrapeError, show};
use crate::{config::Job, labels::LabelSet, target::Target};

/// What every series of a target goes through once.
#[derive(Debug)]
pub(super) struct Shape {
    job: Arc<Job>,
    target: LabelSet,
    tenant: String,
    external: Vec<(String, String)>,
}

impl Shape {
    pub(super) fn new(job: &Arc<Job>, target: &Target, external: &[(String, String)]) -> Self {
        let (job, labels) = (Arc::clone(job), target.labels.clone());
        let tenant = target.tenant.as_str().to_owned();
        Self { job, target: labels, tenant, external: external.to_vec() }
    }

    /// Labels of a series of the report, which no rule touches.
    pub(super) fn report(&self, name: &str) -> Option<Labels> {
        let mut labels = self.target.clone();
        labels.set(METRIC_NAME, name);
        self.finish(&mut labels);
        Labels::new(labels.iter()).ok()
    }

    /// Adds the target's labels, applies the rules, checks limits. `None` when a rule drops the
    /// series.
    pub(super) fn shape(
        &self,
        exposed: &[(Cow<'_, str>, Cow<'_, str>)],
    ) -> Result<Option<Labels>, ScrapeError> {
        let mut labels = LabelSet::default();
        for (number, (name, value)) in exposed.iter().enumerate() {
            if name.is_empty() {
                return Err(InvalidLabels::EmptyName(value.clone().into_owned()).into());
            }
            if exposed.iter().take(number).any(|(other, _)| other == name) {
                return Err(InvalidLabels::DuplicateName(name.clone().into_owned()).into());
            }
            labels.set(&**name, &**value);
        }
        self.add_target_labels(exposed, &mut labels);
        if !relabel::apply(&self.job.metric_relabel, &mut labels) || labels.is_empty() {
            return Ok(None);
        }
        self.finish(&mut labels);
        let labels = Labels::new(labels.iter())?;
        if labels.metric().is_empty() {
            return Err(ScrapeError::NoName(labels.to_string().chars().take(200).collect()));
        }
        if let Some(name) = self.job.names.offender(&labels) {
            return Err(ScrapeError::Name(name.chars().take(200).collect()));
        }
        self.check_limits(&labels)?;
        Ok(Some(labels))
    }

    fn add_target_labels(&self, exposed: &[(Cow<'_, str>, Cow<'_, str>)], labels: &mut LabelSet) {
        let mut renamed: Vec<(&str, String)> = Vec::new();
        for (name, value) in self.target.iter() {
            if self.job.settings.honor_labels {
                // One that is empty says on purpose that there is no such label.
                if !exposed.iter().any(|(own, _)| own == name) {
                    labels.set(name, value);
                }
                continue;
            }
            let own = labels.get(name);
            if !own.is_empty() {
                renamed.push((name, own.to_owned()));
            }
            labels.set(name, value);
        }
        renamed.sort_by_key(|(name, _)| name.len());
        for (name, value) in renamed {
            let mut free = format!("exported_{name}");
            while !labels.get(&free).is_empty() {
                free.insert_str(0, "exported_");
            }
            labels.set(free, value);
        }
    }

    /// What no target and no rule decides: whose series it is, and where it was scraped.
    fn finish(&self, labels: &mut LabelSet) {
        labels.set(TENANT_LABEL, self.tenant.as_str());
        for (name, value) in &self.external {
            if labels.get(name).is_empty() {
                labels.set(name.as_str(), value.as_str());
            }
        }
    }

    fn check_limits(&self, labels: &Labels) -> Result<(), ScrapeError> {
        let limits = &self.job.limits;
        let count = labels.len() as u64;
        if let Some(limit) = limits.labels.filter(|limit| count > *limit) {
            return Err(ScrapeError::LabelLimit { series: show(labels), labels: count, limit });
        }
        for (name, value) in labels {
            let checks = [
                ("label_name_length_limit", limits.label_name_bytes, name.len()),
                ("label_value_length_limit", limits.label_value_bytes, value.len()),
            ];
            for (what, limit, length) in checks {
                let length = length as u64;
                if let Some(limit) = limit.filter(|limit| length > *limit) {
                    let label = name.chars().take(50).collect();
                    let series = show(labels);
                    return Err(ScrapeError::LengthLimit { what, series, label, length, limit });
                }
            }
        }
        Ok(())
    }
}
