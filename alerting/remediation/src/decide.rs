//! From a decision to a command: the intent is recorded, then checked once more, then sent.

use std::time::Duration;

use model::{
    event::{self, Command, EventKind},
    time::Timestamp,
};

use crate::{
    Action, Remediation,
    fleet::{AppKey, Health, Key},
    guard::{Guardrail, RECHECK, Refusal},
    incident::State,
    policy::Mode,
    report::{ATTEMPT, CAUSE, EXPIRES, GUARDRAIL, SHADOW, details},
};

/// An intent that is not recorded after this is taken back.
const RECORD_WITHIN: Duration = Duration::from_secs(10);

impl Remediation {
    /// Hands out the intent to restart.
    pub(crate) fn decide(&mut self, key: Key, now: Timestamp) {
        let Some(instance) = self.fleet.instances.get(&key) else {
            return;
        };
        let Some(incident) = &instance.incident else {
            return;
        };
        let policy = self.policy.of(&instance.target);
        let shadow = policy.mode == Mode::Shadow;
        let expires = now.saturating_add(policy.command_ttl);
        let answer_by = now.saturating_add(policy.answer_within);
        let run = instance.run;
        let attempt = incident.attempts + 1;
        let replicas = self.fleet.replicas(&instance.target).count();
        let up = self.fleet.replicas(&instance.target);
        let up = up.filter(|(_, replica)| replica.health() == Health::Up).count();
        let would = if shadow { "would be restarted" } else { "restart" };
        let canary = if up == 0 && replicas > 1 {
            ", the first of all replicas, which are down"
        } else {
            ""
        };
        let reason =
            format!("{would} ({attempt} of {}){canary}: {}", policy.restarts, incident.cause);
        let mut details = details([
            (ATTEMPT, attempt.to_string()),
            (EXPIRES, expires.millis().to_string()),
            (CAUSE, incident.cause.clone()),
            ("replicas", replicas.to_string()),
            ("replicas_up", up.to_string()),
            ("in_flight_in_region", self.fleet.in_flight.len().to_string()),
        ]);
        if shadow {
            details.insert(SHADOW.to_owned(), "true".to_owned());
        }
        let ticket = self.tell(key, EventKind::RestartDecided, reason, details, now);
        if shadow {
            self.set_state(key, State::Shadowed);
            return;
        }
        self.charge(key, now);
        self.unanswered.remove(&ticket);
        self.tickets.insert(ticket, key);
        let withdraw_at = now.saturating_add(RECORD_WITHIN).min(expires);
        self.set_state(key, State::Deciding { ticket, run, expires, answer_by, withdraw_at });
    }

    /// Counts a restart against every budget.
    pub(crate) fn charge(&mut self, key: Key, now: Timestamp) {
        let rate_window = self.policy.fleet().rate_window;
        let Some(instance) = self.fleet.instances.get_mut(&key) else {
            return;
        };
        let policy = self.policy.of(&instance.target);
        let keep = policy.window.max(policy.flap_window);
        instance.restarts.push(now, keep);
        instance.tried = now;
        instance.streak = instance.streak.saturating_add(1);
        if let Some(incident) = &mut instance.incident {
            incident.attempts += 1;
        }
        if let Some(app) = self.fleet.apps.get_mut(&AppKey::of(&instance.target)) {
            app.restarts.push(now, keep);
        }
        if let Some(node) = self.fleet.nodes.get_mut(&instance.target.node) {
            node.restarts.push(now, rate_window);
        }
        self.fleet.restarts.push(now, rate_window);
    }

    /// Takes back what [`Self::charge`] counted.
    pub(crate) fn refund(&mut self, key: Key) {
        let Some(instance) = self.fleet.instances.get_mut(&key) else {
            return;
        };
        instance.restarts.pop();
        instance.streak = instance.streak.saturating_sub(1);
        if let Some(incident) = &mut instance.incident {
            incident.attempts = incident.attempts.saturating_sub(1);
        }
        if let Some(app) = self.fleet.apps.get_mut(&AppKey::of(&instance.target)) {
            app.restarts.pop();
        }
        if let Some(node) = self.fleet.nodes.get_mut(&instance.target.node) {
            node.restarts.pop();
        }
        self.fleet.restarts.pop();
    }

    /// The intent is on record: sends the command, if it is still right.
    pub(crate) fn command(&mut self, key: Key, ticket: u64, now: Timestamp) {
        let Some(instance) = self.fleet.instances.get(&key) else {
            return;
        };
        let Some(incident) = &instance.incident else {
            return;
        };
        let State::Deciding { ticket: awaited, run, expires, answer_by, withdraw_at } =
            incident.state
        else {
            return;
        };
        if awaited != ticket {
            return;
        }
        let changed = if now >= withdraw_at {
            Some("its record took too long".to_owned())
        } else if instance.run != run {
            Some("it was started anew meanwhile".to_owned())
        } else if instance.health() == Health::Up && !incident.doubted {
            Some("it recovered meanwhile".to_owned())
        } else {
            self.standing(key, now).map(|Refusal { reason, .. }| reason)
        };
        if changed.is_some() {
            self.withdraw(key, changed, now);
            self.reconcile(key, now);
            return;
        }
        let command = Command {
            id: 0,
            action: event::Action::Restart,
            target: instance.target.clone(),
            incident: incident.id.clone(),
            run,
            reason: incident.cause.clone(),
            expires,
        };
        if let Some(instance) = self.fleet.instances.get_mut(&key) {
            instance.began = false;
            instance.refused = None;
        }
        self.set_state(key, State::Commanded { run, answer_by });
        self.stats.sent += 1;
        self.actions.push_back(Action::Send(command));
        self.reconcile(key, now);
    }

    /// Takes an intent back before its command was sent. Recorded when there is a reason to give.
    pub(crate) fn withdraw(&mut self, key: Key, why: Option<String>, now: Timestamp) {
        let Some(State::Deciding { ticket, .. }) =
            self.incident_mut(key).map(|incident| incident.state.clone())
        else {
            return;
        };
        self.tickets.remove(&ticket);
        self.refund(key);
        self.stats.withdrawn += 1;
        self.set_state(key, State::Waiting { not_before: now.saturating_add(RECHECK) });
        if let Some(why) = why {
            let details = details([(GUARDRAIL, Guardrail::Withdrawn.as_str().to_owned())]);
            let reason = format!("not restarted after all: {why}");
            self.tell(key, EventKind::RestartRefused, reason, details, now);
        }
    }

    /// Puts the instance into quarantine and calls a person, once.
    pub(crate) fn quarantine(&mut self, key: Key, why: &str, now: Timestamp) {
        self.failures.close(key);
        let Some(instance) = self.fleet.instances.get_mut(&key) else {
            return;
        };
        instance.quarantined = true;
        let Some(incident) = &mut instance.incident else {
            return;
        };
        incident.state = State::Quarantined;
        incident.held_by = Some(Guardrail::Quarantine);
        let page = !std::mem::replace(&mut incident.paged, true);
        let cause = incident.cause.clone();
        let details = details([(CAUSE, cause.clone()), (ATTEMPT, incident.attempts.to_string())]);
        let reason = format!("left alone until a person resumes it: {why}; last: {cause}");
        self.tell(key, EventKind::Quarantined, reason, details.clone(), now);
        if page {
            let reason = format!("needs a person: {why}; last: {cause}");
            self.tell(key, EventKind::Paged, reason, details, now);
        }
        self.update_breakers(key, now);
    }

    /// Records a refusal once per incident and guardrail.
    pub(crate) fn refuse(&mut self, key: Key, refusal: &Refusal, now: Timestamp) {
        let Some(incident) = self.incident_mut(key) else {
            return;
        };
        incident.held_by = Some(refusal.guardrail);
        let first = incident.refused.insert(refusal.guardrail);
        let cause = incident.cause.clone();
        let details =
            details([(GUARDRAIL, refusal.guardrail.as_str().to_owned()), (CAUSE, cause.clone())]);
        if first {
            let reason = format!("not restarted: {}; it failed: {cause}", refusal.reason);
            self.tell(key, EventKind::RestartRefused, reason, details.clone(), now);
        }
        if refusal.page {
            let app = self.fleet.instances.get(&key).map(|instance| AppKey::of(&instance.target));
            if let Some(app) = app.and_then(|app| self.fleet.apps.get_mut(&app)) {
                app.deploy_paged = true;
            }
            let reason = format!("needs a person: {}; it failed: {cause}", refusal.reason);
            self.tell(key, EventKind::Paged, reason, details, now);
        }
    }
}
