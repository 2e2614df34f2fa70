//! `/api/v1/status/tsdb` and `/api/v1/status/tsdb/blocks`: what the caller's tenants have stored.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract, response::Response};
use serde::Serialize;
use tenancy::access::{Scope, Tenants};
use tsdb::{
    cardinality::{COUNTS_MAX, Cardinality, Count},
    stats::BlockStats,
};

use super::{
    answer::{ApiError, success, success_with},
    params::Params,
    series::look_up,
    usage,
};
use crate::{auth::Caller, state::State};

/// Entries of each list, unless the request says.
const COUNTS_DEFAULT: usize = 10;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    head_stats: Head,
    series_count_by_metric_name: Vec<Named>,
    label_value_count_by_label_name: Vec<Named>,
    memory_in_bytes_by_label_name: Vec<Named>,
    series_count_by_label_value_pair: Vec<Named>,
    /// Not in Prometheus' answer.
    tenants: BTreeMap<String, Share>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    num_series: u64,
    num_label_pairs: u64,
    chunk_count: u64,
    /// In milliseconds. Without samples, Prometheus' ends of time the wrong way around.
    min_time: i64,
    max_time: i64,
}

#[derive(Serialize)]
struct Named {
    name: String,
    value: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Share {
    active_series: u64,
    samples_appended: u64,
    samples_rejected: u64,
}

/// `GET /api/v1/status/tsdb?limit=`: how many series there are, and by which labels.
pub(crate) async fn status(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let limit = limit(&params)?;
    let tenants = State::tenants(&access);
    let store = state.store.clone();
    let (shared, caller) = (state.clone(), Arc::clone(&access));
    let (counted, (shares, warnings)) = look_up(&state, &access, move |view| {
        let stop = || view.check().is_err();
        let counted = store.cardinality(&tenants, limit, &stop)?;
        Ok((counted, usage::shares(&shared, &caller, usage::TENANTS_MAX)))
    })
    .await?;
    let shares = shares.into_iter().map(|share| {
        let numbers = Share {
            active_series: share.series,
            samples_appended: share.samples_appended,
            samples_rejected: share.rejected,
        };
        (share.tenant.to_string(), numbers)
    });
    Ok(success_with(Status::of(counted, shares.collect()), warnings))
}

fn limit(params: &Params) -> Result<usize, ApiError> {
    let Some(text) = params.get("limit") else { return Ok(COUNTS_DEFAULT) };
    match text.parse::<i64>().ok().and_then(|limit| usize::try_from(limit).ok()) {
        None | Some(0) => Err(ApiError::BadData("limit must be a positive number".to_owned())),
        Some(limit) if limit > COUNTS_MAX => {
            Err(ApiError::BadData(format!("limit must not exceed {COUNTS_MAX}")))
        }
        Some(limit) => Ok(limit),
    }
}

impl Status {
    fn of(counted: Cardinality, tenants: BTreeMap<String, Share>) -> Self {
        let list = |counts: Vec<Count>| -> Vec<Named> {
            counts.into_iter().map(|Count { name, count }| Named { name, value: count }).collect()
        };
        let (min_time, max_time) = counted.times.unwrap_or((i64::MAX, i64::MIN));
        Self {
            head_stats: Head {
                num_series: counted.series,
                num_label_pairs: counted.label_pairs,
                chunk_count: counted.chunks,
                min_time,
                max_time,
            },
            series_count_by_metric_name: list(counted.series_by_metric),
            label_value_count_by_label_name: list(counted.values_by_label),
            memory_in_bytes_by_label_name: list(counted.bytes_by_label),
            series_count_by_label_value_pair: list(counted.series_by_pair),
            tenants,
        }
    }
}

#[derive(Serialize)]
struct Blocks {
    blocks: Vec<Block>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    ulid: String,
    min_time: i64,
    /// Exclusive, as in Prometheus' blocks.
    max_time: i64,
    stats: BlockCounts,
    compaction: Compaction,
    version: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockCounts {
    num_samples: u64,
    num_series: u64,
}

#[derive(Serialize)]
struct Compaction {
    level: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<String>,
}

/// `GET /api/v1/status/tsdb/blocks`: the blocks with samples of the caller's tenants, and what of each is
/// theirs.
pub(crate) async fn blocks(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let (store, tenants) = (state.store.clone(), State::tenants(&access));
    // What blocks were made of tells when others wrote.
    let sees_all = access.tenants == Tenants::All;
    let found = look_up(&state, &access, move |_view| Ok(store.blocks(&tenants))).await?;
    let blocks = found.into_iter().map(|block| Block::of(block, sees_all)).collect();
    Ok(success(Blocks { blocks }))
}

impl Block {
    fn of(block: BlockStats, with_sources: bool) -> Self {
        let sources = block.sources.into_iter().filter(|_| with_sources);
        Self {
            ulid: ulid(block.id),
            min_time: block.min,
            max_time: block.max.saturating_add(1),
            stats: BlockCounts { num_samples: block.samples, num_series: block.series },
            // Prometheus' count from 1.
            compaction: Compaction { level: block.level + 1, sources: sources.map(ulid).collect() },
            version: 1,
        }
    }
}

/// A block's number in the form of a ULID, whose digits include the decimal ones.
fn ulid(number: u64) -> String {
    format!("{number:026}")
}
