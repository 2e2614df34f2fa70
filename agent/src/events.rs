//! What the agent puts on the timeline about its processes.

use std::collections::BTreeMap;

use model::{
    event::{Event, EventKind, RUN, Target},
    time::Timestamp,
};
use supervisor::{Started, exit::Exit};

/// The first start of a process.
pub(crate) fn started(target: Target, started: &Started, now: Timestamp) -> Event {
    let details = BTreeMap::from([
        (RUN.to_owned(), started.run.to_string()),
        ("pid".to_owned(), started.pid.to_string()),
    ]);
    let reason = format!("started as process {}", started.pid);
    Event {
        id: 0,
        time: now,
        kind: EventKind::Started,
        target,
        reason,
        incident: String::new(),
        details,
    }
}

/// A process ended without being asked to.
pub(crate) fn exited(exit: &Exit) -> Event {
    let mut details = BTreeMap::from([
        (RUN.to_owned(), exit.run.to_string()),
        ("pid".to_owned(), exit.pid.to_string()),
        ("ran_ms".to_owned(), exit.ran.as_millis().to_string()),
        ("oom".to_owned(), exit.oom.to_string()),
    ]);
    let numbers = [
        ("code", exit.code.map(i64::from)),
        ("signal", exit.signal.map(i64::from)),
        ("memory_limit", exit.memory_limit.and_then(|limit| i64::try_from(limit).ok())),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            details.insert(name.to_owned(), number.to_string());
        }
    }
    Event {
        id: 0,
        time: exit.at,
        kind: EventKind::Exited,
        target: exit.target.clone(),
        reason: exit.reason(),
        incident: String::new(),
        details,
    }
}
