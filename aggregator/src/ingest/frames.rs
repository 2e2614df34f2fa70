//! `POST /api/v1/frames`: an agent's ticks, a frame for each group of series that it registered before.
//!
//! Bodies of one epoch are taken in the order of their sequence. The same body again, because its
//! answer was lost, is answered as before and not taken again. Whatever leaves sender and receiver in
//! doubt about each other's state ends the session with 409, and the sender begins anew.

use std::{ops::Range, sync::Arc};

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
    remote_write::{self, DecodeOptions, DecodeStats, Version},
    skipped::SkipReason,
};

use super::{
    SEQUENCE, Written, answer,
    batches::Batches,
    inflated_max,
    sessions::{Group, Session, Sessions, lock},
    unavailable,
};
use crate::{api::answer::ApiError, auth::Caller, state::State};

/// The label by which an agent says where a series comes from.
const NODE_LABEL: &str = "node";

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
    /// What became of registrations, and of frames of groups that are not the caller's to write.
    refused: Appended,
    decoded: DecodeStats,
}

impl Taking<'_> {
    fn take(&self, body: &Body<'_>) -> Result<Written, Fault> {
        let caller = &self.access.name;
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
            Err(_) => self.sessions.forget(caller, body.epoch, &mut session),
        }
        taken
    }

    fn apply(&self, body: &Body<'_>, session: &mut Session) -> Result<Written, Fault> {
        let mut batches = Batches::of(self.access)?;
        let gathered = self.gather(body, session, &mut batches)?;
        let frames = gathered.frames.iter().map(|(group, time, payload)| {
            let payload = gathered.payloads.get(payload.clone()).unwrap_or_default();
            Write::Frame { group, time: *time, payload }
        });
        let mut writes: Vec<Write<'_>> = frames.collect();
        writes.append(&mut batches.writes());
        let mut stored = gathered.refused;
        for part in self.store.append_all(&writes, self.now).map_err(|error| unavailable(&error))? {
            if part.is_group_unknown() {
                return Err(Fault::BeginAnew("a group is not known, or its frame does not fit"));
            }
            stored.merge(part);
        }
        for group in &gathered.dropped {
            self.store.drop_group(group);
        }
        let sequence = Some(body.sequence);
        Ok(Written { counted: true, sequence, decoded: gathered.decoded, stored })
    }

    fn gather(
        &self,
        body: &Body<'_>,
        session: &mut Session,
        batches: &mut Batches,
    ) -> Result<Gathered, Fault> {
        let mut gathered = Gathered::default();
        let options = Options { lift: batches.lift(), ..Options::default() };
        let mut messages = body.messages(options);
        let bad =
            |error: &dyn std::fmt::Display| Fault::Error(ApiError::BadData(error.to_string()));
        while let Some(message) = messages.next_message().map_err(|error| bad(&error))? {
            match message {
                Message::Group(group) => {
                    let number = group.number;
                    let registered = self.register(&group, batches, &mut gathered.refused)?;
                    session.insert(number, registered).map_err(Fault::BeginAnew)?;
                }
                Message::Frame(frame) => match session.group(frame.group) {
                    Some(Group::Registered(handle)) => {
                        let start = gathered.payloads.len();
                        gathered.payloads.extend_from_slice(frame.payload);
                        let payload = start..gathered.payloads.len();
                        gathered.frames.push((handle.clone(), frame.time, payload));
                    }
                    Some(Group::Refused { why, members }) => {
                        gathered.decoded.skipped.add(SkipReason::Refused, *members, || why.clone());
                    }
                    None => return Err(Fault::BeginAnew("a group is not known")),
                },
                Message::Drop(number) => match session.remove(number) {
                    Some(Group::Registered(handle)) => gathered.dropped.push(handle),
                    Some(Group::Refused { .. }) => {}
                    None => return Err(Fault::BeginAnew("a group is not known")),
                },
                Message::Batch(request) => {
                    let options =
                        DecodeOptions { lift: batches.lift(), ..DecodeOptions::default() };
                    let stats = remote_write::decode(Version::V2, request, &options, batches)
                        .map_err(|error| bad(&error))?;
                    gathered.decoded.merge(stats);
                }
            }
        }
        Ok(gathered)
    }

    fn register(
        &self,
        group: &frames::Group<'_>,
        batches: &Batches,
        appended: &mut Appended,
    ) -> Result<Group, Fault> {
        let members = group.members.len();
        let tenant = match batches.tenant(group.tenant) {
            Ok(tenant) => tenant,
            Err(why) => return Ok(Group::Refused { why: why.0.into_owned(), members }),
        };
        let labels: Vec<&[u8]> = group.members.clone().collect();
        if !labels.iter().all(|packed| self.is_own_node(packed)) {
            let why = "the token is not for the node of these series".to_owned();
            return Ok(Group::Refused { why, members });
        }
        let registered = self
            .store
            .register_group(&tenant, &labels, self.now)
            .map_err(|error| unavailable(&error))?;
        // Members that were refused are counted with each frame, as samples.
        appended.series_created += registered.appended.series_created;
        Ok(match registered.group {
            Some(handle) => Group::Registered(handle),
            None => Group::Refused { why: "too many groups of series".to_owned(), members },
        })
    }

    /// Whether a series may come from the caller, whose token may be bound to a node.
    fn is_own_node(&self, packed: &[u8]) -> bool {
        let Some(own) = &self.access.node else { return true };
        let labels = Labels::from_bytes(packed);
        labels.is_some_and(|labels| labels.get(NODE_LABEL).is_none_or(|node| node == own))
    }
}
