//! The settings of every guardrail, with the defaults that hold when nothing is configured.
//!
//! [`RestartPolicy`] is what a tenant or an app may have its own of; [`FleetPolicy`] protects
//! nodes and the region from everyone, so nobody has their own.

use std::time::Duration;

use model::{event::Target, tenant::TenantId};

use crate::selector::Selector;

/// Overrides that one policy can hold.
pub const OVERRIDES_MAX: usize = 1000;

/// Whether decisions are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Act,
    /// Records what would be done, once per incident, and sends nothing.
    Shadow,
}

/// What holds for one instance and its app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    pub mode: Mode,
    /// Restarts of one instance within [`Self::window`], and failed attempts within one incident
    /// whatever the time between them. The next one wanted puts it into quarantine. 3.
    pub restarts: u32,
    /// The window of [`Self::restarts`] and [`Self::app_restarts`]. 10 min.
    pub window: Duration,
    /// The second attempt waits a random part of this, and the longest wait doubles with each
    /// further one (full jitter); the first is immediate. 1 s.
    pub backoff_first: Duration,
    /// Where the doubling ends. 60 s.
    pub backoff_max: Duration,
    /// Healthy for so long, an instance starts again with no wait. 5 min.
    pub backoff_reset: Duration,
    /// Actions in progress for one app, from the decision until the result is verified. 1.
    pub app_in_flight: u32,
    /// ...and never more than this part of its replicas, but at least one. 10 %.
    pub app_percent: u32,
    /// Restarts of one app within [`Self::window`], all replicas together. 10.
    pub app_restarts: u32,
    /// A replica that lives but is not ready is restarted after this long; `None` leaves it to
    /// the load balancer, as Kubernetes does. 30 s.
    pub restart_unready: Option<Duration>,
    /// How long a probe's verdict waits for others, so that a shared cause shows before anything
    /// is done. A process that ended does not wait. 100 ms.
    pub gather: Duration,
    /// A failing probe's instance must have recovered this long after its restart, else the
    /// attempt has failed. 60 s.
    pub verify_within: Duration,
    /// An instance that was restarted because its process ended counts as recovered when this
    /// passes without a failure, or at a probe's word. 5 s.
    pub settle: Duration,
    /// A command is void after this. 30 s.
    pub command_ttl: Duration,
    /// With no answer to a command after this the attempt has failed. Longer than
    /// [`Self::command_ttl`] by the time that stopping may take, so that a command is never
    /// followed by a second one while it is carried out. 90 s.
    pub answer_within: Duration,
    /// With a deployment younger than this, the deployment is to blame: no restarts, and a page
    /// with a hint to roll back. Zero turns it off. 10 min.
    pub deploy_grace: Duration,
    /// Restarts within [`Self::flap_window`] that each seemed to help; the next one wanted puts
    /// the instance into quarantine. 6.
    pub flap_restarts: u32,
    /// 1 h.
    pub flap_window: Duration,
    /// Failures that went away by themselves within [`Self::window`], after which the next must
    /// last [`Self::flap_hold`] before anything is done. 5.
    pub flap_recoveries: u32,
    /// 30 s.
    pub flap_hold: Duration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            mode: Mode::Act,
            restarts: 3,
            window: Duration::from_mins(10),
            backoff_first: Duration::from_secs(1),
            backoff_max: Duration::from_mins(1),
            backoff_reset: Duration::from_mins(5),
            app_in_flight: 1,
            app_percent: 10,
            app_restarts: 10,
            restart_unready: Some(Duration::from_secs(30)),
            gather: Duration::from_millis(100),
            verify_within: Duration::from_mins(1),
            settle: Duration::from_secs(5),
            command_ttl: Duration::from_secs(30),
            answer_within: Duration::from_secs(90),
            deploy_grace: Duration::from_mins(10),
            flap_restarts: 6,
            flap_window: Duration::from_hours(1),
            flap_recoveries: 5,
            flap_hold: Duration::from_secs(30),
        }
    }
}

/// What protects nodes and the region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetPolicy {
    /// Actions in progress on one node. 2.
    pub node_in_flight: u32,
    /// Restarts on one node within [`Self::rate_window`]. 10.
    pub node_restarts: u32,
    /// Actions in progress in the region. 10.
    pub region_in_flight: u32,
    /// Restarts in the region within [`Self::rate_window`]. 60.
    pub region_restarts: u32,
    /// 1 min.
    pub rate_window: Duration,
    /// Failures that began within this time of each other are taken for one. 60 s.
    pub failure_window: Duration,
    /// The breaker opens when more than this part of all known apps began to fail within
    /// [`Self::failure_window`] and still do. 20 %.
    pub breaker_apps_percent: u32,
    /// ...but only with this many failing apps: small fleets have large parts. 3.
    pub breaker_apps: u32,
    /// ...and this many known apps. 5.
    pub breaker_apps_known: u32,
    /// The breaker opens when more than this part of all known nodes fail, each as
    /// [`Self::node_tenants`] says. 30 %.
    pub breaker_nodes_percent: u32,
    /// ...but only with this many failing nodes. 2.
    pub breaker_nodes: u32,
    /// A node is to blame when so many of its tenants began to fail within
    /// [`Self::failure_window`] and still do: one incident of the node, no restarts on it. 3.
    pub node_tenants: u32,
    /// ...and these are at least this part of the tenants on it. 30 %.
    pub node_tenants_percent: u32,
    /// After the last trigger a breaker stays open for this, then lets one action at a time
    /// through until the failures are below its threshold. Doubles each time such an action fails,
    /// up to ten times this. 60 s.
    pub quiet: Duration,
}

impl Default for FleetPolicy {
    fn default() -> Self {
        Self {
            node_in_flight: 2,
            node_restarts: 10,
            region_in_flight: 10,
            region_restarts: 60,
            rate_window: Duration::from_mins(1),
            failure_window: Duration::from_mins(1),
            breaker_apps_percent: 20,
            breaker_apps: 3,
            breaker_apps_known: 5,
            breaker_nodes_percent: 30,
            breaker_nodes: 2,
            node_tenants: 3,
            node_tenants_percent: 30,
            quiet: Duration::from_mins(1),
        }
    }
}

/// A policy for some targets only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pub selector: Selector,
    pub policy: RestartPolicy,
}

/// Everything that can be configured. Built by [`Policy::new`], which checks it.
#[derive(Clone, Debug)]
pub struct Policy {
    default: RestartPolicy,
    overrides: Vec<Override>,
    fleet: FleetPolicy,
    operator: TenantId,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    #[error("override number {0} selects nothing, so it would never apply")]
    EmptySelector(usize),
    #[error("{0} overrides, but at most {OVERRIDES_MAX} are allowed")]
    TooManyOverrides(usize),
    #[error("{0} must be between 0 and 100 percent")]
    Percent(&'static str),
    #[error("{0} must not be zero")]
    Zero(&'static str),
    #[error("answer_within must not be shorter than command_ttl")]
    AnswerBeforeExpiry,
}

impl Policy {
    /// `operator` is the tenant that incidents of nodes and of the region are filed under.
    pub fn new(
        default: RestartPolicy,
        overrides: Vec<Override>,
        fleet: FleetPolicy,
        operator: TenantId,
    ) -> Result<Self, InvalidPolicy> {
        if overrides.len() > OVERRIDES_MAX {
            return Err(InvalidPolicy::TooManyOverrides(overrides.len()));
        }
        check_restart(&default)?;
        for (number, entry) in overrides.iter().enumerate() {
            if entry.selector.is_empty() {
                return Err(InvalidPolicy::EmptySelector(number));
            }
            check_restart(&entry.policy)?;
        }
        for (name, percent) in [
            ("breaker_apps_percent", fleet.breaker_apps_percent),
            ("breaker_nodes_percent", fleet.breaker_nodes_percent),
            ("node_tenants_percent", fleet.node_tenants_percent),
        ] {
            if percent > 100 {
                return Err(InvalidPolicy::Percent(name));
            }
        }
        for (name, duration) in [
            ("rate_window", fleet.rate_window),
            ("failure_window", fleet.failure_window),
            ("quiet", fleet.quiet),
        ] {
            if duration.is_zero() {
                return Err(InvalidPolicy::Zero(name));
            }
        }
        Ok(Self { default, overrides, fleet, operator })
    }

    /// The defaults, for a given operator.
    pub fn with_defaults(operator: TenantId) -> Self {
        Self {
            default: RestartPolicy::default(),
            overrides: Vec::new(),
            fleet: FleetPolicy::default(),
            operator,
        }
    }

    /// The policy of a target: that of the last override that selects it.
    pub fn of(&self, target: &Target) -> &RestartPolicy {
        self.overrides
            .iter()
            .rfind(|entry| entry.selector.matches(target))
            .map_or(&self.default, |entry| &entry.policy)
    }

    pub fn fleet(&self) -> &FleetPolicy {
        &self.fleet
    }

    pub fn operator(&self) -> &TenantId {
        &self.operator
    }
}

fn check_restart(policy: &RestartPolicy) -> Result<(), InvalidPolicy> {
    if policy.app_percent > 100 {
        return Err(InvalidPolicy::Percent("app_percent"));
    }
    if policy.answer_within < policy.command_ttl {
        return Err(InvalidPolicy::AnswerBeforeExpiry);
    }
    for (name, duration) in [
        ("window", policy.window),
        ("verify_within", policy.verify_within),
        ("command_ttl", policy.command_ttl),
        ("flap_window", policy.flap_window),
    ] {
        if duration.is_zero() {
            return Err(InvalidPolicy::Zero(name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
