//! Watches nodes and the region for failures that come together, and tells a person once.

use model::{event::EventKind, time::Timestamp};

use super::{Breaker, Change, Signs};
use crate::{BreakerState, Remediation, fleet::Key, guard::Guardrail, report::human};

impl Remediation {
    /// Tells the breakers above an instance.
    pub(crate) fn on_breakers(&mut self, key: Key, tell: impl Fn(&mut Breaker)) {
        tell(&mut self.fleet.breaker);
        let node = self.fleet.instances.get(&key).map(|instance| &instance.target.node);
        if let Some(node) = node.and_then(|node| self.fleet.nodes.get_mut(node)) {
            tell(&mut node.breaker);
        }
    }

    /// Looks at the breakers that an instance's change may move.
    pub(crate) fn update_breakers(&mut self, key: Key, now: Timestamp) {
        let window = self.policy.fleet().failure_window;
        self.failures.age(now.saturating_sub(window));
        if let Some(instance) = self.fleet.instances.get(&key) {
            let node = instance.target.node.clone();
            self.update_node(&node, now);
        }
        self.update_region(now);
    }

    /// Looks at the breakers that time may move.
    pub(crate) fn tick_breakers(&mut self, now: Timestamp) {
        let window = self.policy.fleet().failure_window;
        self.failures.age(now.saturating_sub(window));
        for node in self.fleet.open_nodes.clone() {
            self.update_node(&node, now);
        }
        self.update_region(now);
    }

    fn update_node(&mut self, name: &str, now: Timestamp) {
        let policy = self.policy.fleet();
        let Some(node) = self.fleet.nodes.get_mut(name) else {
            return;
        };
        let known = node.tenants.len();
        let over = |failing: usize| {
            failing >= policy.node_tenants as usize
                && at_least(failing, known, policy.node_tenants_percent)
        };
        let failing = self.failures.recent.tenants_on(name);
        let calm = !over(self.failures.current.tenants_on(name));
        let signs = Signs { tripped: over(failing), calm };
        let change = node.breaker.update(signs, policy.quiet, now);
        let opened = node.breaker.opened();
        let window = human(policy.failure_window);
        let (kind, reason) = match change {
            None => return,
            Some(Change::Opened) => {
                self.fleet.open_nodes.insert(name.to_owned());
                let reason = format!(
                    "{failing} of {known} tenants on node {name} began to fail within {window}: \
                     nothing on it is restarted, the node needs a person"
                );
                (EventKind::Paged, reason)
            }
            Some(Change::Closed) => {
                self.fleet.open_nodes.remove(name);
                (EventKind::Recovered, format!("node {name} is calm again"))
            }
        };
        self.tell_operator(kind, name, opened, reason, Guardrail::NodeIncident, now);
    }

    fn update_region(&mut self, now: Timestamp) {
        let policy = self.policy.fleet();
        let apps = self.fleet.apps.len();
        let nodes = self.fleet.nodes.len();
        let nodes_over = |failing: usize| {
            failing >= policy.breaker_nodes as usize
                && more_than(failing, nodes, policy.breaker_nodes_percent)
        };
        // A node that is on trial does not trip the region, or neither could ever be tried.
        let failing_nodes = self.fleet.open_nodes.len();
        let blocked = self.fleet.open_nodes.iter().filter_map(|name| self.fleet.nodes.get(name));
        let blocked = blocked.filter(|node| node.breaker.state() != BreakerState::HalfOpen).count();
        let over = |failing: usize| {
            failing >= policy.breaker_apps as usize
                && apps >= policy.breaker_apps_known as usize
                && more_than(failing, apps, policy.breaker_apps_percent)
        };
        let failing = self.failures.recent.apps();
        let signs = Signs {
            tripped: nodes_over(blocked) || over(failing),
            calm: !nodes_over(failing_nodes) && !over(self.failures.current.apps()),
        };
        let change = self.fleet.breaker.update(signs, policy.quiet, now);
        let opened = self.fleet.breaker.opened();
        let (kind, reason) = match change {
            None => return,
            Some(Change::Opened) => {
                let reason = format!(
                    "{failing} of {apps} apps began to fail within {}, {failing_nodes} of {nodes} \
                     nodes fail: nothing is restarted until it is calm, the cause is shared",
                    human(policy.failure_window)
                );
                (EventKind::Paged, reason)
            }
            Some(Change::Closed) => {
                (EventKind::Recovered, "the region is calm: restarts are allowed again".to_owned())
            }
        };
        self.tell_operator(kind, "", opened, reason, Guardrail::Breaker, now);
    }
}

fn at_least(part: usize, whole: usize, percent: u32) -> bool {
    part.saturating_mul(100) >= whole.saturating_mul(percent as usize)
}

fn more_than(part: usize, whole: usize, percent: u32) -> bool {
    part.saturating_mul(100) > whole.saturating_mul(percent as usize)
}
