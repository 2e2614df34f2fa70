//! The timeline's nouns: what happened to whom, and what a node is told to do about it.
//!
//! The JSON form of [`Event`] and [`Command`] is what agents, alerting and the web page exchange
//! with the aggregator.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{tenant::TenantId, time::Timestamp};

/// What an event or a command is about. Empty strings where a level does not apply.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    pub tenant: TenantId,
    pub app: String,
    #[serde(default)]
    pub component: String,
    /// The pod, or for plain processes the supervised process.
    pub instance: String,
    pub node: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The instance started for the first time.
    Started,
    /// The instance's process ended by itself; the reason names signal, exit code or memory limit.
    Exited,
    /// A probe crossed its failure threshold.
    ProbeFailed,
    /// A probe crossed its success threshold after a failure.
    ProbeRecovered,
    /// A restart was decided; written before anything is done.
    RestartDecided,
    /// A restart was wanted and refused by a guardrail, which the reason names.
    RestartRefused,
    /// The node has stopped and started the instance.
    Restarted,
    /// The node could not do what it was told.
    RestartFailed,
    /// The instance is healthy again and its incident is closed.
    Recovered,
    /// Restarts did not help: left alone until a person resumes it.
    Quarantined,
    /// A person was called.
    Paged,
    /// A person ended a quarantine.
    Resumed,
    /// A fault was injected on purpose.
    FaultInjected,
}

/// One entry of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Assigned by the aggregator, increasing; zero until then.
    #[serde(default)]
    pub id: u64,
    /// When it happened, in milliseconds since the Unix epoch, by the clock of who saw it.
    pub time: Timestamp,
    pub kind: EventKind,
    pub target: Target,
    /// One sentence for a person.
    pub reason: String,
    /// Joins the events of one story; empty until a decision gives it a name.
    #[serde(default)]
    pub incident: String,
    /// Numbers and names behind the reason.
    #[serde(default)]
    pub details: BTreeMap<String, String>,
}

/// What a node is told to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Assigned by the aggregator, increasing; zero until then.
    #[serde(default)]
    pub id: u64,
    pub action: Action,
    pub target: Target,
    pub incident: String,
    /// The run (process start) that is to end: a command for an older run is refused, so that a
    /// late or repeated command cannot stop a healthy successor.
    pub run: u64,
    pub reason: String,
    /// After this moment the command is void.
    pub expires: Timestamp,
}

/// The kinds of command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Restart,
}

/// The key in [`Event::details`] that names which start of the instance an event is about.
pub const RUN: &str = "run";

/// The key in [`Event::details`] that names a container of a runtime. What made the container
/// also restarts it, so such an event asks nobody else to.
pub const CONTAINER_ID: &str = "container_id";

impl Event {
    /// The run that the event is about, 0 when it does not say.
    pub fn run(&self) -> u64 {
        self.details.get(RUN).and_then(|run| run.parse().ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
