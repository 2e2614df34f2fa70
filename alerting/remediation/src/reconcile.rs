//! Moves an incident along by what is known of its instance. Every path, live or after a replay,
//! goes through here, so an incident never depends on the order in which it was heard of.

use model::{event::EventKind, time::Timestamp};

use crate::{
    BreakerState, Remediation, backoff,
    breaker::{Breaker, Change, Signs},
    fleet::{Health, Key},
    guard::{Guardrail, Verdict},
    incident::{Incident, State},
    report::{ATTEMPT, count, details, human},
};

/// Steps that one look at an incident may take; the longest real chain is four.
const STEPS_MAX: usize = 8;

/// Whether to look again at once, or when.
enum Next {
    Again,
    At(Option<Timestamp>),
}

impl Remediation {
    pub(crate) fn incident_mut(&mut self, key: Key) -> Option<&mut Incident> {
        self.fleet.instances.get_mut(&key)?.incident.as_mut()
    }

    pub(crate) fn set_state(&mut self, key: Key, state: State) {
        if let Some(incident) = self.incident_mut(key) {
            incident.state = state;
            let in_flight = incident.in_flight();
            self.fleet.set_in_flight(key, in_flight);
        }
    }

    /// Steps an incident until it has to wait for something.
    pub(crate) fn reconcile(&mut self, key: Key, now: Timestamp) {
        for _ in 0..STEPS_MAX {
            if let Next::At(due) = self.step(key, now) {
                self.schedule(key, due);
                return;
            }
        }
        debug_assert!(false, "an incident moves in a circle");
        self.schedule(key, Some(now.saturating_add(crate::guard::RECHECK)));
    }

    pub(crate) fn schedule(&mut self, key: Key, due: Option<Timestamp>) {
        let Some(incident) = self.incident_mut(key) else {
            return;
        };
        let before = std::mem::replace(&mut incident.due, due);
        if let Some(at) = before {
            self.due.remove(&(at, key));
        }
        if let Some(at) = due {
            self.due.insert((at, key));
        }
    }

    fn step(&mut self, key: Key, now: Timestamp) -> Next {
        let Some(instance) = self.fleet.instances.get(&key) else {
            return Next::At(None);
        };
        let Some(incident) = &instance.incident else {
            return Next::At(None);
        };
        match incident.state {
            State::Waiting { not_before } => self.step_waiting(key, not_before, now),
            State::Deciding { withdraw_at, .. } if now >= withdraw_at => {
                self.withdraw(key, Some("its record took too long".to_owned()), now);
                Next::Again
            }
            State::Deciding { withdraw_at, .. } => Next::At(Some(withdraw_at)),
            State::Commanded { answer_by, .. } => self.step_commanded(key, answer_by, now),
            State::Verifying { since } => self.step_verifying(key, since, now),
            State::Quarantined | State::Shadowed => self.step_held(key, now),
        }
    }

    fn step_waiting(&mut self, key: Key, not_before: Timestamp, now: Timestamp) -> Next {
        let Some(instance) = self.fleet.instances.get_mut(&key) else {
            return Next::At(None);
        };
        let health = instance.health();
        let since = instance.health_since;
        let Some(incident) = &mut instance.incident else {
            return Next::At(None);
        };
        if health == Health::Up && !incident.doubted {
            incident.acted = false;
            self.set_state(key, State::Verifying { since });
            return Next::Again;
        }
        if now < not_before {
            return Next::At(Some(not_before));
        }
        match self.judge(key, now) {
            None => Next::At(None),
            Some(Verdict::Wait(at)) => Next::At(Some(at)),
            Some(Verdict::Act) => {
                if let Some(incident) = self.incident_mut(key) {
                    incident.held_by = None;
                }
                self.decide(key, now);
                Next::Again
            }
            Some(Verdict::Refuse(refusal)) => {
                self.refuse(key, &refusal, now);
                Next::At(refusal.until)
            }
            Some(Verdict::Quarantine(why)) => {
                self.quarantine(key, &why, now);
                Next::Again
            }
        }
    }

    fn step_commanded(&mut self, key: Key, answer_by: Timestamp, now: Timestamp) -> Next {
        let Some(instance) = self.fleet.instances.get_mut(&key) else {
            return Next::At(None);
        };
        let refused = instance.refused.take();
        let (health, node) = (instance.health(), instance.target.node.clone());
        if instance.began {
            let since = instance.run_since;
            if let Some(incident) = &mut instance.incident {
                incident.acted = true;
            }
            self.set_state(key, State::Verifying { since });
            return Next::Again;
        }
        if let Some(reason) = refused {
            self.attempt_failed(key, &format!("the node could not restart it: {reason}"), now);
            return Next::Again;
        }
        if now < answer_by {
            return Next::At(Some(answer_by));
        }
        if health == Health::Up {
            self.set_state(key, State::Verifying { since: now });
            return Next::Again;
        }
        self.attempt_failed(key, &format!("node {node} did not answer"), now);
        Next::Again
    }

    fn step_verifying(&mut self, key: Key, since: Timestamp, now: Timestamp) -> Next {
        let Some(instance) = self.fleet.instances.get_mut(&key) else {
            return Next::At(None);
        };
        let health = instance.health();
        let confirmed = instance.confirmed;
        let policy = self.policy.of(&instance.target);
        let settled = since.saturating_add(policy.settle);
        let verified_by = since.saturating_add(policy.verify_within);
        let within = policy.verify_within;
        let Some(incident) = &mut instance.incident else {
            return Next::At(None);
        };
        if health == Health::Down {
            let cause = incident.cause.clone();
            self.fail_or_wait(key, &cause, now);
            return Next::Again;
        }
        if health == Health::Up && (confirmed || (!incident.needs_probe && now >= settled)) {
            self.recovered(key, now);
            return Next::At(None);
        }
        if now >= verified_by {
            incident.doubted = true;
            let since = if incident.acted { "the restart" } else { "it was started" };
            let why = format!("no sign of recovery within {} of {since}", human(within));
            self.fail_or_wait(key, &why, now);
            return Next::Again;
        }
        let wait_for_settle = health == Health::Up && !incident.needs_probe;
        Next::At(Some(if wait_for_settle { settled.min(verified_by) } else { verified_by }))
    }

    fn step_held(&mut self, key: Key, now: Timestamp) -> Next {
        let Some(instance) = self.fleet.instances.get(&key) else {
            return Next::At(None);
        };
        let Some(incident) = &instance.incident else {
            return Next::At(None);
        };
        if instance.health() != Health::Up {
            return Next::At(None);
        }
        let settled = instance.health_since.saturating_add(self.policy.of(&instance.target).settle);
        if instance.confirmed || (!incident.needs_probe && now >= settled) {
            self.recovered(key, now);
            return Next::At(None);
        }
        Next::At((!incident.needs_probe).then_some(settled))
    }

    /// It fails again: by our attempt, or by somebody else's.
    fn fail_or_wait(&mut self, key: Key, why: &str, now: Timestamp) {
        let Some(incident) = self.incident_mut(key) else {
            return;
        };
        if incident.acted {
            self.attempt_failed(key, why, now);
        } else {
            incident.cause = why.to_owned();
            self.wait(key, now);
        }
    }

    fn attempt_failed(&mut self, key: Key, why: &str, now: Timestamp) {
        let Some(incident) = self.incident_mut(key) else {
            return;
        };
        incident.failed += 1;
        incident.acted = false;
        incident.cause = why.to_owned();
        self.wait(key, now);
        let quiet = self.policy.fleet().quiet;
        self.on_breakers(key, |breaker| breaker.action_failed(quiet, now));
    }

    /// Tells the breakers above an instance.
    fn on_breakers(&mut self, key: Key, tell: impl Fn(&mut Breaker)) {
        tell(&mut self.fleet.breaker);
        let node = self.fleet.instances.get(&key).map(|instance| &instance.target.node);
        if let Some(node) = node.and_then(|node| self.fleet.nodes.get_mut(node)) {
            tell(&mut node.breaker);
        }
    }

    /// Waits for the next attempt, with jitter.
    fn wait(&mut self, key: Key, now: Timestamp) {
        let Some(instance) = self.fleet.instances.get(&key) else {
            return;
        };
        let cap = backoff::cap(self.policy.of(&instance.target), instance.streak);
        let not_before = now.saturating_add(self.random.up_to(cap));
        self.set_state(key, State::Waiting { not_before });
    }

    /// Closes the incident.
    fn recovered(&mut self, key: Key, now: Timestamp) {
        let Some(instance) = self.fleet.instances.get(&key) else {
            return;
        };
        let Some(incident) = &instance.incident else {
            return;
        };
        let (told, attempts) = (incident.told, incident.attempts);
        if told {
            let how = match attempts {
                0 => "by itself".to_owned(),
                attempts => format!("after {}", count(attempts, "restart")),
            };
            let reason = format!("healthy again {how}, {}", human(now.since(incident.opened)));
            let details = details([
                (ATTEMPT, attempts.to_string()),
                ("duration_ms", now.since(incident.opened).as_millis().to_string()),
            ]);
            self.tell(key, EventKind::Recovered, reason, details, now);
        }
        if attempts > 0 {
            self.on_breakers(key, Breaker::action_helped);
        }
        self.close(key, now);
    }

    /// Forgets the incident.
    pub(crate) fn close(&mut self, key: Key, now: Timestamp) {
        self.schedule(key, None);
        self.failures.close(key);
        self.fleet.set_in_flight(key, false);
        let Some(instance) = self.fleet.instances.get_mut(&key) else {
            return;
        };
        let window = self.policy.of(&instance.target).window;
        if instance.incident.take().is_some_and(|incident| incident.attempts == 0) {
            instance.self_recoveries.push(now, window);
        }
        instance.healthy_since = now;
        self.update_breakers(key, now);
    }

    /// Counts an open incident among the failures, unless a person has it.
    pub(crate) fn count_failure(&mut self, key: Key) {
        let Some(instance) = self.fleet.instances.get(&key) else {
            return;
        };
        if let (Some(incident), false) = (&instance.incident, instance.quarantined) {
            self.failures.open(key, incident.opened, instance.place());
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
