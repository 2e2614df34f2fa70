//! A job, checked and compiled.

use std::time::Duration;

use model::{relabel::RelabelRule, tenant::TenantId};
use probe::guard::Network;
use relabel::{InvalidRule, Rule};

use super::{
    Fault, INTERVAL_MIN, JobSettings, Settings,
    discovery::{
        DnsSettings, FileSettings, HttpDiscoverySettings, InvalidDiscovery, KubernetesSettings,
    },
    http::HttpSettings,
    values::{Size, Span},
};
use crate::protocol::{NameEscaping, NameValidation, Protocol};

/// Limits on one scrape; `None` is no limit. Beyond any of them the whole scrape fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub samples: Option<u64>,
    pub labels: Option<u64>,
    pub label_name_bytes: Option<u64>,
    pub label_value_bytes: Option<u64>,
    pub body_bytes: Option<u64>,
}

/// A job, checked and compiled.
#[derive(Clone, Debug)]
pub struct Job {
    pub settings: JobSettings,
    pub tenant: TenantId,
    pub interval: Duration,
    pub timeout: Duration,
    pub limits: Limits,
    pub target_limit: Option<u64>,
    pub keep_dropped_targets: Option<u64>,
    pub allowed: Vec<Network>,
    pub relabel: Vec<Rule>,
    pub metric_relabel: Vec<Rule>,
    pub http: HttpSettings,
    /// Formats to ask for, the best first.
    pub protocols: Vec<Protocol>,
    pub histograms: Histograms,
    pub names: NameValidation,
    pub escaping: NameEscaping,
}

/// Which histograms are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Histograms {
    pub native: bool,
    /// Classic ones also where there is a native one.
    pub classic: bool,
    /// Classic ones as native ones with custom buckets.
    pub custom: bool,
}

impl Job {
    /// Whether nothing about the job differs.
    pub fn is_same(&self, other: &Self) -> bool {
        // The rest is made of the settings.
        self.settings == other.settings
            && self.tenant == other.tenant
            && (self.interval, self.timeout) == (other.interval, other.timeout)
            && self.limits == other.limits
            && self.target_limit == other.target_limit
            && self.keep_dropped_targets == other.keep_dropped_targets
            && self.protocols == other.protocols
            && self.histograms == other.histograms
            && (self.names, self.escaping) == (other.names, other.escaping)
    }

    /// Whether its targets are found in the same way.
    pub fn finds_the_same(&self, other: &Self) -> bool {
        let (own, other) = (&self.settings, &other.settings);
        own.job_name == other.job_name
            && own.allowed_networks == other.allowed_networks
            && own.static_configs == other.static_configs
            && own.file_sd_configs == other.file_sd_configs
            && own.dns_sd_configs == other.dns_sd_configs
            && own.http_sd_configs == other.http_sd_configs
            && own.kubernetes_sd_configs == other.kubernetes_sd_configs
    }

    /// The settings in force, global ones taken in, as JSON without secrets.
    pub fn shown(&self) -> String {
        let mut settings = self.settings.clone();
        settings.tenant = Some(self.tenant.to_string());
        settings.scrape_interval = Some(Span(self.interval));
        settings.scrape_timeout = Some(Span(self.timeout));
        settings.sample_limit = self.limits.samples;
        settings.label_limit = self.limits.labels;
        settings.label_name_length_limit = self.limits.label_name_bytes;
        settings.label_value_length_limit = self.limits.label_value_bytes;
        settings.body_size_limit = self.limits.body_bytes.map(Size);
        settings.target_limit = self.target_limit;
        settings.keep_dropped_targets = self.keep_dropped_targets;
        settings.scrape_protocols.clone_from(&self.protocols);
        settings.scrape_native_histograms = Some(self.histograms.native);
        settings.always_scrape_classic_histograms = Some(self.histograms.classic);
        settings.convert_classic_histograms_to_nhcb = Some(self.histograms.custom);
        settings.metric_name_validation_scheme = Some(self.names);
        settings.metric_name_escaping_scheme = Some(self.escaping);
        let mut json = serde_json::to_value(settings).unwrap_or_default();
        if let Some(fields) = json.as_object_mut() {
            fields.retain(|_name, value| {
                !value.is_null()
                    && value.as_array().is_none_or(|list| !list.is_empty())
                    && value.as_object().is_none_or(|map| !map.is_empty())
            });
        }
        serde_json::to_string_pretty(&json).unwrap_or_default()
    }
}

impl Settings {
    pub(super) fn compile(&self, settings: &JobSettings) -> Result<Job, Fault> {
        if settings.job_name.is_empty() {
            return Err(Fault::NoName);
        }
        let interval = settings.scrape_interval.unwrap_or(self.scrape_interval).0;
        if interval < INTERVAL_MIN {
            return Err(Fault::Interval);
        }
        // A global timeout gives way to a short interval; one of the job's own is a mistake then.
        let timeout =
            settings.scrape_timeout.map_or(self.scrape_timeout.0.min(interval), |own| own.0);
        if timeout.is_zero() || timeout > interval {
            return Err(Fault::Timeout);
        }
        if settings.scheme != "http" && settings.scheme != "https" {
            return Err(Fault::Scheme);
        }
        let http = settings.http();
        http.check()?;
        check_discovery(settings)?;
        let networks = settings.allowed_networks.iter().map(|text| text.parse::<Network>());
        Ok(Job {
            tenant: TenantId::new(settings.tenant.as_deref().unwrap_or(&self.tenant))?,
            interval,
            timeout,
            limits: self.limits(settings),
            target_limit: limit(settings.target_limit, self.target_limit),
            keep_dropped_targets: limit(settings.keep_dropped_targets, self.keep_dropped_targets),
            allowed: networks.collect::<Result<_, _>>()?,
            relabel: rules(&settings.relabel_configs)
                .map_err(|(number, source)| Fault::Relabel { number, source })?,
            metric_relabel: rules(&settings.metric_relabel_configs)
                .map_err(|(number, source)| Fault::MetricRelabel { number, source })?,
            http,
            protocols: self.protocols(settings)?,
            histograms: self.histograms(settings),
            names: settings
                .metric_name_validation_scheme
                .unwrap_or(self.metric_name_validation_scheme),
            escaping: self.escaping(settings)?,
            settings: settings.clone(),
        })
    }

    fn histograms(&self, job: &JobSettings) -> Histograms {
        let or = |own: Option<bool>, global| own.unwrap_or(global);
        Histograms {
            native: or(job.scrape_native_histograms, self.scrape_native_histograms),
            classic: or(
                job.always_scrape_classic_histograms,
                self.always_scrape_classic_histograms,
            ),
            custom: or(
                job.convert_classic_histograms_to_nhcb,
                self.convert_classic_histograms_to_nhcb,
            ),
        }
    }

    fn protocols(&self, job: &JobSettings) -> Result<Vec<Protocol>, Fault> {
        let given = [&job.scrape_protocols, &self.scrape_protocols];
        let Some(order) = given.into_iter().find(|order| !order.is_empty()) else {
            return Ok(Protocol::default_order(self.histograms(job).native));
        };
        let again = order
            .iter()
            .enumerate()
            .find(|(place, own)| order.iter().take(*place).any(|other| other == *own));
        again.map_or_else(|| Ok(order.clone()), |(_, own)| Err(Fault::ProtocolTwice(*own)))
    }

    /// Where names are those of old, targets have to escape others, by underscores if nothing is said.
    fn escaping(&self, job: &JobSettings) -> Result<NameEscaping, Fault> {
        let own = job.metric_name_validation_scheme;
        let is_legacy = own.unwrap_or(self.metric_name_validation_scheme) == NameValidation::Legacy;
        let default = if is_legacy { NameEscaping::Underscores } else { NameEscaping::AllowUtf8 };
        // A job that asks for other names than all the rest asks for other escaping as well.
        let global = self.metric_name_escaping_scheme.filter(|_| own.is_none());
        let chosen = job.metric_name_escaping_scheme.or(global).unwrap_or(default);
        if is_legacy && chosen == NameEscaping::AllowUtf8 {
            Err(Fault::Escaping)
        } else {
            Ok(chosen)
        }
    }

    fn limits(&self, job: &JobSettings) -> Limits {
        let body = job.body_size_limit.map(|size| size.0);
        Limits {
            samples: limit(job.sample_limit, self.sample_limit),
            labels: limit(job.label_limit, self.label_limit),
            label_name_bytes: limit(job.label_name_length_limit, self.label_name_length_limit),
            label_value_bytes: limit(job.label_value_length_limit, self.label_value_length_limit),
            body_bytes: limit(body, self.body_size_limit.0),
        }
    }
}

fn check_discovery(settings: &JobSettings) -> Result<(), InvalidDiscovery> {
    settings.file_sd_configs.iter().try_for_each(FileSettings::check)?;
    settings.dns_sd_configs.iter().try_for_each(DnsSettings::check)?;
    settings.http_sd_configs.iter().try_for_each(HttpDiscoverySettings::check)?;
    settings.kubernetes_sd_configs.iter().try_for_each(KubernetesSettings::check)
}

fn limit(own: Option<u64>, global: u64) -> Option<u64> {
    Some(own.unwrap_or(global)).filter(|limit| *limit > 0)
}

fn rules(settings: &[RelabelRule]) -> Result<Vec<Rule>, (usize, InvalidRule)> {
    let numbered = settings.iter().zip(1..);
    numbered.map(|(rule, number)| Rule::new(rule).map_err(|fault| (number, fault))).collect()
}
