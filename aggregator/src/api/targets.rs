//! What agents scrape: agents report it, and everybody sees what is their own of it, in the shapes of
//! Prometheus' API.

mod relabel_steps;

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{self, Path, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use codec::inflate::{self, Compression};
use model::{
    budget,
    target::{REPORT_BYTES_MAX, REPORT_MEMORY_MAX, REPORT_TARGETS_MAX, TargetsReport},
};
use serde_json::json;
use tenancy::access::{Access, Scope, Tenants};
use wire::targets::{MetadataQuery, Reported, TargetsQuery, Viewer};

use super::{
    answer::{ApiError, blocking, success, success_with},
    params::Params,
    query::parse_selector,
    series::look_up,
};
use crate::{auth::Caller, encoding::compression_of, state::State, targets::Known};

pub(crate) use relabel_steps::relabel_steps;

/// Targets or descriptions in one answer.
const ENTRIES_MAX: usize = 100_000;

/// `PUT /api/v1/nodes/{node}/targets`: an agent says how its targets are, with all it said before
/// replaced. JSON, plain or compressed.
pub(crate) async fn report(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    Path(node): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    access.require(&[Scope::Agent])?;
    access.require_node(&node)?;
    let compression = compression_of(&headers)?;
    let body =
        body.map_err(|error| ApiError::TooLarge(format!("cannot read the body: {error}")))?;
    let permit = state.write_permit(&access).await?;
    blocking(move || {
        let _permit = permit;
        take(&state, &access, &node, compression, &body)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn take(
    state: &State,
    access: &Access,
    node: &str,
    compression: Option<Compression>,
    body: &[u8],
) -> Result<(), ApiError> {
    let mut inflated = Vec::new();
    let bytes = match compression {
        None => body,
        Some(compression) => {
            inflate::decompress(compression, body, REPORT_BYTES_MAX, &mut inflated).map_err(
                |error| match error {
                    inflate::InflateError::TooLarge { .. } => ApiError::TooLarge(error.to_string()),
                    inflate::InflateError::Corrupt { .. } => ApiError::BadData(error.to_string()),
                },
            )?;
            &inflated
        }
    };
    if bytes.len() > REPORT_BYTES_MAX {
        return Err(ApiError::TooLarge(format!("a report has at most {REPORT_BYTES_MAX} bytes")));
    }
    let (report, bytes): (TargetsReport, usize) =
        budget::within(REPORT_MEMORY_MAX, bytes.len(), || serde_json::from_slice(bytes))
            .map_err(|error| ApiError::BadData(format!("invalid JSON body: {error}")))?;
    if report.target_count() > REPORT_TARGETS_MAX {
        let message = format!("a report has at most {REPORT_TARGETS_MAX} targets");
        return Err(ApiError::TooLarge(message));
    }
    report.tenants().try_for_each(|tenant| access.require_tenant(tenant))?;
    let now = daemon::clock::now();
    let kept = state.targets.put(&access.name, node, report, bytes, now);
    kept.map_err(|refused| ApiError::TooManyRequests(refused.to_string()))
}

/// Answers from all reports, as long as somebody waits.
async fn look<F>(state: State, access: Arc<Access>, answer: F) -> Result<Response, ApiError>
where
    F: FnOnce(&[Reported<'_>], &Viewer<'_>) -> Result<Response, ApiError> + Send + 'static,
{
    access.require(&[Scope::MetricsRead])?;
    let (shared, caller) = (state.clone(), Arc::clone(&access));
    look_up(&state, &access, move |view| {
        let known = shared.targets.all(daemon::clock::now());
        let reports: Vec<Reported<'_>> = known
            .iter()
            .map(|Known { report, silent }| Reported { report, silent: *silent })
            .collect();
        let viewer = Viewer {
            sees: &|tenant| caller.tenants.contains(tenant),
            shows_tenant: !matches!(caller.tenants, Tenants::One(_)),
            entries_max: ENTRIES_MAX,
            stop: &|| view.check().is_err(),
        };
        let answered = answer(&reports, &viewer);
        // What ended early is no answer.
        view.check()?;
        answered
    })
    .await
}

/// `GET /api/v1/targets?state=&scrapePool=`
pub(crate) async fn targets(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    look(state, access, move |reports, viewer| {
        let query = TargetsQuery {
            state: params.get("state").unwrap_or_default(),
            pool: params.get("scrapePool").unwrap_or_default(),
        };
        let shown = wire::targets::targets(reports, &query, viewer);
        let warnings = match shown.left_out {
            0 => Vec::new(),
            more => vec![format!("{more} more targets are not shown")],
        };
        Ok(success_with(shown, warnings))
    })
    .await
}

/// `GET /api/v1/targets/metadata?match_target=&metric=&limit=`
pub(crate) async fn metadata(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    let matchers = match params.get("match_target") {
        None => Vec::new(),
        Some(text) => {
            parse_selector(text).map_err(|error| ApiError::parameter("match_target", error))?
        }
    };
    let limit = match params.get("limit") {
        None => None,
        Some(text) => {
            let limit = text.parse::<i64>();
            let limit =
                limit.map_err(|_| ApiError::BadData("limit must be a number".to_owned()))?;
            usize::try_from(limit).ok()
        }
    };
    look(state, access, move |reports, viewer| {
        let metric = params.get("metric").unwrap_or_default();
        let query = MetadataQuery { matchers: &matchers, metric, limit };
        let (entries, more) = wire::targets::metadata(reports, &query, viewer);
        let warning = more.then(|| format!("only {ENTRIES_MAX} entries are shown"));
        Ok(success_with(entries, warning.into_iter().collect()))
    })
    .await
}

/// `GET /api/v1/scrape_pools`
pub(crate) async fn pools(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
) -> Result<Response, ApiError> {
    look(state, access, |reports, viewer| {
        Ok(success(json!({ "scrapePools": wire::targets::pool_names(reports, viewer) })))
    })
    .await
}

/// `GET /api/v1/scrape_pools/config?scrapePool=`: the settings of a pool as YAML, without secrets.
pub(crate) async fn pool_config(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    let name = pool_name(&params)?;
    look(state, access, move |reports, viewer| {
        let pool = wire::targets::find_pool(reports, &name, viewer);
        let pool = pool.ok_or_else(|| unknown_pool(&name))?;
        // JSON is YAML too.
        Ok(success(json!({ "yaml": pool.config })))
    })
    .await
}

fn pool_name(params: &Params) -> Result<String, ApiError> {
    let name = params.get("scrapePool");
    let missing = || ApiError::BadData("no scrapePool parameter provided".to_owned());
    name.map(str::to_owned).ok_or_else(missing)
}

fn unknown_pool(name: &str) -> ApiError {
    let name: String = name.chars().take(100).collect();
    ApiError::BadData(format!("error retrieving scrape config: unknown scrape pool: {name}"))
}
