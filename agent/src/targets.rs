//! The state of scraped targets, in the words of Prometheus' API: they live here, not in the
//! aggregator.

use axum::{
    Json, Router,
    extract::{RawQuery, State},
    routing::get,
};
use scrape::status::{MetadataQuery, Status, TargetsQuery};
use serde_json::Value;

/// `GET /api/v1/targets`, `/api/v1/targets/metadata` and `/api/v1/scrape_pools`, to be merged into
/// the admin routes.
pub fn router(status: Status) -> Router {
    Router::new()
        .route("/api/v1/targets", get(targets))
        .route("/api/v1/targets/metadata", get(metadata))
        .route("/api/v1/scrape_pools", get(pools))
        .with_state(status)
}

async fn targets(State(status): State<Status>, RawQuery(query): RawQuery) -> Json<Value> {
    let mut asked = TargetsQuery::default();
    for (name, value) in pairs(query.as_deref()) {
        match name.as_str() {
            "state" => asked.state = value,
            "scrapePool" => asked.scrape_pool = value,
            _ => {}
        }
    }
    Json(status.targets_json(&asked))
}

async fn metadata(State(status): State<Status>, RawQuery(query): RawQuery) -> Json<Value> {
    let mut asked = MetadataQuery::default();
    for (name, value) in pairs(query.as_deref()) {
        match name.as_str() {
            "metric" => asked.metric = value,
            "limit" => asked.limit = value.parse().ok(),
            _ => {}
        }
    }
    Json(status.metadata_json(&asked))
}

async fn pools(State(status): State<Status>) -> Json<Value> {
    Json(status.pools_json())
}

fn pairs(query: Option<&str>) -> impl Iterator<Item = (String, String)> {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned()))
}
