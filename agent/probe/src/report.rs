//! Transitions as events for the timeline, in words for people.

use std::{collections::BTreeMap, time::Duration};

use model::{
    event::{Event, EventKind, RUN},
    time::{Timestamp, millis_of},
};

use crate::{
    judge::Change,
    outcome::{Outcome, Verdict},
    prober::ProbeId,
    spec::{Check, Spec},
};

/// Keys in the details of events, besides the run.
const PROBE: &str = "probe";
const CLASS: &str = "class";

/// The event of a change of mind about a run.
pub(crate) fn event(
    id: &ProbeId,
    spec: &Spec,
    run: u64,
    (change, flapping): (Change, bool),
    outcome: &Outcome,
    now: Timestamp,
) -> Event {
    let mut details = BTreeMap::new();
    let mut put = |name: &str, value: String| details.insert(name.to_owned(), value);
    put(RUN, run.to_string());
    put(PROBE, id.probe.clone());
    put("duration_ms", outcome.duration.as_millis().to_string());
    if let Verdict::Failure(class) = outcome.verdict {
        put(CLASS, class.as_str().to_owned());
    }
    if let Some(address) = outcome.address {
        put("address", format!("{address} port {}", spec.check.port()));
    }
    if let Some(status) = outcome.status {
        put("status", status.to_string());
    }
    if flapping {
        put("flapping", "true".to_owned());
    }
    let (kind, reason) = match change {
        Change::Failed { failures, first } => {
            put("failures", failures.to_string());
            put("first_failure", first.millis().to_string());
            (EventKind::ProbeFailed, failed(spec, outcome, failures, first, now))
        }
        Change::Recovered { successes, failing_since } => {
            put("successes", successes.to_string());
            let since = failing_since.map_or_else(String::new, |since| {
                format!(", {} after the first failure", human(now.since(since)))
            });
            (EventKind::ProbeRecovered, format!("{}: answers again{since}", question(&spec.check)))
        }
    };
    Event {
        id: 0,
        time: now,
        kind,
        target: id.target.clone(),
        reason,
        incident: String::new(),
        details,
    }
}

fn failed(
    spec: &Spec,
    outcome: &Outcome,
    failures: u32,
    first: Timestamp,
    now: Timestamp,
) -> String {
    let question = question(&spec.check);
    let message = &outcome.message;
    if failures == 1 {
        return format!("{question}: {message}");
    }
    format!(
        "{question}: {message} ({failures} failures in {}, first at {} UTC)",
        human(now.since(first)),
        clock_time(first)
    )
}

/// `GET /healthz` or `TCP port 8080`.
fn question(check: &Check) -> String {
    match check {
        Check::Http(get) => format!("GET {}", get.path),
        Check::Tcp { port } => format!("TCP port {port}"),
    }
}

/// `420 ms`, `1.2 s`, `3 min`.
fn human(duration: Duration) -> String {
    let millis = millis_of(duration).min(i64::MAX / 2);
    if millis < 1000 {
        format!("{millis} ms")
    } else if millis < 120_000 {
        let tenths = (millis + 50) / 100;
        format!("{}.{} s", tenths / 10, tenths % 10)
    } else {
        format!("{} min", (millis + 30_000) / 60_000)
    }
}

/// The time of day, `12:03:04.250`.
fn clock_time(time: Timestamp) -> String {
    let millis = time.millis().rem_euclid(86_400_000);
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    format!("{:02}:{:02}:{seconds:02}.{millis:03}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests;
