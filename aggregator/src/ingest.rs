//! Remote write: from an authenticated body to durable samples in the right partition.
//!
//! A tenant's own token writes into that tenant's partition, whatever labels it sends. An agent's
//! token writes for many tenants: each series names its own in the label `tenant`, which is taken
//! out and becomes the partition. Samples are acknowledged once they are durable.
//!
//! Status codes are those of the remote write specifications: 400 for what a retry cannot mend
//! (the rest of the request is stored), 429 and 503 with `Retry-After` for what it can.

use std::{borrow::Cow, collections::BTreeMap};

use axum::{
    body::Bytes,
    extract,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use codec::inflate;
use model::{tenant::TenantId, write::WriteBatch};
use tenancy::access::{Access, Scope, Tenants};
use tsdb::{
    outcome::{AppendError, Appended},
    store::Store,
    view::TENANT_LABEL,
};
use wire::remote_write::{
    self, DecodeOptions, DecodeStats, HEADER_EXEMPLARS_WRITTEN, HEADER_HISTOGRAMS_WRITTEN,
    HEADER_SAMPLES_WRITTEN, Partition, Refused, Version,
};

use crate::{
    api::answer::ApiError,
    auth::Caller,
    metrics::{WriteLabels, WriteOutcome},
    state::State,
};

/// Tenants in one request.
const TENANTS_PER_REQUEST_MAX: usize = 10_000;
/// A body may be this many times larger once decompressed, and no larger than
/// [`INFLATED_BYTES_MAX`].
const INFLATION_MAX: usize = 64;
const INFLATED_BYTES_MAX: usize = 256 << 20;

/// `POST /api/v1/write`
pub(crate) async fn write(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (outcome, response) = match receive(&state, &access, &headers, body).await {
        Ok(written) => written.respond(),
        Err(error @ (ApiError::Unavailable(_) | ApiError::Internal(_))) => {
            (WriteOutcome::Unavailable, error.into_response())
        }
        Err(error) => (WriteOutcome::Refused, error.into_response()),
    };
    state.metrics.writes.get_or_create(&WriteLabels { outcome }).inc();
    response
}

#[tracing::instrument(name = "remote_write", skip_all, fields(caller = access.name, bytes = body.len()))]
async fn receive(
    state: &State,
    access: &Access,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Written, ApiError> {
    access.require(&[Scope::MetricsWrite, Scope::Agent])?;
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let (version, compression) =
        remote_write::negotiate(text(header::CONTENT_TYPE), text(header::CONTENT_ENCODING))
            .map_err(|error| ApiError::UnsupportedMediaType(error.to_string()))?;
    let batches = Batches::of(access)?;
    let store = state.store.clone();
    let limit = body.len().saturating_mul(INFLATION_MAX).min(INFLATED_BYTES_MAX);
    let permit = state.write_permit(access).await?;
    let now = daemon::clock::now();
    // Decoding and the wait for the disk both block, so neither happens on an async thread.
    let written = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let mut inflated = Vec::new();
        inflate::decompress(compression, &body, limit, &mut inflated)
            .map_err(|error| ApiError::BadData(error.to_string()))?;
        let mut batches = batches;
        let options = DecodeOptions { lift: batches.lift(), ..DecodeOptions::default() };
        let stats = remote_write::decode(version, &inflated, &options, &mut batches)
            .map_err(|error| ApiError::BadData(error.to_string()))?;
        drop(inflated);
        let stored = batches.append(&store, now)?;
        Ok::<_, ApiError>(Written { version, decoded: stats, stored })
    })
    .await
    .map_err(|error| ApiError::Internal(error.to_string()))??;
    let lost = written.decoded.skipped.samples() + written.stored.rejected_count();
    state.metrics.samples_skipped.inc_by(lost);
    Ok(written)
}

/// Where a request's series go.
enum Batches {
    One(TenantId, WriteBatch),
    ByTenant(Tenants, BTreeMap<TenantId, WriteBatch>),
}

impl Batches {
    fn of(access: &Access) -> Result<Self, ApiError> {
        if access.scopes.contains(&Scope::Agent) {
            return Ok(Self::ByTenant(access.tenants.clone(), BTreeMap::new()));
        }
        match &access.tenants {
            Tenants::One(tenant) => Ok(Self::One(tenant.clone(), WriteBatch::default())),
            Tenants::Some(_) | Tenants::All => {
                Err(ApiError::Forbidden("this token writes for no single tenant".to_owned()))
            }
        }
    }

    fn lift(&self) -> Option<&'static str> {
        match self {
            Self::One(..) => None,
            Self::ByTenant(..) => Some(TENANT_LABEL),
        }
    }

    fn append(&self, store: &Store, now: model::time::Timestamp) -> Result<Appended, ApiError> {
        let one = |tenant: &TenantId, batch: &WriteBatch| {
            store.append(tenant, batch, now).map_err(|error| match error {
                AppendError::DiskFull | AppendError::Closed | AppendError::Io(_) => {
                    ApiError::Unavailable(error.to_string())
                }
            })
        };
        match self {
            Self::One(tenant, batch) => one(tenant, batch),
            Self::ByTenant(_, batches) => {
                let mut all = Appended::default();
                for (tenant, batch) in batches {
                    merge(&mut all, one(tenant, batch)?);
                }
                Ok(all)
            }
        }
    }
}

fn merge(all: &mut Appended, more: Appended) {
    all.samples += more.samples;
    all.histograms += more.histograms;
    all.exemplars += more.exemplars;
    all.series_created += more.series_created;
    for rejected in more.rejected {
        match all.rejected.iter_mut().find(|known| known.reason == rejected.reason) {
            Some(known) => known.count += rejected.count,
            None => all.rejected.push(rejected),
        }
    }
}

impl Partition for Batches {
    fn batch(&mut self, lifted: Option<&str>) -> Result<&mut WriteBatch, Refused> {
        match self {
            Self::One(_, batch) => Ok(batch),
            Self::ByTenant(allowed, batches) => {
                let name =
                    lifted.ok_or(Refused(Cow::Borrowed("an agent's series names no tenant")))?;
                if !batches.contains_key(name) {
                    let tenant =
                        TenantId::new(name).map_err(|error| Refused(error.to_string().into()))?;
                    if !allowed.contains(&tenant) {
                        return Err(Refused(Cow::Borrowed("the token is not for this tenant")));
                    }
                    if batches.len() == TENANTS_PER_REQUEST_MAX {
                        return Err(Refused(Cow::Borrowed("too many tenants in one request")));
                    }
                    batches.insert(tenant, WriteBatch::default());
                }
                batches.get_mut(name).ok_or(Refused(Cow::Borrowed("no such tenant")))
            }
        }
    }
}

/// What became of a request.
struct Written {
    version: Version,
    decoded: DecodeStats,
    stored: Appended,
}

impl Written {
    fn respond(self) -> (WriteOutcome, Response) {
        let mut complaints = Vec::new();
        if !self.decoded.skipped.is_empty() {
            complaints.push(self.decoded.skipped.to_string());
        }
        for rejected in &self.stored.rejected {
            complaints.push(format!(
                "{} samples: {} (e.g. {})",
                rejected.count, rejected.reason, rejected.example
            ));
        }
        let later = self.stored.rejected.iter().any(|rejected| rejected.reason.is_temporary());
        let (outcome, mut response) = if complaints.is_empty() {
            (WriteOutcome::Stored, StatusCode::NO_CONTENT.into_response())
        } else {
            let message = format!("partly stored; refused: {}", complaints.join("; "));
            let error =
                if later { ApiError::TooManyRequests(message) } else { ApiError::BadData(message) };
            (WriteOutcome::Partial, error.into_response())
        };
        if self.version == Version::V2 {
            for (name, count) in [
                (HEADER_SAMPLES_WRITTEN, self.stored.samples),
                (HEADER_HISTOGRAMS_WRITTEN, self.stored.histograms),
                (HEADER_EXEMPLARS_WRITTEN, self.stored.exemplars),
            ] {
                if let Ok(name) = header::HeaderName::from_bytes(name.as_bytes()) {
                    response.headers_mut().insert(name, HeaderValue::from(count));
                }
            }
        }
        (outcome, response)
    }
}
