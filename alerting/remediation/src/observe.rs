//! What an event says about the world. Nothing is decided here, so that a replay can use it too.

use model::{
    event::{CONTAINER_ID, Event, EventKind, Target},
    time::Timestamp,
};

use crate::{
    Remediation,
    fleet::{AppKey, Health, Instance, Key},
    incident::{Incident, State},
    report::PROBE,
};

impl Remediation {
    /// Takes note of a fact; gives the instance it is about, if it changed anything.
    pub(crate) fn observe(&mut self, event: &Event, now: Timestamp) -> Option<Key> {
        let fact = matches!(
            event.kind,
            EventKind::Started
                | EventKind::Exited
                | EventKind::ProbeFailed
                | EventKind::ProbeRecovered
                | EventKind::Restarted
                | EventKind::RestartFailed
        );
        // Kubelet restarts its containers itself.
        if !fact || event.details.contains_key(CONTAINER_ID) {
            return None;
        }
        if event.target.instance.is_empty() {
            self.stats.dropped += 1;
            return None;
        }
        let Some(key) = self.fleet.find_or_add(&event.target, now) else {
            self.stats.dropped += 1;
            return None;
        };
        let reset = self.policy.of(&event.target).backoff_reset;
        let instance = self.fleet.instances.get_mut(&key)?;
        if !take_note(instance, event, now) {
            self.stats.stale += 1;
            return None;
        }
        open_incident(instance, event, reset, now);
        Some(key)
    }

    /// A person ended a quarantine: of an instance, or of all of an app. An event that names
    /// neither resumes nothing. One that names a node of the operator's resets its breaker.
    pub(crate) fn resume(&mut self, target: &Target) -> Vec<Key> {
        if target.app.is_empty() {
            if target.tenant == *self.policy.operator()
                && let Some(node) = self.fleet.nodes.get_mut(&target.node)
            {
                node.breaker.reset();
                self.fleet.open_nodes.remove(&target.node);
            }
            return Vec::new();
        }
        let keys: Vec<Key> = if target.instance.is_empty() {
            let app = self.fleet.apps.get(&AppKey::of(target));
            app.into_iter().flat_map(|app| app.members.iter().copied()).collect()
        } else {
            self.fleet.find(target).into_iter().collect()
        };
        for key in &keys {
            if let Some(instance) = self.fleet.instances.get_mut(key) {
                resume_instance(instance);
            }
        }
        keys
    }
}

fn resume_instance(instance: &mut Instance) {
    if !instance.quarantined {
        return;
    }
    instance.quarantined = false;
    instance.restarts.clear();
    instance.self_recoveries.clear();
    instance.streak = 0;
    if let Some(incident) = &mut instance.incident {
        incident.attempts = 0;
        incident.failed = 0;
        incident.paged = false;
        incident.refused.clear();
        incident.state = State::Waiting { not_before: incident.opened };
    }
}

/// False when the event is about a run that is over.
fn take_note(instance: &mut Instance, event: &Event, now: Timestamp) -> bool {
    let run = event.run();
    if run != 0 && run < instance.run {
        return false;
    }
    let probe = event.details.get(PROBE).map_or("liveness", String::as_str);
    match event.kind {
        EventKind::Started | EventKind::Restarted => {
            // A number that is known already was heard of through another event of that run.
            if run > instance.run || run == 0 {
                instance.begin_run(run, now);
            }
        }
        EventKind::RestartFailed => instance.refused = Some(event.reason.clone()),
        kind => {
            if run > instance.run {
                // The event of its start is late or lost.
                instance.begin_run(run, now);
            }
            match kind {
                EventKind::Exited => instance.exited(now),
                EventKind::ProbeFailed => instance.probe_failed(probe, now),
                EventKind::ProbeRecovered => instance.probe_recovered(probe, now),
                _ => {}
            }
        }
    }
    true
}

/// Opens an incident when the instance has none and fails, or adds the failure to the open one.
fn open_incident(
    instance: &mut Instance,
    event: &Event,
    reset: std::time::Duration,
    now: Timestamp,
) {
    if !matches!(event.kind, EventKind::Exited | EventKind::ProbeFailed)
        || instance.health() == Health::Up
    {
        return;
    }
    if instance.incident.is_none() {
        if now.since(instance.healthy_since) >= reset {
            instance.streak = 0;
        }
        instance.incident = Some(Incident::open(event, now));
    }
    if let Some(incident) = &mut instance.incident {
        incident.cause.clone_from(&event.reason);
        incident.needs_probe |= event.kind == EventKind::ProbeFailed;
    }
}
