//! What tenants use of what they may.

use std::collections::BTreeMap;

use axum::{extract, response::Response};
use serde::Serialize;
use tenancy::access::{Access, Scope, Tenants};
use tsdb::{limits::Limits, outcome::RejectReason, stats::TenantStats};

use super::{
    answer::{ApiError, success_with},
    params::Params,
};
use crate::{auth::Caller, state::State};

/// Most tenants in one answer.
pub(super) const TENANTS_MAX: usize = 1000;

/// One tenant's usage and limits.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    tenant: String,
    active_series: u64,
    /// Since the aggregator was started.
    samples_appended: u64,
    /// By reason, those without any left out.
    samples_rejected: BTreeMap<&'static str, u64>,
    /// Estimated memory of what is not in blocks yet.
    memory_bytes: u64,
    limits: UsageLimits,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UsageLimits {
    active_series: u64,
    new_series_per_second: f64,
    samples_per_second: f64,
    bytes_per_second: f64,
    labels_per_series: usize,
    label_bytes_per_series: usize,
    retention_seconds: u64,
}

/// `GET /api/v1/usage?limit=`: what each of the caller's tenants uses and may use, the one with the most
/// active series first. A token that only writes may ask as well.
pub(crate) async fn usage(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead, Scope::MetricsWrite])?;
    let wanted = params.number("limit")?.unwrap_or(0);
    let limit = match usize::try_from(wanted).unwrap_or(usize::MAX) {
        0 => TENANTS_MAX,
        limit => limit.min(TENANTS_MAX),
    };
    let (shares, warnings) = shares(&state, &access, limit);
    let store = state.settings.retention.0;
    Ok(success_with(
        shares.iter().map(|share| Usage::of(share, store)).collect::<Vec<_>>(),
        warnings,
    ))
}

/// What the caller's tenants use, those with the most series first, and a warning if not all are told.
pub(super) fn shares(
    state: &State,
    access: &Access,
    limit: usize,
) -> (Vec<TenantStats>, Vec<String>) {
    let mut shares = match &access.tenants {
        Tenants::One(tenant) => vec![state.store.tenant_stats(tenant)],
        Tenants::Some(some) => some.iter().map(|tenant| state.store.tenant_stats(tenant)).collect(),
        Tenants::All => state.store.stats().tenants,
    };
    shares.sort_by(|a, b| b.series.cmp(&a.series).then_with(|| a.tenant.cmp(&b.tenant)));
    let mut warnings = Vec::new();
    if shares.len() > limit {
        warnings.push(format!("{} tenants left out", shares.len() - limit));
        shares.truncate(limit);
    }
    (shares, warnings)
}

impl Usage {
    fn of(share: &TenantStats, store_retention: std::time::Duration) -> Self {
        let Limits {
            active_series,
            new_series_per_second,
            samples_per_second,
            bytes_per_second,
            labels_per_series,
            label_bytes_per_series,
            retention,
        } = share.limits;
        let retention = retention.map_or(store_retention, |own| own.min(store_retention));
        let rejected = RejectReason::ALL.into_iter().zip(share.rejected_for);
        Self {
            tenant: share.tenant.to_string(),
            active_series: share.series,
            samples_appended: share.samples_appended,
            samples_rejected: rejected
                .filter(|(_, count)| *count > 0)
                .map(|(reason, count)| (reason.as_str(), count))
                .collect(),
            memory_bytes: share.sample_bytes + share.index_bytes,
            limits: UsageLimits {
                active_series,
                new_series_per_second,
                samples_per_second,
                bytes_per_second,
                labels_per_series,
                label_bytes_per_series,
                retention_seconds: retention.as_secs(),
            },
        }
    }
}
