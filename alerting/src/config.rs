//! The `[alerting]` section of the configuration.

use std::{net::SocketAddr, time::Duration};

use daemon::config::values::{HumanDuration, Secret};
use model::tenant::{InvalidTenant, TenantId};
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
    pub restarts: Restarts,
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
            restarts: Restarts::default(),
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
}

impl Settings {
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        self.policy()?;
        self.client().map(|_client| ())
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
        let operator = TenantId::new(&self.operator_tenant)?;
        Ok(Policy::new(policy, Vec::new(), FleetPolicy::default(), operator)?)
    }

    pub(crate) fn client(&self) -> Result<daemon::control::ControlClient, InvalidSettings> {
        let token = self.token.resolve().map_err(InvalidSettings::Token)?;
        Ok(daemon::control::ControlClient::new(&self.aggregator, token)?)
    }
}

/// How long alerting waits before it asks an aggregator again that did not answer.
pub(crate) const RETRY: Duration = Duration::from_millis(500);
