//! Live queries: the same instant queries evaluated again and again, pushed as server-sent events.
//!
//! `GET /api/v1/query_live?interval=1s&query=…&query=…` sends, each interval, one event `sample`
//! with `{"time": seconds, "results": [one per query, in order]}`. A result is the `data` of
//! `/api/v1/query`, or `{"error": "…"}`: one bad query does not end the others.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract,
    response::{
        Sse,
        sse::{Event as SseEvent, KeepAlive},
    },
};
use futures_util::{Stream, StreamExt, stream};
use promql::Expr;
use tenancy::access::{Access, Scope};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Interval, MissedTickBehavior},
};

use super::{
    answer::ApiError,
    params::Params,
    query::{self, Evaluated, When},
};
use crate::{auth::Caller, state::State};

/// Queries in one stream.
const QUERIES_MAX: usize = 32;
const INTERVAL_MIN: Duration = Duration::from_millis(250);
const INTERVAL_MAX: Duration = Duration::from_mins(1);

/// `GET /api/v1/query_live`
pub(crate) async fn follow(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Sse<impl Stream<Item = Result<SseEvent, Infallible>>>, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let queries: Vec<&str> = params.all("query").collect();
    if queries.is_empty() || queries.len() > QUERIES_MAX {
        let message = format!("give 1 to {QUERIES_MAX} queries");
        return Err(ApiError::parameter("query", message));
    }
    let queries: Result<Vec<Expr>, ApiError> = queries.into_iter().map(query::parse).collect();
    let millis = params.duration("interval")?.unwrap_or(1000);
    let interval = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    if !(INTERVAL_MIN..=INTERVAL_MAX).contains(&interval) {
        let message = format!("must be from {INTERVAL_MIN:?} to {INTERVAL_MAX:?}");
        return Err(ApiError::parameter("interval", message));
    }
    let mut ticks = tokio::time::interval(interval);
    // A client or a query that is slow skips ticks instead of being chased by them.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let end = state.front.stream_end();
    let permit = state.front.stream_permit(&access)?;
    let live = Live { state, access, queries: queries?, interval, ticks, _permit: permit };
    let events = stream::unfold(live, Live::next).take_until(end);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(5))))
}

struct Live {
    state: State,
    access: Arc<Access>,
    queries: Vec<Expr>,
    interval: Duration,
    ticks: Interval,
    _permit: OwnedSemaphorePermit,
}

impl Live {
    async fn next(mut self) -> Option<(Result<SseEvent, Infallible>, Self)> {
        self.ticks.tick().await;
        let now = daemon::clock::now();
        let mut body = format!("{{\"time\":{},\"results\":[", now.seconds()).into_bytes();
        for (number, expr) in self.queries.iter().enumerate() {
            if number > 0 {
                body.push(b',');
            }
            self.append_result(expr, now, &mut body).await;
        }
        body.extend_from_slice(b"]}");
        let frame = SseEvent::default().event("sample");
        Some((Ok(frame.data(String::from_utf8_lossy(&body))), self))
    }

    async fn append_result(&self, expr: &Expr, now: model::time::Timestamp, body: &mut Vec<u8>) {
        let when = When::Instant(now);
        // A query that takes longer than its interval would never catch up.
        let timeout = self.interval.max(Duration::from_secs(1));
        let (state, access, expr) = (&self.state, &self.access, expr.clone());
        let render = |found: Evaluated, stop: &dyn Fn() -> bool| {
            let mut data = Vec::new();
            super::render::data(&found.answer.value, None, &mut data, stop)?;
            Ok(data)
        };
        match query::evaluate(state, access, expr, when, timeout, None, render).await {
            Ok(data) => body.extend_from_slice(&data),
            Err(error) => {
                let object = serde_json::json!({ "error": error.to_string() });
                body.extend_from_slice(object.to_string().as_bytes());
            }
        }
    }
}
