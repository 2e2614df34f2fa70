//! `/api/v1/status/walreplay` and `/api/v1/notifications`: what answers while the store still opens.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract,
    http::StatusCode,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event as SseEvent, KeepAlive},
    },
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use tenancy::access::Scope;
use tokio::sync::{
    OwnedSemaphorePermit,
    broadcast::{self, error::RecvError},
};

use super::answer::{ApiError, success};
use crate::{auth::Caller, front::Front, notifications::Notification};

/// `GET /api/v1/status/walreplay`: how far the log is replayed, in bytes. How much all tenants have
/// written is the operator's business; for others it is told in hundredths.
pub(crate) async fn wal_replay(
    extract::State(front): extract::State<Front>,
    Caller(access): Caller,
) -> Response {
    let replay = front.replay();
    let is_operator = access.scopes.contains(&Scope::Operator);
    success(if is_operator { replay } else { replay.in_hundredths() })
}

/// `GET /api/v1/notifications`: the conditions that hold. They are about the aggregator, so a token
/// without the operator's scope sees none.
pub(crate) async fn notifications(
    extract::State(front): extract::State<Front>,
    Caller(access): Caller,
) -> Response {
    let is_operator = access.scopes.contains(&Scope::Operator);
    success(if is_operator { front.notifications.all() } else { Vec::new() })
}

/// `GET /api/v1/notifications/live`: server-sent events, those that hold and then each change. Who sees
/// none gets an answer without content, after which a browser does not ask again.
pub(crate) async fn follow(
    extract::State(front): extract::State<Front>,
    Caller(access): Caller,
) -> Result<Response, ApiError> {
    if !access.scopes.contains(&Scope::Operator) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let permit = front.stream_permit(&access)?;
    let (pending, changes) = front.notifications.follow();
    let follower =
        Follower { changes, end: Some(front.stream_end().boxed()), front, _permit: permit };
    let first = stream::iter(pending);
    let rest = stream::unfold(follower, Follower::next).flat_map(stream::iter);
    let events = first.chain(rest).map(|one| Ok::<_, Infallible>(event(&one)));
    let alive = KeepAlive::new().interval(Duration::from_secs(5));
    Ok(Sse::new(events).keep_alive(alive).into_response())
}

struct Follower {
    changes: broadcast::Receiver<Notification>,
    /// `None` once it has come.
    end: Option<BoxFuture<'static, ()>>,
    front: Front,
    _permit: OwnedSemaphorePermit,
}

impl Follower {
    async fn next(mut self) -> Option<(Vec<Notification>, Self)> {
        let end = self.end.as_mut()?;
        let change = tokio::select! {
            change = self.changes.recv() => Some(change),
            () = end => None,
        };
        match change {
            Some(Ok(change)) => Some((vec![change], self)),
            // Too slow: what holds is told again.
            Some(Err(RecvError::Lagged(_))) => {
                let (all, changes) = self.front.notifications.follow();
                self.changes = changes;
                Some((all, self))
            }
            Some(Err(RecvError::Closed)) => None,
            // The last words of one that shuts down.
            None => {
                self.end = None;
                self.front.tell_of_stop();
                let all = std::iter::from_fn(|| self.changes.try_recv().ok()).collect();
                Some((all, self))
            }
        }
    }
}

fn event(notification: &Notification) -> SseEvent {
    match serde_json::to_string(notification) {
        Ok(text) => SseEvent::default().data(text),
        Err(error) => SseEvent::default().comment(error.to_string()),
    }
}
