//! How much may be in progress, or have been done lately, in an app, on a node, in the region.

use super::{Case, Guardrail, Refusal};
use crate::{
    BreakerState, Remediation,
    fleet::Health,
    incident::State,
    report::{count, human},
    window::Window,
};

impl Remediation {
    fn region_limit(&self) -> u32 {
        half(self.policy.fleet().region_in_flight, self.fleet.breaker.state())
    }

    /// Whether one more action may begin, as far as the region is concerned.
    pub(crate) fn region_has_room(&self) -> bool {
        self.fleet.in_flight.len() < self.region_limit() as usize
    }
}

impl Case<'_> {
    pub(super) fn app_budget(&self) -> Option<Refusal> {
        let Self { policy, now, .. } = *self;
        let app = self.app()?;
        let refuse = |until, reason| Some(Refusal::new(Guardrail::AppBudget, until, reason));
        let replicas = u32::try_from(app.members.len()).unwrap_or(u32::MAX);
        let part = u64::from(replicas) * u64::from(policy.app_percent) / 100;
        let part = u32::try_from(part).unwrap_or(u32::MAX).max(1);
        let limit = policy.app_in_flight.min(part) as usize;
        let busy = app.in_flight.len();
        if busy >= limit {
            let reason = format!(
                "{} of {} being restarted already, at most {limit} at a time",
                count(busy, "replica"),
                self.instance.target.app,
            );
            return refuse(self.soon(), reason);
        }
        let lately = app.restarts.count(now, policy.window);
        if lately >= policy.app_restarts {
            let reason = format!(
                "{} of {} within {}, at most {} allowed",
                count(lately, "restart"),
                self.instance.target.app,
                human(policy.window),
                policy.app_restarts
            );
            let free = app.restarts.free_at(now, policy.window, policy.app_restarts);
            return refuse(free.max(self.soon()), reason);
        }
        None
    }

    /// When no replica is up, they are tried one by one: first those that certainly do not answer,
    /// and of these the least tried.
    pub(super) fn last_replicas(&self) -> Option<Refusal> {
        let others =
            || self.core.fleet.replicas(&self.instance.target).filter(|(key, _)| *key != self.key);
        if others().next().is_none() || others().any(|(_, other)| other.health() == Health::Up) {
            return None;
        }
        if self.app().is_some_and(|app| !app.in_flight.is_empty()) {
            return Some(Refusal::new(
                Guardrail::Canary,
                self.soon(),
                "all replicas are down, and another one is tried first".to_owned(),
            ));
        }
        let own = (self.instance.health() == Health::Unready, self.incident.attempts);
        let better = others().filter(|(_, other)| !self.core.is_held(other, self.now)).find_map(
            |(_, other)| {
                let incident = other.incident.as_ref()?;
                let State::Waiting { not_before } = incident.state else {
                    return None;
                };
                let unready = other.health() == Health::Unready;
                let theirs = (unready, incident.attempts);
                // One that certainly does not answer goes first even if it has to wait.
                let sooner = own.0 && !unready || not_before <= self.now;
                (sooner && theirs < own).then_some(unready)
            },
        );
        let (guardrail, reason) = match better? {
            false if own.0 => (
                Guardrail::LastReady,
                "it is the last replica that may still answer; those that do not go first",
            ),
            _ => (Guardrail::Canary, "all replicas are down, and another one is tried first"),
        };
        Some(Refusal::new(guardrail, self.soon(), reason.to_owned()))
    }

    pub(super) fn node_budget(&self) -> Option<Refusal> {
        let name = &self.instance.target.node;
        let node = self.core.fleet.nodes.get(name)?;
        let fleet = self.core.policy.fleet();
        self.rate(
            Guardrail::NodeBudget,
            &format!("on node {name}"),
            (node.in_flight.len(), half(fleet.node_in_flight, node.breaker.state())),
            (&node.restarts, fleet.node_restarts),
        )
    }

    pub(super) fn region_budget(&self) -> Option<Refusal> {
        let fleet = self.core.policy.fleet();
        let region = &self.core.fleet;
        let mut refusal = self.rate(
            Guardrail::RegionBudget,
            "in the region",
            (region.in_flight.len(), self.core.region_limit()),
            (&region.restarts, fleet.region_restarts),
        )?;
        // In a mass failure there are very many of these: they are not asked each second.
        if !self.core.region_has_room() {
            refusal.parked = true;
            refusal.until = Some(self.now.saturating_add(super::PARKED_RECHECK));
        }
        Some(refusal)
    }

    fn rate(
        &self,
        guardrail: Guardrail,
        place: &str,
        (busy, busy_max): (usize, u32),
        (restarts, restarts_max): (&Window, u32),
    ) -> Option<Refusal> {
        if busy >= busy_max as usize {
            let reason = format!(
                "{} in progress {place}, at most {busy_max} allowed",
                count(busy, "action")
            );
            return Some(Refusal::new(guardrail, self.soon(), reason));
        }
        let window = self.core.policy.fleet().rate_window;
        let lately = restarts.count(self.now, window);
        if lately >= restarts_max {
            let reason = format!(
                "{} {place} within {}, at most {restarts_max} allowed",
                count(lately, "restart"),
                human(window)
            );
            let free = restarts.free_at(self.now, window, restarts_max).max(self.soon());
            return Some(Refusal::new(guardrail, free, reason));
        }
        None
    }
}

/// A breaker that is half open lets one action through at a time.
fn half(limit: u32, breaker: BreakerState) -> u32 {
    if breaker == BreakerState::HalfOpen { limit.min(1) } else { limit }
}
