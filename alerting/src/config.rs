//! The `[alerting]` section of the configuration.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use daemon::{
    alertmanager::{Alertmanager, AlertmanagerError},
    config::values::{HumanDuration, Secret},
};
use model::{
    ruler::ALERTMANAGERS_MAX,
    tenant::{InvalidTenant, TenantId},
};
use remediation::policy::{FleetPolicy, InvalidPolicy, Mode, Policy, RestartPolicy};
use serde::Deserialize;

/// Everything that alerting can be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The aggregator's address.
    pub aggregator: String,
    /// A token with the scopes `alerting` and `metrics-read`, or `file:` and a path.
    pub token: Secret,
    /// Where the admin endpoints listen when alerting runs alone.
    pub listen: SocketAddr,
    /// The tenant that incidents of nodes and of the region are filed under.
    pub operator_tenant: String,
    /// Serve `POST /-/reload`. SIGHUP reloads in any case.
    pub allow_reload: bool,
    pub restarts: Restarts,
    /// By what name the aggregator knows this ruler; each needs one of its own.
    pub ruler: String,
    pub evaluation: Evaluation,
    /// Addresses of Alertmanagers that are told of alerts.
    pub alertmanagers: Vec<String>,
    pub rules: Vec<RuleFiles>,
}

/// Files of rules that are evaluated with the same rights.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFiles {
    /// Names, or patterns with `*`, `?` and `[a-z]`; relative ones begin at the folder of the
    /// configuration file.
    pub files: Vec<PathBuf>,
    /// Whose rules they are: they see nothing else, and what they give is stored as this tenant's.
    /// Without a tenant they are the operator's, who sees all tenants by the label `tenant`; what they
    /// give is stored as the operator's, with the label `exported_tenant` in place of `tenant`.
    pub tenant: Option<String>,
}

/// How rules are evaluated.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Evaluation {
    /// Of groups that name none.
    pub interval: HumanDuration,
    /// The most that one query may take, and the most that one evaluation of a group may.
    pub query_timeout: HumanDuration,
    pub group_timeout: HumanDuration,
    /// Groups evaluated at once, of all and of one tenant.
    pub concurrency: usize,
    pub concurrency_per_tenant: usize,
    /// Elements that the result of one rule may have.
    pub samples_max: usize,
    pub rules_per_tenant_max: usize,
    /// What the alerts of one rule and those of all rules of one tenant may take, those that ended
    /// lately included. A rule that would take more fails.
    pub alerts_per_rule_max: usize,
    pub alert_bytes_per_rule_max: usize,
    pub alerts_per_tenant_max: usize,
    pub alert_bytes_per_tenant_max: usize,
    /// Alerts last seen longer before a start are not restored.
    pub outage_tolerance: HumanDuration,
    /// How long a restored alert stays pending at least. Prometheus waits 10m, because it collected
    /// nothing while it was down; here data came in meanwhile.
    pub grace: HumanDuration,
    /// What templates know.
    pub external_url: String,
    pub external_labels: BTreeMap<String, String>,
}

/// Guardrails on restarts; `remediation`'s documentation explains each.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Restarts {
    /// Record what would be done, and do nothing.
    pub shadow: bool,
    /// Restarts of one instance within the window before it is left to a person.
    pub max: u32,
    pub window: HumanDuration,
    /// Wait before the second attempt; doubles from there.
    pub backoff_first: HumanDuration,
    pub backoff_max: HumanDuration,
    /// A restarted instance must have recovered within this time.
    pub verify_within: HumanDuration,
    /// An instance restarted after its process ended counts as recovered after this time.
    pub settle: HumanDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            aggregator: "http://127.0.0.1:9400".to_owned(),
            token: Secret::new(""),
            listen: SocketAddr::from(([127, 0, 0, 1], 9401)),
            operator_tenant: "platform".to_owned(),
            allow_reload: false,
            ruler: "main".to_owned(),
            evaluation: Evaluation::default(),
            alertmanagers: Vec::new(),
            rules: Vec::new(),
            restarts: Restarts::default(),
        }
    }
}

impl Default for Evaluation {
    fn default() -> Self {
        Self {
            interval: HumanDuration(Duration::from_mins(1)),
            query_timeout: HumanDuration(Duration::from_secs(30)),
            group_timeout: HumanDuration(Duration::from_mins(2)),
            concurrency: 6,
            concurrency_per_tenant: 2,
            samples_max: 20_000,
            rules_per_tenant_max: 2_000,
            alerts_per_rule_max: rules::RULE_BUDGET.alerts,
            alert_bytes_per_rule_max: rules::RULE_BUDGET.bytes,
            alerts_per_tenant_max: rules::TENANT_BUDGET.alerts,
            alert_bytes_per_tenant_max: rules::TENANT_BUDGET.bytes,
            outage_tolerance: HumanDuration(Duration::from_hours(1)),
            grace: HumanDuration(Duration::ZERO),
            external_url: String::new(),
            external_labels: BTreeMap::new(),
        }
    }
}

impl Default for Restarts {
    fn default() -> Self {
        let policy = RestartPolicy::default();
        Self {
            shadow: false,
            max: policy.restarts,
            window: HumanDuration(policy.window),
            backoff_first: HumanDuration(policy.backoff_first),
            backoff_max: HumanDuration(policy.backoff_max),
            verify_within: HumanDuration(policy.verify_within),
            settle: HumanDuration(policy.settle),
        }
    }
}

/// The settings contradict themselves or name what is not there.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    #[error("alerting.operator_tenant: {0}")]
    Tenant(#[from] InvalidTenant),
    #[error("alerting.restarts: {0}")]
    Policy(#[from] InvalidPolicy),
    #[error("alerting.token: {0}")]
    Token(String),
    #[error("alerting.aggregator: {0}")]
    Aggregator(#[from] daemon::control::ControlError),
    #[error("alerting.rules: {0}")]
    RulesTenant(#[source] InvalidTenant),
    #[error("alerting.ruler is empty or has more than {RULER_BYTES_MAX} bytes")]
    Ruler,
    #[error("alerting.alertmanagers: {0}")]
    Alertmanager(#[from] AlertmanagerError),
    #[error("alerting.alertmanagers has {0} addresses, allowed are {ALERTMANAGERS_MAX}")]
    Alertmanagers(usize),
    #[error("alerting.evaluation.{0} must not be zero")]
    Zero(&'static str),
}

/// Longest name of a ruler.
const RULER_BYTES_MAX: usize = 128;

impl Settings {
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        self.policy()?;
        if !(1..=RULER_BYTES_MAX).contains(&self.ruler.len()) {
            return Err(InvalidSettings::Ruler);
        }
        let Evaluation { interval, query_timeout, group_timeout, .. } = &self.evaluation;
        for (key, is_zero) in [
            ("interval", interval.0.is_zero()),
            ("query_timeout", query_timeout.0.is_zero()),
            ("group_timeout", group_timeout.0.is_zero()),
            ("concurrency", self.evaluation.concurrency == 0),
            ("concurrency_per_tenant", self.evaluation.concurrency_per_tenant == 0),
        ] {
            if is_zero {
                return Err(InvalidSettings::Zero(key));
            }
        }
        self.alertmanagers()?;
        for set in &self.rules {
            set.tenant()?;
        }
        self.client().map(|_client| ())
    }

    pub(crate) fn alertmanagers(&self) -> Result<Vec<Alertmanager>, InvalidSettings> {
        if self.alertmanagers.len() > ALERTMANAGERS_MAX {
            return Err(InvalidSettings::Alertmanagers(self.alertmanagers.len()));
        }
        let addresses = self.alertmanagers.iter();
        Ok(addresses.map(|address| Alertmanager::new(address)).collect::<Result<_, _>>()?)
    }

    pub(crate) fn operator(&self) -> Result<TenantId, InvalidSettings> {
        Ok(TenantId::new(&self.operator_tenant)?)
    }

    pub(crate) fn policy(&self) -> Result<Policy, InvalidSettings> {
        let restarts = &self.restarts;
        let policy = RestartPolicy {
            mode: if restarts.shadow { Mode::Shadow } else { Mode::Act },
            restarts: restarts.max,
            window: restarts.window.0,
            backoff_first: restarts.backoff_first.0,
            backoff_max: restarts.backoff_max.0,
            verify_within: restarts.verify_within.0,
            settle: restarts.settle.0,
            ..RestartPolicy::default()
        };
        let operator = self.operator()?;
        Ok(Policy::new(policy, Vec::new(), FleetPolicy::default(), operator)?)
    }

    pub(crate) fn client(&self) -> Result<daemon::control::ControlClient, InvalidSettings> {
        let token = self.token.resolve().map_err(InvalidSettings::Token)?;
        Ok(daemon::control::ControlClient::new(&self.aggregator, token)?)
    }
}

impl RuleFiles {
    pub(crate) fn tenant(&self) -> Result<Option<TenantId>, InvalidSettings> {
        let tenant = self.tenant.as_deref().map(TenantId::new).transpose();
        tenant.map_err(InvalidSettings::RulesTenant)
    }
}

/// How long alerting waits before it asks an aggregator again that did not answer.
pub(crate) const RETRY: Duration = Duration::from_millis(500);
