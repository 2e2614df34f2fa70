//! Decides whether, when and what to restart: a pure policy that returns its reasons.
//!
//! [`Remediation`] is fed the events of agents and the time, and hands out [`Action`]s: entries for
//! the timeline, each with its reason, and commands for nodes. It reads no clock, does no I/O and
//! takes its randomness as a seed, so the same events give the same decisions everywhere.
//!
//! # Contract with the shell
//! - Deliver each event once, in the order of the aggregator's ids. Entries that this crate wrote
//!   itself may come back on the same stream; they are ignored.
//! - After every `handle_*` call, take actions from [`Remediation::poll_action`] until there are no
//!   more, and call [`Remediation::handle_timeout`] at [`Remediation::poll_timeout`].
//! - An [`Action::Record`] must be written durably, and then answered by
//!   [`Remediation::handle_recorded`] with its ticket (or [`Remediation::handle_record_failed`],
//!   which hands it out again: wait a little before taking the next action). The command that an intent announces is handed out only after that answer, so nothing is ever
//!   done that the timeline does not know. What changed in between withdraws the command.
//! - After a restart, [`Remediation::replay`] the recorded timeline (an hour of it, or
//!   [`policy::RestartPolicy::flap_window`] if longer) before the first live event. Pauses and
//!   deployments are not in the timeline: the shell sets them again.
//!
//! # What is read from an event
//! `details["run"]` names the process run, a number that grows with each start: `Started` and
//! `Restarted` name the new one, all others the one they are about. `details["probe"]` is `liveness` (also when absent), `readiness` or
//! `startup`, or such a name followed by `/` and more where an instance has several.

use model::{
    event::{Command, Event},
    time::Timestamp,
};

mod backoff;
mod breaker;
mod decide;
mod failures;
mod fleet;
mod guard;
mod incident;
mod observe;
pub mod policy;
mod reconcile;
mod remediation;
mod replay;
mod report;
pub mod selector;
mod window;

pub use guard::Guardrail;
pub use remediation::{PauseError, Remediation};

/// What the shell is to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write this to the timeline durably, then say so with the ticket.
    Record { ticket: u64, event: Event },
    /// Hand this to the node of its target.
    Send(Command),
}

/// Counts since the start, for the shell's metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub events: u64,
    /// Events about a run that is over.
    pub stale: u64,
    /// Events dropped because a limit of this crate was reached, or without an instance.
    pub dropped: u64,
    pub decided: u64,
    /// Commands handed out.
    pub sent: u64,
    /// Decisions taken back between record and command.
    pub withdrawn: u64,
    pub refused: u64,
    pub recovered: u64,
    pub quarantined: u64,
    pub paged: u64,
}

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// An action is wanted; it waits for its time or for a guardrail.
    Waiting,
    /// Its intent is being recorded.
    Deciding,
    /// A node was told; no answer yet.
    Commanded,
    /// It runs again; whether it helped is not known yet.
    Verifying,
    /// Left to a person.
    Quarantined,
    /// Shadow mode: what would be done is recorded.
    Shadowed,
}

/// An open incident, for people to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIncident<'a> {
    pub id: &'a str,
    pub target: &'a model::event::Target,
    pub opened: Timestamp,
    pub stage: Stage,
    /// Restarts decided in this incident.
    pub attempts: u32,
    pub cause: &'a str,
    /// The guardrail that holds it back, if one does.
    pub held_by: Option<Guardrail>,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    Closed,
    /// Nothing is done before this.
    Open {
        until: Timestamp,
    },
    /// One action at a time, to see whether acting helps.
    HalfOpen,
}

/// Instances known at a time; events about further ones are dropped and counted.
pub const INSTANCES_MAX: usize = 200_000;

/// Probes remembered as failing per instance; further ones change nothing, the instance fails anyway.
pub const FAILING_PROBES_MAX: usize = 16;

/// Pauses at a time.
pub const PAUSES_MAX: usize = 1000;

#[cfg(test)]
mod tests;
