//! `POST /api/v1/frames`: an agent's ticks, a frame for each group of series that it registered before.
//!
//! Bodies of one epoch are taken in the order of their sequence. The same body again, because its
//! answer was lost, is answered as before and not taken again. Whatever leaves sender and receiver in
//! doubt about each other's state ends the session with 409, and the sender begins anew.

use std::{borrow::Cow, ops::Range, sync::Arc};

use axum::{
    body::Bytes,
    extract::{self, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use codec::inflate;
use model::{labels::Labels, time::Timestamp};
use tenancy::access::{Access, Scope};
use tsdb::{
    outcome::Appended,
    store::{GroupHandle, Store, Write},
};
use wire::{
    frames::{self, Body, Message, Options},
    limits::Limits,
    remote_write::{self, DecodeStats, Refused, Version},
    skipped::SkipReason,
};

use super::{
    SEQUENCE, Written, answer,
    batches::{Batches, NODE_LABEL},
    inflated_max,
    sessions::{Group, Refusal, Session, Sessions, key_of, lock},
    unavailable,
};
use crate::{api::answer::ApiError, auth::Caller, state::State};

/// Why a body was not taken.
enum Fault {
    /// The sender's state is not ours.
    BeginAnew(&'static str),
    Error(ApiError),
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

pub(crate) async fn frames(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let result = match body {
        Ok(body) => receive(&state, access, &headers, body).await,
        Err(error) => Err(ApiError::TooLarge(format!("cannot read the body: {error}"))),
    };
    let mut response = answer(&state, result);
    // Whatever the answer, it is one of those who know frames.
    response.headers_mut().entry(SEQUENCE).or_insert(HeaderValue::from(0));
    response
}

#[tracing::instrument(name = "frames", skip_all, fields(caller = access.name, bytes = body.len()))]
async fn receive(
    state: &State,
    access: Arc<Access>,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Written, ApiError> {
    access.require(&[Scope::Agent, Scope::MetricsWrite])?;
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let compression = frames::accept(text(header::CONTENT_TYPE), text(header::CONTENT_ENCODING))
        .map_err(|error| ApiError::UnsupportedMediaType(error.to_string()))?;
    let permit = state.write_permit(&access).await?;
    let (sessions, store) = (Arc::clone(&state.sessions), state.store.clone());
    let now = daemon::clock::now();
    let written = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let mut inflated = Vec::new();
        let bytes = match compression {
            None => &*body,
            Some(compression) => {
                inflate::decompress(compression, &body, inflated_max(&body), &mut inflated)
                    .map_err(|error| ApiError::BadData(error.to_string()))?;
                &inflated
            }
        };
        let body = Body::read(bytes).map_err(|error| ApiError::BadData(error.to_string()))?;
        Taking { sessions: &sessions, store: &store, access: &access, now }.take(&body)
    })
    .await
    .map_err(|error| ApiError::Internal(error.to_string()))?;
    written.map_err(|fault| match fault {
        Fault::BeginAnew(why) => ApiError::Conflict(format!("begin anew: {why}")),
        Fault::Error(error) => error,
    })
}

/// One body being taken.
struct Taking<'a> {
    sessions: &'a Sessions,
    store: &'a Store,
    access: &'a Access,
    now: Timestamp,
}

/// What a body's messages come to, before any sample is stored.
#[derive(Default)]
struct Gathered {
    /// Group, time, and where the payload is.
    frames: Vec<(GroupHandle, i64, Range<usize>)>,
    payloads: Vec<u8>,
    /// Groups that are gone once the frames before have been stored.
    dropped: Vec<GroupHandle>,
    series_created: u64,
    /// Samples of all frames.
    samples: usize,
    decoded: DecodeStats,
}

impl Gathered {
    fn frame(
        &mut self,
        group: &Group,
        frame: &frames::Frame<'_>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let limit = Limits::default().samples;
        self.samples += group.members;
        if self.samples > limit {
            let message = format!("more than {limit} samples in one body");
            return Err(Fault::Error(ApiError::BadData(message)));
        }
        match &group.handle {
            Ok(handle) => {
                let start = self.payloads.len();
                self.payloads.extend_from_slice(frame.payload);
                self.frames.push((handle.clone(), frame.time, start..self.payloads.len()));
            }
            Err(refusal) if refusal.wants_registration(now) => {
                return Err(Fault::BeginAnew("there may be room for a group that was refused"));
            }
            Err(refusal) => {
                let example = || refusal.why.to_owned();
                self.decoded.skipped.add(SkipReason::Refused, group.members, example);
            }
        }
        Ok(())
    }
}

impl Taking<'_> {
    fn take(&self, body: &Body<'_>) -> Result<Written, Fault> {
        let session = self
            .sessions
            .find(self.access, (body.epoch, body.sequence), self.now)
            .ok_or(Fault::BeginAnew("the epoch is not known"))?;
        // One body of a session at a time.
        let mut session = lock(&session);
        if session.sequence == body.sequence
            && let Some(answer) = &session.answer
        {
            return Ok(answer.clone());
        }
        let taken = if session.sequence.checked_add(1) == Some(body.sequence) {
            self.apply(body, &mut session)
        } else {
            Err(Fault::BeginAnew("the sequence does not follow the one before"))
        };
        match &taken {
            Ok(written) => {
                session.sequence = body.sequence;
                session.answer = Some(written.clone());
            }
            // Part of it may have been applied, so the sender's rows are not ours any more.
            Err(_) => self.sessions.forget(&key_of(self.access, body.epoch), &mut session),
        }
        taken
    }

    fn apply(&self, body: &Body<'_>, session: &mut Session) -> Result<Written, Fault> {
        let mut batches = Batches::of(self.access)?;
        let mut gathered = Gathered::default();
        let stored = self
            .gather(body, session, &mut batches, &mut gathered)
            .and_then(|()| self.store(&gathered, &batches));
        for group in &gathered.dropped {
            self.store.drop_group(group);
        }
        let mut stored = stored?;
        stored.series_created += gathered.series_created;
        let sequence = Some(body.sequence);
        let is_shared = batches.is_shared();
        Ok(Written { counted: true, sequence, is_shared, decoded: gathered.decoded, stored })
    }

    fn store(&self, gathered: &Gathered, batches: &Batches) -> Result<Appended, Fault> {
        let frames = gathered.frames.iter().map(|(group, time, payload)| {
            let payload = gathered.payloads.get(payload.clone()).unwrap_or_default();
            Write::Frame { group, time: *time, payload }
        });
        let mut writes: Vec<Write<'_>> = frames.collect();
        writes.append(&mut batches.writes());
        let all = self.store.append_all(&writes, self.now).map_err(|error| unavailable(&error))?;
        if !all.unknown_groups.is_empty() {
            return Err(Fault::BeginAnew("a group is not known, or its frame does not fit"));
        }
        Ok(all.appended)
    }

    fn gather(
        &self,
        body: &Body<'_>,
        session: &mut Session,
        batches: &mut Batches,
        gathered: &mut Gathered,
    ) -> Result<(), Fault> {
        let options = Options { lift: batches.lift(), ..Options::default() };
        let mut messages = body.messages(options);
        let bad =
            |error: &dyn std::fmt::Display| Fault::Error(ApiError::BadData(error.to_string()));
        while let Some(message) = messages.next_message().map_err(|error| bad(&error))? {
            match message {
                Message::Group(group) => {
                    let number = group.number;
                    let registered = self.register(&group, batches, gathered)?;
                    if !session.insert(number, registered) {
                        return Err(Fault::BeginAnew("a group is registered twice"));
                    }
                }
                Message::Frame(frame) => {
                    let group = session.group(frame.group);
                    let group = group.ok_or(Fault::BeginAnew("a group is not known"))?;
                    gathered.frame(group, &frame, self.now)?;
                }
                Message::Drop(number) => {
                    let group = session.remove(number);
                    let group = group.ok_or(Fault::BeginAnew("a group is not known"))?;
                    gathered.dropped.extend(group.handle);
                }
                Message::Batch(request) => {
                    let options = batches.options(self.access.node.as_deref());
                    let stats = remote_write::decode(Version::V2, request, &options, batches)
                        .map_err(|error| bad(&error))?;
                    gathered.decoded.merge(stats);
                }
            }
        }
        Ok(())
    }

    fn register(
        &self,
        group: &frames::Group<'_>,
        batches: &Batches,
        gathered: &mut Gathered,
    ) -> Result<Group, Fault> {
        let members = group.members.len();
        let refused = |why| {
            let refusal = Refusal { why, since: None };
            Ok(Group { handle: Err(refusal), members })
        };
        let tenant = match batches.tenant(group.tenant) {
            Ok(tenant) => tenant,
            Err(Refused(Cow::Borrowed(why))) => return refused(why),
            Err(Refused(Cow::Owned(_))) => return refused("no tenant can have this name"),
        };
        let labels: Vec<&[u8]> = group.members.clone().collect();
        if !labels.iter().all(|packed| self.is_own_node(packed)) {
            return refused("the token is not for the node of these series");
        }
        let registered = self
            .store
            .register_group(&tenant, &labels, self.now)
            .map_err(|error| unavailable(&error))?;
        // Members that were refused are counted with each frame, as samples.
        gathered.series_created += registered.appended.series_created;
        let no_room = Refusal { why: "too many groups of series", since: Some(self.now) };
        let handle = registered.group.ok_or(no_room);
        Ok(Group { handle, members })
    }

    /// Whether a series may come from the caller, whose token may be bound to a node.
    fn is_own_node(&self, packed: &[u8]) -> bool {
        let Some(own) = &self.access.node else { return true };
        let labels = Labels::from_bytes(packed);
        labels.is_some_and(|labels| labels.get(NODE_LABEL).is_none_or(|node| node == own))
    }
}

#[cfg(test)]
mod tests;
