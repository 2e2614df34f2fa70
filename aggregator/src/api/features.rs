//! `GET /api/v1/features`: what this aggregator can do, in the categories of Prometheus' registry, so
//! that a client need not guess from a version.

use std::collections::BTreeMap;

use axum::{extract, response::Response};
use promql::{
    ast::{AggregateOp, BinaryOp},
    functions,
};

use super::answer::success;
use crate::{auth::Caller, state::State};

/// Names of features, and whether they are on.
type Category = BTreeMap<&'static str, bool>;

/// Modifiers and notations of the language that are always on.
const LANGUAGE: [&str; 20] = [
    "anchored",
    "at_modifier",
    "bool",
    "by",
    "duration_expr",
    "fill",
    "fill_left",
    "fill_right",
    "group_left",
    "group_right",
    "ignoring",
    "native_histograms",
    "negative_offset",
    "offset",
    "on",
    "per_query_lookback_delta",
    "smoothed",
    "start_timestamps",
    "subqueries",
    "without",
];

/// Abilities of the HTTP API that are always on.
const API: [&str; 10] = [
    "label_values_match",
    "otlp_write_receiver",
    "query_stats",
    "query_warnings",
    "remote_write_receiver",
    "search",
    "search_fuzz_alg_jarowinkler",
    "search_fuzz_alg_subsequence",
    "time_range_labels",
    "time_range_series",
];

const STORE: [&str; 4] = ["exemplar_storage", "isolation", "native_histograms", "st_storage"];

pub(crate) async fn features(
    extract::State(state): extract::State<State>,
    Caller(_access): Caller,
) -> Response {
    let on =
        |names: &[&'static str]| -> Category { names.iter().map(|name| (*name, true)).collect() };
    let options = &state.engine.options;
    let mut language = on(&LANGUAGE);
    language.insert("delayed_name_removal", options.delayed_name_removal);
    language.insert("per_step_stats", false);
    language.insert("start_timestamps", options.start_timestamps);
    language.insert("type_and_unit_labels", options.type_and_unit_labels);
    let mut api = on(&API);
    api.insert("lifecycle", state.settings.allow_reload);
    api.insert("admin", state.settings.admin_api);
    let operators = BinaryOp::ALL.into_iter().map(BinaryOp::as_str);
    let aggregations = AggregateOp::ALL.into_iter().map(|(name, _)| name);
    success(BTreeMap::from([
        ("api", api),
        ("prometheus", on(&["server_mode"])),
        ("promql", language),
        ("promql_functions", functions::ALL.iter().map(|known| (known.name, true)).collect()),
        ("promql_operators", operators.chain(aggregations).map(|name| (name, true)).collect()),
        ("tsdb", on(&STORE)),
    ]))
}
