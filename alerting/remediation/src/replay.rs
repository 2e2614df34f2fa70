//! Rebuilds the state from the recorded timeline, so that this process's own crash neither
//! repeats a restart nor forgets a budget.
//!
//! Decisions are not made again: they are read. What the last entries leave in the middle (an
//! intent whose command may or may not have been sent) counts as sent; the node's answer or the
//! lack of one settles it, and the run number keeps a second command from doing harm.

use model::{
    event::{Event, EventKind, RUN},
    time::Timestamp,
};

use crate::{
    Remediation,
    fleet::Key,
    guard::Guardrail,
    incident::{Incident, State},
    report::{EXPIRES, GUARDRAIL, SHADOW},
};

impl Remediation {
    /// Reads a recorded timeline, oldest first, and then goes on from `now`. Entries may lack
    /// their beginning; what they say of it is believed.
    pub fn replay<'a>(&mut self, events: impl IntoIterator<Item = &'a Event>, now: Timestamp) {
        for event in events {
            let at = event.time.min(now);
            match event.kind {
                EventKind::Resumed => {
                    self.resume(&event.target);
                }
                EventKind::RestartDecided
                | EventKind::RestartRefused
                | EventKind::Recovered
                | EventKind::Quarantined
                | EventKind::Paged => self.read_decision(event, at),
                _ => {
                    if let Some(key) = self.observe(event, at) {
                        self.drop_untold(key, at);
                    }
                }
            }
        }
        let open: Vec<Key> = self.fleet.instances.keys().copied().collect();
        for key in &open {
            self.count_failure(*key);
        }
        self.tick_breakers(now);
        for key in open {
            self.update_breakers(key, now);
            self.reconcile(key, now);
        }
        self.unpark(now);
    }

    /// An incident that nothing was recorded of ends unrecorded too.
    fn drop_untold(&mut self, key: Key, at: Timestamp) {
        let Some(instance) = self.fleet.instances.get(&key) else {
            return;
        };
        let untold = instance.incident.as_ref().is_some_and(|incident| !incident.told);
        if untold && instance.confirmed {
            self.close(key, at);
        }
    }

    fn read_decision(&mut self, event: &Event, at: Timestamp) {
        if event.target.instance.is_empty() {
            self.read_breaker(event, at);
            return;
        }
        let Some(key) = self.fleet.find_or_add(&event.target, at) else {
            self.stats.dropped += 1;
            return;
        };
        if event.kind == EventKind::Recovered {
            self.close(key, at);
            return;
        }
        let guardrail = event.details.get(GUARDRAIL).and_then(|name| Guardrail::from_name(name));
        self.believe_incident(key, event, at);
        match event.kind {
            EventKind::RestartDecided if event.details.contains_key(SHADOW) => {
                self.set_state(key, State::Shadowed);
            }
            EventKind::RestartDecided => self.read_intent(key, event, at),
            EventKind::RestartRefused if guardrail == Some(Guardrail::Withdrawn) => {
                self.refund(key);
                self.set_state(key, State::Waiting { not_before: at });
            }
            EventKind::RestartRefused => {
                if let (Some(incident), Some(guardrail)) = (self.incident_mut(key), guardrail) {
                    incident.refused.insert(guardrail);
                }
            }
            EventKind::Quarantined => {
                if let Some(instance) = self.fleet.instances.get_mut(&key) {
                    instance.quarantined = true;
                }
                self.set_state(key, State::Quarantined);
            }
            _ => {
                if let Some(incident) = self.incident_mut(key) {
                    incident.paged = true;
                }
            }
        }
    }

    fn read_intent(&mut self, key: Key, event: &Event, at: Timestamp) {
        let Some(instance) = self.fleet.instances.get_mut(&key) else {
            return;
        };
        instance.began = false;
        instance.refused = None;
        // A second decision in one incident says that the first did not help.
        if let Some(incident) = &mut instance.incident {
            incident.failed = incident.attempts;
            incident.acted = true;
        }
        let policy = self.policy.of(&event.target);
        let expires = event.details.get(EXPIRES).and_then(|text| text.parse().ok()).map(Timestamp);
        let answer_by =
            at.saturating_add(policy.answer_within).max(expires.unwrap_or(Timestamp::MIN));
        self.charge(key, at);
        self.set_state(key, State::Commanded { run: event.run(), answer_by });
    }

    /// Makes sure that the incident of a decision is open and has its name.
    fn believe_incident(&mut self, key: Key, event: &Event, at: Timestamp) {
        let Some(instance) = self.fleet.instances.get_mut(&key) else {
            return;
        };
        if instance.run == 0 && event.details.contains_key(RUN) {
            instance.begin_run(event.run(), at);
        }
        let incident = instance.incident.get_or_insert_with(|| Incident::open(event, at));
        incident.id.clone_from(&event.incident);
        incident.told = true;
    }

    /// An episode of a node's or the region's breaker began or ended.
    fn read_breaker(&mut self, event: &Event, at: Timestamp) {
        let quiet = self.policy.fleet().quiet;
        let node = &event.target.node;
        let breaker = if node.is_empty() {
            &mut self.fleet.breaker
        } else if let Some(node) = self.fleet.nodes.get_mut(node) {
            &mut node.breaker
        } else {
            return;
        };
        if event.kind == EventKind::Paged {
            breaker.restore(at, quiet);
            if !node.is_empty() {
                self.fleet.open_nodes.insert(node.clone());
            }
        } else {
            breaker.reset();
            self.fleet.open_nodes.remove(node);
        }
    }
}
