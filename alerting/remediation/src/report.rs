//! Entries for the timeline, and the words in them.
//!
//! An entry of a tenant never names another tenant: customers read these.

use std::{collections::BTreeMap, time::Duration};

use model::{
    event::{Event, EventKind, RUN, Target},
    time::{Timestamp, millis_of},
};

use crate::{Action, Remediation, fleet::Key, guard::Guardrail};

/// Keys in the details of events.
pub(crate) const PROBE: &str = "probe";
pub(crate) const GUARDRAIL: &str = "guardrail";
pub(crate) const ATTEMPT: &str = "attempt";
pub(crate) const EXPIRES: &str = "expires";
pub(crate) const SHADOW: &str = "shadow";
pub(crate) const CAUSE: &str = "cause";

/// Records remembered until they are answered, for a shell that answers none.
const UNANSWERED_MAX: usize = 10_000;

pub(crate) type Details = BTreeMap<String, String>;

pub(crate) fn details<const N: usize>(pairs: [(&str, String); N]) -> Details {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl Remediation {
    /// Queues an entry about an instance's incident; gives its ticket.
    pub(crate) fn tell(
        &mut self,
        key: Key,
        kind: EventKind,
        reason: String,
        mut details: Details,
        now: Timestamp,
    ) -> u64 {
        let Some(instance) = self.fleet.instances.get_mut(&key) else {
            return 0;
        };
        let mut id = String::new();
        if let Some(incident) = &mut instance.incident {
            incident.told = true;
            id.clone_from(&incident.id);
        }
        if instance.run != 0 {
            details.entry(RUN.to_owned()).or_insert_with(|| instance.run.to_string());
        }
        let target = instance.target.clone();
        self.record(kind, target, id, reason, details, now)
    }

    /// Queues an entry about a node, or with an empty name about the region.
    pub(crate) fn tell_operator(
        &mut self,
        kind: EventKind,
        node: &str,
        opened: Timestamp,
        reason: String,
        guardrail: Guardrail,
        now: Timestamp,
    ) {
        let target = Target {
            tenant: self.policy.operator().clone(),
            app: String::new(),
            component: String::new(),
            instance: String::new(),
            node: node.to_owned(),
        };
        let id = crate::incident::incident_id(&target, 0, opened);
        let details = details([(GUARDRAIL, guardrail.as_str().to_owned())]);
        self.record(kind, target, id, reason, details, now);
    }

    fn record(
        &mut self,
        kind: EventKind,
        target: Target,
        incident: String,
        reason: String,
        details: Details,
        now: Timestamp,
    ) -> u64 {
        let stats = &mut self.stats;
        match kind {
            EventKind::RestartDecided => stats.decided += 1,
            EventKind::RestartRefused => stats.refused += 1,
            EventKind::Recovered => stats.recovered += 1,
            EventKind::Quarantined => stats.quarantined += 1,
            EventKind::Paged => stats.paged += 1,
            _ => {}
        }
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        let event = Event { id: 0, time: now, kind, target, reason, incident, details };
        if self.unanswered.len() >= UNANSWERED_MAX {
            self.unanswered.pop_first();
        }
        self.unanswered.insert(ticket, event.clone());
        self.actions.push_back(Action::Record { ticket, event });
        ticket
    }
}

/// A duration for people: `250 ms`, `3.2 s`, `10 min`, `2 h`.
pub(crate) fn human(duration: Duration) -> String {
    let millis = millis_of(duration).min(i64::MAX / 2);
    if millis < 1000 {
        format!("{millis} ms")
    } else if millis < 120_000 {
        let tenths = (millis + 50) / 100;
        match tenths % 10 {
            0 => format!("{} s", tenths / 10),
            tenth => format!("{}.{tenth} s", tenths / 10),
        }
    } else if millis < 7_200_000 {
        format!("{} min", (millis + 30_000) / 60_000)
    } else {
        format!("{} h", (millis + 1_800_000) / 3_600_000)
    }
}

/// `1 restart`, `2 restarts`.
pub(crate) fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests;
