//! The timeline over HTTP: append, read, wait, and follow live.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract,
    http::HeaderMap,
    response::{
        Response, Sse,
        sse::{Event as SseEvent, KeepAlive},
    },
};
use futures_util::{Stream, StreamExt, stream};
use model::{
    event::{Event, EventKind},
    time::Timestamp,
};
use serde::Serialize;
use tenancy::access::{Access, Scope};
use tokio::sync::{
    OwnedSemaphorePermit,
    broadcast::{self, error::RecvError},
};

use super::{
    answer::{ApiError, success},
    body::JsonBody,
    params::Params,
};
use crate::{auth::Caller, state::State, timeline::Query};

/// Most events in one request or answer.
pub(crate) const EVENTS_PER_REQUEST_MAX: usize = 1000;
/// Longest wait of one long poll.
const WAIT_MAX: Duration = Duration::from_mins(1);

#[derive(Serialize)]
struct Page {
    events: Vec<Event>,
    /// The id to continue after.
    last: u64,
}

/// `POST /api/v1/events`: an agent says what it saw, alerting says what it decided.
pub(crate) async fn append(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    JsonBody(events): JsonBody<Vec<Event>>,
) -> Result<Response, ApiError> {
    access.require(&[Scope::Agent, Scope::Alerting])?;
    if events.len() > EVENTS_PER_REQUEST_MAX {
        let message = format!("at most {EVENTS_PER_REQUEST_MAX} events in one request");
        return Err(ApiError::BadData(message));
    }
    for event in &events {
        access.require(&[speaker_of(event.kind)?])?;
        access.require_tenant(&event.target.tenant)?;
        if !access.scopes.contains(&Scope::Alerting) {
            access.require_node(&event.target.node)?;
        }
    }
    let stored = state.append_events(events).await?;
    let ids: Vec<u64> = stored.iter().map(|event| event.id).collect();
    Ok(success(serde_json::json!({ "ids": ids })))
}

/// Who may say what: an agent what it saw, alerting what it decided.
fn speaker_of(kind: EventKind) -> Result<Scope, ApiError> {
    match kind {
        EventKind::Started
        | EventKind::Exited
        | EventKind::ProbeFailed
        | EventKind::ProbeRecovered
        | EventKind::Restarted
        | EventKind::RestartFailed
        | EventKind::FaultInjected => Ok(Scope::Agent),
        EventKind::RestartDecided
        | EventKind::RestartRefused
        | EventKind::Recovered
        | EventKind::Quarantined
        | EventKind::Paged => Ok(Scope::Alerting),
        EventKind::Resumed => {
            let message = "a quarantine is ended by POST /api/v1/remediation/resume";
            Err(ApiError::Forbidden(message.to_owned()))
        }
    }
}

/// `GET /api/v1/events?after=&limit=&tenant=&app=&since=&wait=`: with `after`, what came later
/// (waiting up to `wait` for the first); without, the newest.
pub(crate) async fn read(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead, Scope::Alerting])?;
    let after = params.number("after")?;
    let limit = params.number("limit")?.unwrap_or(200);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(EVENTS_PER_REQUEST_MAX);
    let wait = params.duration("wait")?.and_then(|millis| u64::try_from(millis).ok()).unwrap_or(0);
    let wait = Duration::from_millis(wait).min(WAIT_MAX);
    let query = Query {
        tenants: &access.tenants,
        tenant: params.get("tenant"),
        app: params.get("app"),
        since: params.time("since")?.unwrap_or(Timestamp::MIN),
    };
    let _permit = if wait.is_zero() { None } else { Some(state.front.stream_permit(&access)?) };
    let mut after = after;
    let mut changes = state.timeline.changes();
    let deadline = tokio::time::Instant::now() + wait;
    loop {
        changes.mark_unchanged();
        let newest = state.timeline.last_id();
        let events = state.timeline.read(&query, after, limit);
        if !events.is_empty() || wait.is_zero() || after.is_none() {
            let last = events.last().map_or(newest, |event| event.id);
            return Ok(success(Page { events, last }));
        }
        // What was looked at in vain need not be looked at again.
        after = Some(newest);
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return Err(stopping()) },
            () = tokio::time::sleep_until(deadline) => {
                return Ok(success(Page { events, last: newest }));
            }
            () = state.stop.stopped() => return Err(stopping()),
        }
    }
}

fn stopping() -> ApiError {
    ApiError::Unavailable("the aggregator is stopping".to_owned())
}

/// `GET /api/v1/events/stream?after=`: server-sent events, resumable by `Last-Event-ID`.
pub(crate) async fn follow(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    headers: HeaderMap,
    params: Params,
) -> Result<Sse<impl Stream<Item = Result<SseEvent, Infallible>>>, ApiError> {
    access.require(&[Scope::MetricsRead, Scope::Alerting])?;
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let after = match resumed {
        Some(id) => id,
        None => params.number("after")?.unwrap_or_else(|| state.timeline.last_id()),
    };
    // Subscribed before the past is read, so that nothing falls between the two.
    let live = state.timeline.live();
    let end = state.front.stream_end();
    let permit = state.front.stream_permit(&access)?;
    let follower = Follower { access, live, after, past: true, state, _permit: permit };
    let events = stream::unfold(follower, Follower::next).flat_map(stream::iter).take_until(end);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(5))))
}

struct Follower {
    access: Arc<Access>,
    live: broadcast::Receiver<Event>,
    after: u64,
    /// The stored past has to be read before going on live.
    past: bool,
    state: State,
    _permit: OwnedSemaphorePermit,
}

impl Follower {
    async fn next(mut self) -> Option<(Vec<Result<SseEvent, Infallible>>, Self)> {
        let tenants = self.access.tenants.clone();
        let query = Query { tenants: &tenants, tenant: None, app: None, since: Timestamp::MIN };
        loop {
            if self.past {
                let events =
                    self.state.timeline.read(&query, Some(self.after), EVENTS_PER_REQUEST_MAX);
                self.past = events.len() == EVENTS_PER_REQUEST_MAX;
                if let Some(last) = events.last() {
                    self.after = last.id;
                    return Some((events.iter().map(sse).collect(), self));
                }
            }
            match self.live.recv().await {
                Ok(event) if event.id <= self.after || !query.admits(&event) => {}
                Ok(event) => {
                    self.after = event.id;
                    return Some((vec![sse(&event)], self));
                }
                // Too slow for the live queue: read what was missed from the past.
                Err(RecvError::Lagged(_)) => self.past = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

fn sse(event: &Event) -> Result<SseEvent, Infallible> {
    let frame = SseEvent::default().id(event.id.to_string()).event("event");
    Ok(match serde_json::to_string(event) {
        Ok(text) => frame.data(text),
        Err(error) => frame.comment(error.to_string()),
    })
}
