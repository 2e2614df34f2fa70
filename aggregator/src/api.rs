//! The routes: who answers which path.

mod about;
mod admin;
pub(crate) mod answer;
mod body;
mod cross_origin;
mod early;
mod events;
mod exemplars;
mod features;
mod federate;
mod live;
mod nodes;
mod openapi;
mod params;
mod parse_query;
mod pushed;
mod query;
mod remediation;
mod remote_read;
mod render;
mod routes;
mod rules;
mod search;
mod self_metrics;
mod series;
mod status;
mod targets;
mod tsdb;
mod usage;

use axum::{
    Router,
    extract::{DefaultBodyLimit, OriginalUri},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::any,
};

use crate::{front::Front, ingest, page, state::State};
use answer::ApiError;
use routes::{Routes, get, post, put};

/// Where the API of Prometheus and our own are.
const V1: &str = "/api/v1";

/// What answers from the first moment on: the admin endpoints, whose fallback are the other routes, and
/// what is told while the store opens.
pub(crate) fn front(admin: Router, front: Front) -> Router {
    admin
        .merge(early_routes().into_router().with_state(front))
        .layer(axum::middleware::from_fn(cross_origin::allow))
}

fn early_routes() -> Routes<Front> {
    let v1 = Routes::below(V1)
        .route("/status/walreplay", get(early::wal_replay))
        .route("/notifications", get(early::notifications))
        .route("/notifications/live", get(early::follow))
        .route("/openapi.yaml", get(openapi::serve));
    Routes::below("").route("/version", get(status::version)).merge(v1)
}

/// Everything that needs the store.
pub(crate) fn router(state: State) -> Router {
    let body_bytes_max = state.settings.body_mib_max << 20;
    routes()
        .into_router()
        .merge(page::router())
        .route("/api/v1/{*rest}", any(unknown))
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .with_state(state)
}

fn routes() -> Routes<State> {
    let v1 = Routes::below(V1)
        .route("/write", post(ingest::remote_write::write))
        .route("/frames", post(ingest::frames::frames))
        .route("/read", post(remote_read::read))
        .route("/otlp/v1/metrics", post(ingest::otlp::metrics))
        .route("/query", get(query::instant).post(query::instant))
        .route("/query_range", get(query::range).post(query::range))
        .route("/query_live", get(live::follow))
        .route("/query_exemplars", get(exemplars::exemplars).post(exemplars::exemplars))
        .route("/parse_query", get(parse_query::parse_query).post(parse_query::parse_query))
        .route("/format_query", get(query::format).post(query::format))
        .route("/series", get(series::series).post(series::series))
        .route("/labels", get(series::label_names).post(series::label_names))
        .route("/label/{name}/values", get(series::label_values))
        .route("/metadata", get(status::metadata))
        .route("/me", get(status::me))
        .route("/status/buildinfo", get(status::build_info))
        .route("/status/tsdb", get(tsdb::status))
        .route("/status/tsdb/blocks", get(tsdb::blocks))
        .route("/status/self_metrics", get(self_metrics::self_metrics))
        .route("/status/config", get(about::config))
        .route("/status/flags", get(about::flags))
        .route("/status/runtimeinfo", get(about::runtime_info))
        .route("/search/metric_names", get(search::metric_names).post(search::metric_names))
        .route("/search/label_names", get(search::label_names).post(search::label_names))
        .route("/search/label_values", get(search::label_values).post(search::label_values))
        .route("/targets", get(targets::targets))
        .route("/targets/metadata", get(targets::metadata))
        .route("/targets/relabel_steps", get(targets::relabel_steps))
        .route("/scrape_pools", get(targets::pools))
        .route("/scrape_pools/config", get(targets::pool_config))
        .route("/alertmanagers", get(pushed::alertmanagers))
        .route("/rules", get(rules::rules))
        .route("/alerts", get(rules::alerts))
        .route("/rulers/{name}/rules", put(rules::report))
        .route("/features", get(features::features))
        .route("/usage", get(usage::usage))
        .route("/admin/tsdb/snapshot", post(admin::snapshot).put(admin::snapshot))
        .route("/admin/tsdb/delete_series", post(admin::delete).put(admin::delete))
        .route("/admin/tsdb/clean_tombstones", post(admin::clean).put(admin::clean))
        .route("/events", get(events::read).post(events::append))
        .route("/events/stream", get(events::follow))
        .route("/nodes/{node}/commands", get(nodes::take).post(nodes::push))
        .route("/nodes/{node}/targets", put(targets::report))
        .route("/remediation/resume", post(remediation::resume));
    Routes::below("")
        .route("/federate", get(federate::federate))
        .route(ingest::otlp::grpc::PATH, post(ingest::otlp::grpc::export))
        .merge(v1)
}

async fn unknown(OriginalUri(uri): OriginalUri) -> Response {
    let error = ApiError::NotFound(format!("no such endpoint: {}", uri.path()));
    (StatusCode::NOT_FOUND, error).into_response()
}

#[cfg(test)]
mod tests;
