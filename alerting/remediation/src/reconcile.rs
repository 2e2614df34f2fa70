//! Moves an incident along by what is known of its instance. Every path, live or after a replay,
//! goes through here, so an incident never depends on the order in which it was heard of.

use model::{event::EventKind, time::Timestamp};

use crate::{
    Remediation, backoff,
    breaker::Breaker,
    fleet::{Health, Key},
    guard::Verdict,
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
        self.park(key, false);
        for _ in 0..STEPS_MAX {
            if let Next::At(due) = self.step(key, now) {
                self.schedule(key, due);
                return;
            }
        }
        debug_assert!(false, "an incident moves in a circle");
        self.schedule(key, Some(now.saturating_add(crate::guard::RECHECK)));
    }

    /// Puts an instance among those that wait for a free place in the region, or takes it out.
    pub(crate) fn park(&mut self, key: Key, parked: bool) {
        let Some(instance) = self.fleet.instances.get(&key) else {
            return;
        };
        if parked {
            self.parked.insert((instance.tried, key));
        } else {
            self.parked.remove(&(instance.tried, key));
        }
    }

    /// Looks at those that are parked while there is room for them.
    pub(crate) fn unpark(&mut self, now: Timestamp) {
        for _ in 0..self.parked.len() {
            if !self.region_has_room() {
                return;
            }
            let Some((_, key)) = self.parked.pop_first() else {
                return;
            };
            self.reconcile(key, now);
        }
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
                self.park(key, refusal.parked);
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
}
