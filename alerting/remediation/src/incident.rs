//! One story of one instance: from its failure to its recovery, or to a person's desk.

use std::collections::BTreeSet;

use model::{
    event::{Event, Target},
    time::Timestamp,
};

use crate::{Stage, backoff::fingerprint, guard::Guardrail};

/// An incident's place in its life, with what that place needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Not before `not_before`, which holds the backoff.
    Waiting {
        not_before: Timestamp,
    },
    Deciding {
        ticket: u64,
        run: u64,
        expires: Timestamp,
        answer_by: Timestamp,
        withdraw_at: Timestamp,
    },
    Commanded {
        run: u64,
        answer_by: Timestamp,
    },
    Verifying {
        since: Timestamp,
    },
    Quarantined,
    Shadowed,
}

#[derive(Clone, Debug)]
pub(crate) struct Incident {
    pub(crate) id: String,
    pub(crate) opened: Timestamp,
    pub(crate) state: State,
    /// The reason of the failure that is being dealt with.
    pub(crate) cause: String,
    /// A probe failed in this incident, so only a probe's word ends it.
    pub(crate) needs_probe: bool,
    /// Restarts decided.
    pub(crate) attempts: u32,
    /// Of these, the ones that are known not to have helped.
    pub(crate) failed: u32,
    /// The last restart is ours and not yet judged.
    pub(crate) acted: bool,
    /// Ran again, but nothing said that it recovered.
    pub(crate) doubted: bool,
    /// Guardrails that have been recorded as refusing: each is told once.
    pub(crate) refused: BTreeSet<Guardrail>,
    /// The guardrail that holds it now.
    pub(crate) held_by: Option<Guardrail>,
    /// Something was recorded, so the end is recorded too.
    pub(crate) told: bool,
    pub(crate) paged: bool,
    /// When to look again.
    pub(crate) due: Option<Timestamp>,
}

impl Incident {
    /// The id depends on the failure alone, so that a replay finds the same one.
    pub(crate) fn open(event: &Event, at: Timestamp) -> Self {
        Self {
            id: incident_id(&event.target, event.run(), event.time),
            opened: at,
            state: State::Waiting { not_before: at },
            cause: event.reason.clone(),
            needs_probe: false,
            attempts: 0,
            failed: 0,
            acted: false,
            doubted: false,
            refused: BTreeSet::new(),
            held_by: None,
            told: false,
            paged: false,
            due: None,
        }
    }

    /// Whether an action of this incident is in progress.
    pub(crate) fn in_flight(&self) -> bool {
        match self.state {
            State::Deciding { .. } | State::Commanded { .. } => true,
            State::Verifying { .. } => self.acted,
            State::Waiting { .. } | State::Quarantined | State::Shadowed => false,
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.state {
            State::Waiting { .. } => Stage::Waiting,
            State::Deciding { .. } => Stage::Deciding,
            State::Commanded { .. } => Stage::Commanded,
            State::Verifying { .. } => Stage::Verifying,
            State::Quarantined => Stage::Quarantined,
            State::Shadowed => Stage::Shadowed,
        }
    }
}

/// Sixteen hexadecimal digits that name an incident.
pub(crate) fn incident_id(target: &Target, run: u64, time: Timestamp) -> String {
    let number = fingerprint([
        target.tenant.as_str().as_bytes(),
        target.app.as_bytes(),
        target.component.as_bytes(),
        target.instance.as_bytes(),
        target.node.as_bytes(),
        &run.to_le_bytes(),
        &time.millis().to_le_bytes(),
    ]);
    format!("{number:016x}")
}
