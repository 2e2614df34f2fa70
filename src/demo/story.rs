//! Reads a story out of the timeline: which step came when.

use model::{
    event::{Event, EventKind},
    time::Timestamp,
};
use serde::Serialize;

/// The times of one story's steps, in milliseconds since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Steps {
    pub(crate) injected: i64,
    pub(crate) detected: Option<i64>,
    pub(crate) decided: Option<i64>,
    pub(crate) restarted: Option<i64>,
    pub(crate) recovered: Option<i64>,
    pub(crate) quarantined: Option<i64>,
    pub(crate) paged: Option<i64>,
    pub(crate) resumed: Option<i64>,
    pub(crate) restarts: usize,
    /// What was detected, in the words of the timeline.
    pub(crate) cause: String,
}

impl Steps {
    /// Reads the events of one instance since the fault was injected, in order.
    pub(crate) fn read<'a>(injected: Timestamp, events: impl Iterator<Item = &'a Event>) -> Self {
        let mut steps = Self { injected: injected.millis(), ..Self::default() };
        for event in events.filter(|event| injected <= event.time) {
            let time = event.time.millis();
            match event.kind {
                EventKind::ProbeFailed | EventKind::Exited => {
                    if steps.detected.is_none() {
                        steps.detected = Some(time);
                        steps.cause.clone_from(&event.reason);
                    }
                }
                EventKind::RestartDecided => {
                    steps.decided.get_or_insert(time);
                }
                EventKind::Restarted => {
                    steps.restarts += 1;
                    steps.restarted.get_or_insert(time);
                }
                EventKind::Recovered => {
                    steps.recovered.get_or_insert(time);
                }
                EventKind::Quarantined => {
                    steps.quarantined.get_or_insert(time);
                }
                EventKind::Paged => {
                    steps.paged.get_or_insert(time);
                }
                EventKind::Resumed => {
                    steps.resumed.get_or_insert(time);
                }
                EventKind::Started
                | EventKind::ProbeRecovered
                | EventKind::RestartRefused
                | EventKind::RestartFailed
                | EventKind::FaultInjected => {}
            }
        }
        steps
    }

    /// The steps that a cured fault must have taken and did not take, or not in this order.
    pub(crate) fn missing_for_recovery(&self) -> Vec<&'static str> {
        self.missing(&[
            ("detected", self.detected),
            ("decided", self.decided),
            ("restarted", self.restarted),
            ("recovered", self.recovered),
        ])
    }

    /// The same for a fault that restarts cannot cure: it must end with a person, who mends it.
    pub(crate) fn missing_for_quarantine(&self) -> Vec<&'static str> {
        self.missing(&[
            ("detected", self.detected),
            ("decided", self.decided),
            ("restarted", self.restarted),
            ("quarantined", self.quarantined),
            ("resumed", self.resumed),
            ("recovered", self.recovered),
        ])
    }

    fn missing(&self, order: &[(&'static str, Option<i64>)]) -> Vec<&'static str> {
        let mut previous = self.injected;
        let mut missing = Vec::new();
        for (name, time) in order {
            match time {
                Some(time) if previous <= *time => previous = *time,
                _ => missing.push(*name),
            }
        }
        missing
    }
}

/// What a kind of event is called when it is told.
pub(crate) fn name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Started => "started",
        EventKind::Exited => "exited",
        EventKind::ProbeFailed => "probe failed",
        EventKind::ProbeRecovered => "probe recovered",
        EventKind::RestartDecided => "restart decided",
        EventKind::RestartRefused => "restart refused",
        EventKind::Restarted => "restarted",
        EventKind::RestartFailed => "restart failed",
        EventKind::Recovered => "recovered",
        EventKind::Quarantined => "quarantined",
        EventKind::Paged => "paged",
        EventKind::Resumed => "resumed",
        EventKind::FaultInjected => "fault injected",
    }
}

#[cfg(test)]
mod tests;
