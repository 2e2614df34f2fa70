//! What nodes are told: commands queued by alerting, fetched by agents.

use std::time::Duration;

use axum::{
    extract::{self, Path},
    response::Response,
};
use model::event::Command;
use tenancy::access::Scope;

use super::{
    answer::{ApiError, success},
    body::JsonBody,
    params::Params,
};
use crate::{auth::Caller, commands::CommandRefused, state::State};

/// Longest wait of one long poll.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// `POST /api/v1/nodes/{node}/commands`: queues one command.
pub(crate) async fn push(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    Path(node): Path<String>,
    JsonBody(command): JsonBody<Command>,
) -> Result<Response, ApiError> {
    access.require(&[Scope::Alerting])?;
    access.require_tenant(&command.target.tenant)?;
    if command.target.node != node {
        let message = format!("the command is for node {:?}", command.target.node);
        return Err(ApiError::BadData(message));
    }
    let id =
        state.commands.push(command, daemon::clock::now()).map_err(|refused| match refused {
            CommandRefused::Full(_) => ApiError::TooManyRequests(refused.to_string()),
            CommandRefused::Expired => ApiError::BadData(refused.to_string()),
        })?;
    Ok(success(serde_json::json!({ "id": id })))
}

/// `GET /api/v1/nodes/{node}/commands?after=&wait=`: the node's commands; asking for those after an
/// id acknowledges all up to it.
pub(crate) async fn take(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    Path(node): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::Agent])?;
    access.require_node(&node)?;
    let after = params.number("after")?.unwrap_or(0);
    let wait = params.duration("wait")?.and_then(|millis| u64::try_from(millis).ok()).unwrap_or(0);
    let deadline = tokio::time::Instant::now() + Duration::from_millis(wait).min(WAIT_MAX);
    let mut changes = state.commands.changes();
    loop {
        changes.mark_unchanged();
        let commands = state.commands.take(&node, &access.tenants, after, daemon::clock::now());
        if !commands.is_empty() || wait == 0 {
            return Ok(success(commands));
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return Ok(success(commands)) },
            () = tokio::time::sleep_until(deadline) => return Ok(success(commands)),
            () = state.stop.stopped() => return Ok(success(commands)),
        }
    }
}
