//! The guardrails, in the order in which they are asked. Each gives its reason.

use std::time::Duration;

use model::time::Timestamp;

use crate::{
    BreakerState, Remediation,
    fleet::{App, Health, Instance, Key},
    incident::Incident,
    policy::RestartPolicy,
    report::{count, human},
};

mod budget;

/// How soon a refusal that may end at any moment is looked at again.
pub(crate) const RECHECK: Duration = Duration::from_secs(1);

/// How soon one that is parked is looked at again in any case.
const PARKED_RECHECK: Duration = Duration::from_secs(30);

/// What can hold an action back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guardrail {
    /// Restarts did not help before; a person must resume.
    Quarantine,
    /// A person or a maintenance window.
    Paused,
    /// Too much of the region fails at once.
    Breaker,
    /// The node is to blame.
    NodeIncident,
    /// The deployment is to blame.
    RecentDeploy,
    /// Failures of readiness are left to the load balancer.
    Readiness,
    /// It fails and recovers by itself, again and again.
    Flapping,
    /// Another action of the app is in progress, or it had enough.
    AppBudget,
    /// All replicas are down, and another one is tried first.
    Canary,
    /// The last replica that may still answer.
    LastReady,
    NodeBudget,
    RegionBudget,
    /// Something changed between the record and the command.
    Withdrawn,
}

impl Guardrail {
    /// The name in `details["guardrail"]`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarantine => "quarantine",
            Self::Paused => "paused",
            Self::Breaker => "breaker",
            Self::NodeIncident => "node_incident",
            Self::RecentDeploy => "recent_deploy",
            Self::Readiness => "readiness",
            Self::Flapping => "flapping",
            Self::AppBudget => "app_budget",
            Self::Canary => "canary",
            Self::LastReady => "last_ready",
            Self::NodeBudget => "node_budget",
            Self::RegionBudget => "region_budget",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads back what [`Self::as_str`] gave.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [
            Self::Quarantine,
            Self::Paused,
            Self::Breaker,
            Self::NodeIncident,
            Self::RecentDeploy,
            Self::Readiness,
            Self::Flapping,
            Self::AppBudget,
            Self::Canary,
            Self::LastReady,
            Self::NodeBudget,
            Self::RegionBudget,
            Self::Withdrawn,
        ]
        .into_iter()
        .find(|guardrail| guardrail.as_str() == name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) guardrail: Guardrail,
    pub(crate) reason: String,
    /// When it may have ended; `None` when only an event can end it.
    pub(crate) until: Option<Timestamp>,
    /// A person must hear of it.
    pub(crate) page: bool,
    /// It waits for a free place in the region and is looked at when there is one.
    pub(crate) parked: bool,
}

impl Refusal {
    fn new(guardrail: Guardrail, until: Timestamp, reason: String) -> Self {
        Self { guardrail, reason, until: Some(until), page: false, parked: false }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Act,
    Wait(Timestamp),
    Refuse(Refusal),
    Quarantine(String),
}

/// Everything that a guardrail may look at.
struct Case<'a> {
    core: &'a Remediation,
    key: Key,
    instance: &'a Instance,
    incident: &'a Incident,
    policy: &'a RestartPolicy,
    now: Timestamp,
}

impl Remediation {
    /// Whether the instance may be acted on now.
    pub(crate) fn judge(&self, key: Key, now: Timestamp) -> Option<Verdict> {
        let case = self.case(key, now)?;
        if let Some(refusal) = case.standing() {
            return Some(Verdict::Refuse(refusal));
        }
        let verdict = case.patience().or_else(|| case.exhausted().map(Verdict::Quarantine));
        let budget = || {
            case.app_budget()
                .or_else(|| case.last_replicas())
                .or_else(|| case.node_budget())
                .or_else(|| case.region_budget())
        };
        Some(verdict.or_else(|| budget().map(Verdict::Refuse)).unwrap_or(Verdict::Act))
    }

    /// The guardrails that hold whatever the budgets say; asked again just before a command.
    pub(crate) fn standing(&self, key: Key, now: Timestamp) -> Option<Refusal> {
        self.case(key, now)?.standing()
    }

    fn case(&self, key: Key, now: Timestamp) -> Option<Case<'_>> {
        let instance = self.fleet.instances.get(&key)?;
        let incident = instance.incident.as_ref()?;
        let policy = self.policy.of(&instance.target);
        Some(Case { core: self, key, instance, incident, policy, now })
    }

    fn paused(&self, instance: &Instance, now: Timestamp) -> Option<(&str, Option<Timestamp>)> {
        self.pauses
            .iter()
            .find(|(_, pause)| {
                pause.until.is_none_or(|until| now < until) && pause.scope.covers(&instance.target)
            })
            .map(|(name, pause)| (name.as_str(), pause.until))
    }

    /// Whether an instance cannot be acted on for a reason of its own.
    fn is_held(&self, instance: &Instance, now: Timestamp) -> bool {
        let open =
            |node: &crate::fleet::Node| matches!(node.breaker.state(), BreakerState::Open { .. });
        instance.quarantined
            || self.paused(instance, now).is_some()
            || self.fleet.nodes.get(&instance.target.node).is_some_and(open)
    }
}

impl Case<'_> {
    fn soon(&self) -> Timestamp {
        self.now.saturating_add(RECHECK)
    }

    fn app(&self) -> Option<&App> {
        self.core.fleet.app_of(&self.instance.target)
    }

    fn standing(&self) -> Option<Refusal> {
        let Self { instance, now, .. } = *self;
        if instance.quarantined {
            return Some(Refusal {
                guardrail: Guardrail::Quarantine,
                reason: "it is in quarantine until a person resumes it".to_owned(),
                until: None,
                page: false,
                parked: false,
            });
        }
        if let Some((name, until)) = self.core.paused(instance, now) {
            let soon = self.soon();
            let until = until.map_or(soon, |until| until.min(soon));
            return Some(Refusal::new(Guardrail::Paused, until, format!("paused by {name}")));
        }
        self.breakers().or_else(|| self.recent_deploy())
    }

    fn breakers(&self) -> Option<Refusal> {
        let fleet = &self.core.fleet;
        if let BreakerState::Open { until } = fleet.breaker.state() {
            return Some(Refusal::new(
                Guardrail::Breaker,
                until,
                "too much of the region fails at once: the cause is shared, and restarts would \
                 make it worse"
                    .to_owned(),
            ));
        }
        let node = fleet.nodes.get(&self.instance.target.node)?;
        if let BreakerState::Open { until } = node.breaker.state() {
            return Some(Refusal::new(
                Guardrail::NodeIncident,
                until,
                format!(
                    "much fails on node {} at once: the node is to blame, not what runs on it",
                    self.instance.target.node
                ),
            ));
        }
        None
    }

    fn recent_deploy(&self) -> Option<Refusal> {
        let app = self.app()?;
        let (deployment, at) = app.deployed.as_ref()?;
        let until = at.saturating_add(self.policy.deploy_grace);
        if self.now >= until {
            return None;
        }
        Some(Refusal {
            guardrail: Guardrail::RecentDeploy,
            reason: format!(
                "deployment {deployment} is {} old: roll it back, a restart would not help",
                human(self.now.since(*at))
            ),
            until: Some(until),
            page: !app.deploy_paged,
            parked: false,
        })
    }

    /// What has to be waited for.
    fn patience(&self) -> Option<Verdict> {
        let Self { instance, incident, policy, now, .. } = *self;
        if instance.health() == Health::Unready && !incident.doubted {
            let Some(patience) = policy.restart_unready else {
                return Some(Verdict::Refuse(Refusal {
                    guardrail: Guardrail::Readiness,
                    reason: "it lives and is only not ready, which is for the load balancer"
                        .to_owned(),
                    until: None,
                    page: false,
                    parked: false,
                }));
            };
            let until = instance.health_since.saturating_add(patience);
            if now < until {
                return Some(Verdict::Wait(until));
            }
        }
        if incident.needs_probe && incident.attempts == 0 {
            let until = incident.opened.saturating_add(policy.gather);
            if now < until {
                return Some(Verdict::Wait(until));
            }
        }
        let recoveries = instance.self_recoveries.count(now, policy.window);
        let until = incident.opened.saturating_add(policy.flap_hold);
        (recoveries >= policy.flap_recoveries && now < until).then(|| {
            Verdict::Refuse(Refusal::new(
                Guardrail::Flapping,
                until,
                format!(
                    "it recovered by itself {} within {}: it gets {} to do so again",
                    count(recoveries, "time"),
                    human(policy.window),
                    human(policy.flap_hold)
                ),
            ))
        })
    }

    /// Why no further restart will help.
    fn exhausted(&self) -> Option<String> {
        let Self { instance, incident, policy, now, .. } = *self;
        if incident.failed >= policy.restarts {
            return Some(format!("{} did not help", count(incident.failed, "restart")));
        }
        let lately = instance.restarts.count(now, policy.window);
        if lately >= policy.restarts {
            return Some(format!("{} within {}", count(lately, "restart"), human(policy.window)));
        }
        let flaps = instance.restarts.count(now, policy.flap_window);
        (flaps >= policy.flap_restarts).then(|| {
            format!(
                "{} within {}: each helps only for a while",
                count(flaps, "restart"),
                human(policy.flap_window)
            )
        })
    }
}

#[cfg(test)]
mod tests;
