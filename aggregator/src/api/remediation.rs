//! What a person on call tells remediation.

use std::collections::BTreeMap;

use axum::{extract, response::Response};
use model::event::{Event, EventKind, Target};
use serde::Deserialize;
use tenancy::access::Scope;

use super::{
    answer::{ApiError, success},
    body::JsonBody,
};
use crate::{auth::Caller, state::State};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {
    target: Target,
}

/// `POST /api/v1/remediation/resume`: ends a quarantine. The timeline says who did it.
pub(crate) async fn resume(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    JsonBody(Resume { target }): JsonBody<Resume>,
) -> Result<Response, ApiError> {
    access.require(&[Scope::Operator])?;
    access.require_tenant(&target.tenant)?;
    let event = Event {
        id: 0,
        time: daemon::clock::now(),
        kind: EventKind::Resumed,
        target,
        reason: format!("resumed by {}", access.name),
        incident: String::new(),
        details: BTreeMap::new(),
    };
    let stored = state.append_events(vec![event]).await?;
    let ids: Vec<u64> = stored.iter().map(|event| event.id).collect();
    Ok(success(serde_json::json!({ "ids": ids })))
}
