//! The state of scraped targets, in the words of Prometheus' API, where they are scraped. The
//! aggregator answers the same for all nodes, with tokens.

use axum::{
    Json, Router,
    extract::{RawQuery, State},
    routing::get,
};
use model::target::TargetsReport;
use scrape::status::Status;
use serde_json::{Value, json};
use wire::targets::{MetadataQuery, Reported, TargetsQuery, Viewer};

/// `GET /api/v1/targets`, `/api/v1/targets/metadata` and `/api/v1/scrape_pools`, to be merged into
/// the admin routes.
pub fn router(status: Status) -> Router {
    Router::new()
        .route("/api/v1/targets", get(targets))
        .route("/api/v1/targets/metadata", get(metadata))
        .route("/api/v1/scrape_pools", get(pools))
        .with_state(status)
}

/// Whoever reaches the port sees everything.
const VIEWER: Viewer<'_> =
    Viewer { sees: &|_tenant| true, shows_tenant: true, entries_max: usize::MAX };

async fn targets(State(status): State<Status>, RawQuery(query): RawQuery) -> Json<Value> {
    let (mut state, mut pool) = (String::new(), String::new());
    for (name, value) in pairs(query.as_deref()) {
        match name.as_str() {
            "state" => state = value,
            "scrapePool" => pool = value,
            _ => {}
        }
    }
    let query = TargetsQuery { state: &state, pool: &pool };
    let report = status.report("");
    success(&json!(wire::targets::targets(&[reported(&report)], &query, &VIEWER)))
}

async fn metadata(State(status): State<Status>, RawQuery(query): RawQuery) -> Json<Value> {
    let (mut metric, mut limit) = (String::new(), None);
    for (name, value) in pairs(query.as_deref()) {
        match name.as_str() {
            "metric" => metric = value,
            "limit" => limit = value.parse().ok(),
            _ => {}
        }
    }
    let query = MetadataQuery { matchers: &[], metric: &metric, limit };
    let report = status.report("");
    success(&json!(wire::targets::metadata(&[reported(&report)], &query, &VIEWER).0))
}

async fn pools(State(status): State<Status>) -> Json<Value> {
    let report = status.report("");
    let names = wire::targets::pool_names(&[reported(&report)], &VIEWER);
    success(&json!({ "scrapePools": names }))
}

fn reported(report: &TargetsReport) -> Reported<'_> {
    Reported { report, silent: false }
}

fn success(data: &Value) -> Json<Value> {
    Json(json!({ "status": "success", "data": data }))
}

fn pairs(query: Option<&str>) -> impl Iterator<Item = (String, String)> {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned()))
}
