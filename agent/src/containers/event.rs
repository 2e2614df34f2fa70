//! What the timeline is told about a container.

use std::collections::BTreeMap;

use containers::{
    container::{Container, Phase},
    early::Told,
    registry::SANDBOX_NAME,
};
use model::{
    event::{CONTAINER_ID, Event, EventKind, RUN, Target},
    tenant::TenantId,
    time::Timestamp,
};

/// The event that these news are. Pods' sandboxes are no news, and a container without a tenant
/// belongs to `host`.
pub(super) fn event(
    told: &Told,
    host: Option<&TenantId>,
    node: &str,
    now: Timestamp,
) -> Option<Event> {
    let Container { id, facts, owner } = &told.news.container;
    if facts.name == SANDBOX_NAME {
        return None;
    }
    let tenant = owner.tenant.clone().or_else(|| host.cloned())?;
    let state = &facts.state;
    let (kind, at, reason) = match told.news.phase {
        Phase::Running => (EventKind::Started, state.started, started(told)),
        _ => (EventKind::Exited, state.finished, exited(told)),
    };
    let mut details = BTreeMap::from([(CONTAINER_ID.to_owned(), id.clone())]);
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            details.insert(name.to_owned(), value);
        }
    };
    put("container", Some(facts.name.clone()));
    put("namespace", Some(facts.namespace.clone()));
    put("image", Some(facts.image.clone()));
    put("restarts", facts.attempt.map(|attempt| attempt.to_string()));
    // Runs are counted from one.
    put(RUN, facts.attempt.map(|attempt| (u64::from(attempt) + 1).to_string()));
    if told.news.phase == Phase::Exited {
        put("code", state.code.map(|code| code.to_string()));
        put("oom", Some(state.oom.to_string()));
        put("reason", Some(state.reason.clone()));
        put("ran_ms", ran(told).map(|ran| ran.as_millis().to_string()));
        put("memory_limit", facts.memory_limit.map(|bytes| bytes.to_string()));
        let usage = told.usage.as_ref();
        let cpu = usage.and_then(|usage| usage.cpu.usage_nanos);
        put("cpu_seconds", cpu.map(|nanos| (nanos as f64 / 1e9).to_string()));
        let kills = usage.and_then(|usage| usage.memory.oom_kills).filter(|kills| *kills > 0);
        put("oom_kills", kills.map(|kills| kills.to_string()));
        let memory = usage.and_then(|usage| usage.memory.usage);
        put("memory_bytes", memory.map(|bytes| bytes.to_string()));
    }
    let instance = if facts.pod_name.is_empty() { id.clone() } else { facts.pod_name.clone() };
    let target = Target {
        tenant,
        app: owner.app.clone(),
        component: owner.component.clone(),
        instance,
        node: node.to_owned(),
    };
    let time = at.unwrap_or(now);
    Some(Event { id: 0, time, kind, target, reason, incident: String::new(), details })
}

fn ran(told: &Told) -> Option<std::time::Duration> {
    let state = &told.news.container.facts.state;
    Some(state.finished?.since(state.started?))
}

fn started(told: &Told) -> String {
    let facts = &told.news.container.facts;
    match facts.attempt {
        Some(attempt) if attempt > 0 => {
            format!("container {} started, restarted {attempt} times", facts.name)
        }
        _ => format!("container {} started", facts.name),
    }
}

fn exited(told: &Told) -> String {
    let facts = &told.news.container.facts;
    let how = match (facts.state.oom, facts.state.code) {
        (true, _) => match facts.memory_limit {
            Some(limit) => format!("was killed at its memory limit of {limit} bytes"),
            None => "was killed for want of memory".to_owned(),
        },
        (false, Some(code)) => format!("exited with code {code}"),
        (false, None) => "is gone; nobody saw how it ended".to_owned(),
    };
    let after = ran(told).map(|ran| format!(" after {ran:?}")).unwrap_or_default();
    format!("container {} {how}{after}", facts.name)
}

#[cfg(test)]
mod tests;
