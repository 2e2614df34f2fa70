//! The state of scraped targets, in the words of Prometheus' API, where they are scraped. The
//! aggregator answers the same for all nodes, with tokens.

use axum::{
    Json, Router,
    extract::{RawQuery, State},
    http::StatusCode,
    routing::get,
};
use scrape::status::Status;
use serde_json::{Value, json};
use wire::targets::{MetadataQuery, Reported, TargetsQuery, Viewer};

/// `GET /api/v1/targets`, `/api/v1/targets/metadata` and `/api/v1/scrape_pools`, to be merged into
/// the admin routes.
pub(crate) fn router(status: Status) -> Router {
    Router::new()
        .route("/api/v1/targets", get(targets))
        .route("/api/v1/targets/metadata", get(metadata))
        .route("/api/v1/scrape_pools", get(pools))
        .with_state(status)
}

/// Whoever reaches the port sees everything.
const VIEWER: Viewer<'_> =
    Viewer { sees: &|_tenant| true, shows_tenant: true, entries_max: usize::MAX, stop: &|| false };

async fn targets(State(status): State<Status>, RawQuery(query): RawQuery) -> Answer {
    let (mut state, mut pool) = (String::new(), String::new());
    for (name, value) in pairs(query.as_deref()) {
        match name.as_str() {
            "state" => state = value,
            "scrapePool" => pool = value,
            _ => {}
        }
    }
    answer(status, move |report| {
        let query = TargetsQuery { state: &state, pool: &pool };
        json!(wire::targets::targets(&[report], &query, &VIEWER))
    })
    .await
}

async fn metadata(State(status): State<Status>, RawQuery(query): RawQuery) -> Answer {
    let (mut metric, mut limit) = (String::new(), None);
    for (name, value) in pairs(query.as_deref()) {
        match name.as_str() {
            "metric" => metric = value,
            "limit" => limit = value.parse().ok(),
            _ => {}
        }
    }
    answer(status, move |report| {
        let query = MetadataQuery { matchers: &[], metric: &metric, limit };
        json!(wire::targets::metadata(&[report], &query, &VIEWER).0)
    })
    .await
}

async fn pools(State(status): State<Status>) -> Answer {
    answer(status, |report| json!({ "scrapePools": wire::targets::pool_names(&[report], &VIEWER) }))
        .await
}

/// Data in the envelope of the API.
type Answer = Result<Json<Value>, StatusCode>;

/// Thousands of targets take a while, which is not for a thread that serves others.
async fn answer(
    status: Status,
    show: impl FnOnce(Reported<'_>) -> Value + Send + 'static,
) -> Answer {
    let shown = tokio::task::spawn_blocking(move || {
        let report = status.report("");
        let data = show(Reported { report: &report, silent: false });
        Json(json!({ "status": "success", "data": data }))
    });
    shown.await.map_err(|_error| StatusCode::INTERNAL_SERVER_ERROR)
}

fn pairs(query: Option<&str>) -> impl Iterator<Item = (String, String)> {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned()))
}
