//! Copying, deleting and cleaning up stored metrics, on the paths of Prometheus' admin API.

use std::{
    hash::{BuildHasher, Hasher},
    path::Path,
};

use axum::{
    extract,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use disk::{Disk, os::OsDisk};
use model::{
    matcher::Matcher,
    query::{Hints, Queryable, Selection},
    tenant::TenantId,
    time::Timestamp,
};
use tenancy::access::{Access, Scope, Tenants};
use tsdb::{outcome::StoreError, view::TENANT_LABEL};

use super::{
    answer::{ApiError, blocking, success},
    params::{Params, parse_flag},
};
use crate::{
    auth::Caller,
    background::{snapshots_dir, store_dir, timeline_dir},
    snapshot::{SnapshotError, copy_dir},
    state::State,
};

/// Snapshots kept at a time: each holds on to the room of blocks that the store has dropped.
const SNAPSHOTS_MAX: usize = 100;
/// Tenants that one request may delete from.
const TENANTS_MAX: usize = 100;
/// Longest selector of a deletion, in bytes: it is kept until blocks are rewritten.
const SELECTOR_BYTES_MAX: usize = 16 << 10;

#[derive(serde::Serialize)]
struct Snapshot {
    name: String,
}

/// `POST /api/v1/admin/tsdb/snapshot?skip_head=`: copies everything into `snapshots/<name>` of the data
/// directory. For a token of all tenants only.
pub(crate) async fn snapshot(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    permit(&state, &access)?;
    permit_all(&access)?;
    let skip_head = params
        .get("skip_head")
        .map(|text| {
            parse_flag(text).ok_or_else(|| {
                let message = format!(
                    "unable to parse boolean: strconv.ParseBool: parsing {text:?}: invalid syntax"
                );
                ApiError::parameter("skip_head", message)
            })
        })
        .transpose()?
        .unwrap_or(false);
    let name = blocking(move || take_snapshot(&state, skip_head)).await?;
    Ok(success(Snapshot { name }))
}

/// `POST /api/v1/admin/tsdb/delete_series?match[]=&start=&end=`: deletes the samples between two times,
/// both included, of the caller's series that match any of the selectors.
pub(crate) async fn delete(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    permit(&state, &access)?;
    if params.all("match[]").any(|text| text.len() > SELECTOR_BYTES_MAX) {
        let message = format!("longer than {SELECTOR_BYTES_MAX} bytes");
        return Err(ApiError::parameter("match[]", message));
    }
    let selectors = params.selectors()?;
    if selectors.is_empty() {
        return Err(ApiError::BadData("no match[] parameter provided".to_owned()));
    }
    let start = params.time("start")?.unwrap_or(Timestamp::MIN);
    let end = params.time("end")?.unwrap_or(Timestamp::MAX);
    if end < start {
        return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
    }
    blocking(move || {
        let deletions: Result<Vec<_>, ApiError> = selectors
            .iter()
            .map(|matchers| deletions(&state, &access, matchers, start, end))
            .collect();
        let deletions: Vec<_> = deletions?.into_iter().flatten().collect();
        if deletions.len() > TENANTS_MAX {
            return Err(ApiError::BadData(format!(
                "this would delete from {} tenants, the limit is {TENANTS_MAX}: name them by the \
                 label {TENANT_LABEL}",
                deletions.len()
            )));
        }
        state.store.delete_all(&deletions, start, end)?;
        for (tenant, matchers) in deletions {
            tracing::info!(caller = access.name, %tenant, ?matchers, %start, %end, "series deleted");
        }
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/v1/admin/tsdb/clean_tombstones`: makes the room of deleted samples free now.
pub(crate) async fn clean(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
) -> Result<Response, ApiError> {
    permit(&state, &access)?;
    permit_all(&access)?;
    blocking(move || Ok(state.store.clean(daemon::clock::now())?)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn permit(state: &State, access: &Access) -> Result<(), ApiError> {
    access.require(&[Scope::Admin])?;
    if state.settings.admin_api {
        return Ok(());
    }
    Err(ApiError::SwitchedOff("admin APIs disabled: set aggregator.admin_api = true".to_owned()))
}

/// What concerns all tenants takes a token of all.
fn permit_all(access: &Access) -> Result<(), ApiError> {
    match access.tenants {
        Tenants::All => Ok(()),
        Tenants::One(_) | Tenants::Some(_) => {
            Err(ApiError::Forbidden("this takes a token of all tenants".to_owned()))
        }
    }
}

/// The caller's tenants that have series which match, each with what its own series have to match.
fn deletions(
    state: &State,
    access: &Access,
    matchers: &[Matcher],
    start: Timestamp,
    end: Timestamp,
) -> Result<Vec<(TenantId, Vec<Matcher>)>, ApiError> {
    if let Tenants::One(tenant) = &access.tenants {
        return Ok(vec![(tenant.clone(), matchers.to_vec())]);
    }
    let own: Vec<Matcher> =
        matchers.iter().filter(|matcher| matcher.name() != TENANT_LABEL).cloned().collect();
    let selection = Selection { matchers, start, end, hints: Hints::default() };
    let names = state.view(access).label_values(TENANT_LABEL, &selection)?;
    let tenants = names.iter().filter_map(|name| TenantId::new(name).ok());
    Ok(tenants.map(|tenant| (tenant, own.clone())).collect())
}

fn take_snapshot(state: &State, skip_head: bool) -> Result<String, ApiError> {
    let disk = OsDisk;
    let data = &state.settings.data_dir;
    let snapshots = snapshots_dir(data);
    let failed = |source| SnapshotError::Io { path: snapshots.clone(), source };
    disk.create_dir_all(&snapshots).map_err(failed)?;
    if disk.list(&snapshots).map_err(failed)?.len() >= SNAPSHOTS_MAX {
        return Err(ApiError::Execution(format!(
            "there are {SNAPSHOTS_MAX} snapshots already: remove some from {}",
            snapshots.display()
        )));
    }
    let name = snapshot_name(daemon::clock::now());
    let target = snapshots.join(&name);
    let copied = copy_all(state, &disk, &target, skip_head);
    if let Err(error) = copied {
        // What is there of it is of no use.
        drop(disk::remove_all(&disk, &target));
        return Err(error.into());
    }
    disk.sync_dir(&snapshots).map_err(failed)?;
    tracing::info!(name, "snapshot taken");
    Ok(name)
}

fn copy_all(
    state: &State,
    disk: &OsDisk,
    target: &Path,
    skip_head: bool,
) -> Result<(), SnapshotError> {
    let store = store_dir(target);
    if skip_head {
        state.store.snapshot_blocks(&store)?;
    } else {
        state.store.snapshot(&store)?;
    }
    let events = timeline_dir(&state.settings.data_dir);
    state.timeline.hold(|| copy_dir(disk, &events, &timeline_dir(target)))
}

/// The time and something random, as Prometheus names them: `20171210T211224Z-2be650b6d019eb54`.
fn snapshot_name(now: Timestamp) -> String {
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let time = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
    format!("{}-{random:016x}", time.strftime("%Y%m%dT%H%M%SZ"))
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull | StoreError::Closed | StoreError::DeletionsWaiting { .. } => {
                Self::Unavailable(error.to_string())
            }
            StoreError::Io { .. } | StoreError::Damaged(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<SnapshotError> for ApiError {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Store(error) => error.into(),
            other => Self::Internal(daemon::telemetry::chain(&other)),
        }
    }
}
