//! Targets: from what discovery found to what is asked, and as whom the answer counts.
//!
//! Labels that begin with `__` are the target's inner ones: address, scheme, path, parameters,
//! interval. Relabelling may change them; none reaches a series. Those that begin with `__meta_` end
//! with relabelling.

use std::{borrow::Cow, time::Duration};

use model::tenant::{InvalidTenant, TENANT_LABEL, TenantId};
use probe::schedule::name_hash;
use reqwest::Url;

use crate::{
    config::{INTERVAL_MIN, Job, values::Span},
    group::{ADDRESS, Group},
    labels::LabelSet,
};

pub(crate) const INSTANCE: &str = "instance";
pub(crate) const JOB: &str = "job";
/// A target's label that says whose its series are.
const INNER_TENANT: &str = "__tenant__";
const SCHEME: &str = "__scheme__";
const METRICS_PATH: &str = "__metrics_path__";
const SCRAPE_INTERVAL: &str = "__scrape_interval__";
const SCRAPE_TIMEOUT: &str = "__scrape_timeout__";
const PARAM: &str = "__param_";
const META: &str = "__meta_";
const INNER: &str = "__";

/// Something to scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// All labels after relabelling: what makes this target another than the next.
    pub identity: LabelSet,
    /// What its series carry, with [`TENANT_LABEL`].
    pub labels: LabelSet,
    /// Before relabelling, for people.
    pub discovered: LabelSet,
    pub url: Url,
    pub tenant: TenantId,
    pub interval: Duration,
    pub timeout: Duration,
}

/// What becomes of what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Populated {
    Target(Box<Target>),
    /// Relabelling dropped it; its labels before that.
    Dropped(LabelSet),
}

/// Why what was found cannot be scraped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    #[error("it has no address")]
    NoAddress,
    #[error("{0:?} is not a host with or without a port")]
    Address(String),
    #[error("{name} {value:?} is no duration above {INTERVAL_MIN:?}")]
    Duration { name: &'static str, value: String },
    #[error("the scrape timeout is longer than the interval ({timeout:?} > {interval:?})")]
    Timeout { interval: String, timeout: String },
    #[error("scheme {0:?} is neither http nor https")]
    Scheme(String),
    #[error("tenant: {0}")]
    Tenant(#[from] InvalidTenant),
}

impl Target {
    /// A hash that is the same in every process, for the place in the interval.
    pub fn hash(&self) -> u64 {
        let labels = self.identity.iter().flat_map(|(name, value)| [name, value]);
        name_hash(labels.chain([self.url.as_str()]))
    }
}

/// Whose a target is that relabelling dropped, by its labels before that.
pub(crate) fn dropped_of(job: &Job, discovered: &LabelSet) -> TenantId {
    let own = discovered.get(INNER_TENANT);
    TenantId::new(own).unwrap_or_else(|_none| job.tenant.clone())
}

/// Labels of a target of a group before relabelling.
fn discovered(job: &Job, group: &Group, own: &LabelSet) -> LabelSet {
    let settings = &job.settings;
    let mut labels = group.labels.clone();
    for (name, value) in own.iter() {
        labels.set(name, value);
    }
    let parameters = settings.params.iter().filter_map(|(name, values)| {
        Some((Cow::Owned(format!("{PARAM}{name}")), values.first()?.clone()))
    });
    let defaults = [
        (JOB, settings.job_name.clone()),
        (SCRAPE_INTERVAL, Span(job.interval).to_string()),
        (SCRAPE_TIMEOUT, Span(job.timeout).to_string()),
        (METRICS_PATH, settings.metrics_path.clone()),
        (SCHEME, settings.scheme.clone()),
    ];
    let defaults = defaults.map(|(name, value)| (Cow::Borrowed(name), value));
    for (name, value) in defaults.into_iter().chain(parameters) {
        if labels.get(&name).is_empty() {
            labels.set(name, value);
        }
    }
    labels
}

/// Makes a target of what was found.
pub fn populate(job: &Job, group: &Group, own: &LabelSet) -> Result<Populated, InvalidTarget> {
    let discovered = discovered(job, group, own);
    let mut labels = discovered.clone();
    if !relabel::apply(&job.relabel, &mut labels) {
        return Ok(Populated::Dropped(discovered));
    }
    let address = labels.get(ADDRESS).to_owned();
    if address.is_empty() {
        return Err(InvalidTarget::NoAddress);
    }
    let url = url(job, &labels, &address)?;
    let interval = duration(&labels, SCRAPE_INTERVAL)?;
    let timeout = duration(&labels, SCRAPE_TIMEOUT)?;
    if timeout > interval {
        let text = |name| labels.get(name).to_owned();
        let (interval, timeout) = (text(SCRAPE_INTERVAL), text(SCRAPE_TIMEOUT));
        return Err(InvalidTarget::Timeout { interval, timeout });
    }
    labels.retain(|name| !name.starts_with(META));
    if labels.get(INSTANCE).is_empty() {
        labels.set(INSTANCE, address);
    }
    let tenant = match labels.get(INNER_TENANT) {
        "" => job.tenant.clone(),
        own => TenantId::new(own)?,
    };
    let mut public = labels.clone();
    public.retain(|name| !name.starts_with(INNER));
    if public.is_empty() {
        return Ok(Populated::Dropped(discovered));
    }
    public.set(TENANT_LABEL, tenant.as_str());
    let target =
        Target { identity: labels, labels: public, discovered, url, tenant, interval, timeout };
    Ok(Populated::Target(Box::new(target)))
}

fn duration(labels: &LabelSet, name: &'static str) -> Result<Duration, InvalidTarget> {
    let value = labels.get(name);
    let parsed = Span::parse(value).map(|span| span.0).unwrap_or_default();
    let shortest = if name == SCRAPE_INTERVAL { INTERVAL_MIN } else { Duration::from_millis(1) };
    if parsed < shortest {
        return Err(InvalidTarget::Duration { name, value: value.to_owned() });
    }
    Ok(parsed)
}

fn url(job: &Job, labels: &LabelSet, address: &str) -> Result<Url, InvalidTarget> {
    let invalid = || InvalidTarget::Address(address.chars().take(100).collect());
    if address.contains(['/', '?', '#', '@', '\\', ' ']) {
        return Err(invalid());
    }
    let scheme = labels.get(SCHEME);
    if scheme != "http" && scheme != "https" {
        return Err(InvalidTarget::Scheme(scheme.to_owned()));
    }
    let mut url = Url::parse(&format!("{scheme}://{address}/")).map_err(|_| invalid())?;
    url.set_path(labels.get(METRICS_PATH));
    let mut parameters = job.settings.params.clone();
    for (name, value) in labels.iter() {
        let Some(name) = name.strip_prefix(PARAM) else { continue };
        let values = parameters.entry(name.to_owned()).or_default();
        match values.first_mut() {
            Some(first) => value.clone_into(first),
            None => values.push(value.to_owned()),
        }
    }
    if parameters.values().any(|values| !values.is_empty()) {
        let mut query = url.query_pairs_mut();
        for (name, values) in &parameters {
            for value in values {
                query.append_pair(name, value);
            }
        }
    }
    Ok(url)
}

#[cfg(test)]
pub(crate) mod tests;
