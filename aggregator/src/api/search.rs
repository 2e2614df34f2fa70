//! `/api/v1/search/{metric_names,label_names,label_values}`: names for completion, by relevance.
//!
//! Answers are lines of JSON: `{"results": […]}` in batches, then `{"status", "has_more"}`. Parameters
//! and shapes are those of Prometheus' search API: `search[]`, `fuzz_alg`, `fuzz_threshold` (0 to 100),
//! `case_sensitive`, `sort_by` (`alpha` or `score`), `sort_dir` (`asc` or `dsc`), `include_score`,
//! `limit`, `batch_size`, `match[]`, `start` and `end` (the last hour unless given).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use axum::{
    extract,
    http::header,
    response::{IntoResponse, Response},
};
use model::{
    matcher::Matcher,
    metadata::Metadata,
    query::{Hints, QueryError, Queryable, Selection},
    time::Timestamp,
};
use serde_json::{Map, Value, json};
use tenancy::access::{Access, Scope};
use tokio::time::Instant;
use tsdb::view::View;

use super::{answer::ApiError, params::Params, series::look_up};
use crate::{
    auth::Caller,
    search::{Algorithm, Search},
    state::State,
};

const TERMS_MAX: usize = 32;
/// Length of a term, which every name is compared with.
const TERM_BYTES_MAX: usize = 256;
/// Names that are scored between two looks at the clock.
const NAMES_PER_CHECK: usize = 256;
const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 10_000;
const BATCH_DEFAULT: usize = 100;
/// How far back names are looked for, unless the request says.
const WINDOW: Duration = Duration::from_hours(1);

/// `GET|POST /api/v1/search/metric_names`; `include_metadata` adds type, help and unit.
pub(crate) async fn metric_names(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    let asked = Asked::of(&params)?;
    let include_metadata = params.flag("include_metadata", false)?;
    let mut found =
        find(&state, &access, asked, |view, selection| view.label_values("__name__", selection))
            .await?;
    if include_metadata {
        let (store, tenants) = (state.store.clone(), State::tenants(&access));
        found.metadata =
            look_up(&state, &access, move |_| Ok(store.metadata(&tenants, None, 0))).await?;
    }
    Ok(found.respond("name"))
}

/// `GET|POST /api/v1/search/label_names`
pub(crate) async fn label_names(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    let asked = Asked::of(&params)?;
    let found = find(&state, &access, asked, |view, selection| view.label_names(selection)).await?;
    Ok(found.respond("name"))
}

/// `GET|POST /api/v1/search/label_values?label=`
pub(crate) async fn label_values(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    let label = params
        .get("label")
        .ok_or_else(|| ApiError::BadData("missing required parameter \"label\"".to_owned()))?
        .to_owned();
    let asked = Asked::of(&params)?;
    let found =
        find(&state, &access, asked, move |view, selection| view.label_values(&label, selection))
            .await?;
    Ok(found.respond("value"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
    Score,
}

/// What the three endpoints have in common.
struct Asked {
    search: Search,
    selectors: Vec<Vec<Matcher>>,
    start: Timestamp,
    end: Timestamp,
    order: Order,
    include_score: bool,
    limit: usize,
    batch: usize,
}

impl Asked {
    fn of(params: &Params) -> Result<Self, ApiError> {
        let now = daemon::clock::now();
        let (start, end) = params.range(now.saturating_sub(WINDOW), now)?;
        let terms: Vec<&str> = params.all("search[]").collect();
        if terms.len() > TERMS_MAX {
            let message =
                format!("too many search[] terms: got {}, maximum is {TERMS_MAX}", terms.len());
            return Err(ApiError::BadData(message));
        }
        if terms.iter().any(|term| term.len() > TERM_BYTES_MAX) {
            let message = format!("a search[] term is longer than {TERM_BYTES_MAX} bytes");
            return Err(ApiError::BadData(message));
        }
        let bad = |name: &str, text: &str, expected: &str| {
            ApiError::BadData(format!("invalid {name} {text:?}: must be {expected}"))
        };
        let threshold = match params.get("fuzz_threshold") {
            None => 0,
            Some(text) => text
                .parse()
                .ok()
                .filter(|percent: &u8| *percent <= 100)
                .ok_or_else(|| bad("fuzz_threshold", text, "0-100"))?,
        };
        let algorithm = match params.get("fuzz_alg") {
            None => Algorithm::default(),
            Some(text) => Algorithm::ALL
                .into_iter()
                .find_map(|(name, algorithm)| (name == text).then_some(algorithm))
                .ok_or_else(|| bad("fuzz_alg", text, "\"subsequence\" or \"jarowinkler\""))?,
        };
        let positive = |name: &str, default: usize| match params.get(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .ok_or_else(|| bad(name, text, "a positive integer")),
        };
        let limit = positive("limit", LIMIT_DEFAULT)?;
        if limit > LIMIT_MAX {
            let message = format!("limit {limit} exceeds the maximum ({LIMIT_MAX})");
            return Err(ApiError::BadData(message));
        }
        let case_sensitive = params.flag("case_sensitive", true)?;
        let order = order(params, !terms.is_empty())?;
        let threshold = f64::from(threshold) / 100.0;
        Ok(Self {
            search: Search::new(terms.into_iter(), algorithm, threshold, case_sensitive),
            selectors: params.selectors()?,
            start,
            end,
            order,
            include_score: params.flag("include_score", false)?,
            limit,
            batch: positive("batch_size", BATCH_DEFAULT)?.min(LIMIT_MAX),
        })
    }
}

fn order(params: &Params, has_terms: bool) -> Result<Order, ApiError> {
    let bad = |message: &str| Err(ApiError::BadData(message.to_owned()));
    match (params.get("sort_by"), params.get("sort_dir")) {
        (None, None) | (Some("alpha"), None | Some("asc")) => Ok(Order::Ascending),
        (Some("alpha"), Some("dsc")) => Ok(Order::Descending),
        (Some("score"), None) if has_terms => Ok(Order::Score),
        (Some("score"), None) => bad("sort_by=score requires search[] to be set"),
        (Some("score"), Some(_)) => bad("sort_dir is not supported for sort_by=score"),
        (None, Some(_)) => bad("sort_dir is only valid when sort_by is set"),
        (Some("alpha"), Some(_)) => bad("invalid sort_dir: must be \"asc\" or \"dsc\""),
        (Some(_), _) => bad("invalid sort_by: must be \"alpha\" or \"score\""),
    }
}

/// Names with their scores, in order.
struct Found {
    names: Vec<(String, f64)>,
    has_more: bool,
    include_score: bool,
    batch: usize,
    /// Type, help and unit of metrics, if they are asked for.
    metadata: BTreeMap<String, Vec<Metadata>>,
}

/// Looks names up and ranks them, away from the async threads.
async fn find(
    state: &State,
    access: &Access,
    asked: Asked,
    names: impl Fn(&View, &Selection<'_>) -> Result<Vec<String>, QueryError> + Send + 'static,
) -> Result<Found, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let deadline = Instant::now() + state.settings.query.timeout.0;
    look_up(state, access, move |view| {
        let Asked { search, mut selectors, start, end, order, include_score, limit, batch } = asked;
        if selectors.is_empty() {
            selectors.push(Vec::new());
        }
        let mut all = BTreeSet::new();
        for matchers in &selectors {
            all.extend(names(view, &Selection { matchers, start, end, hints: Hints::default() })?);
        }
        let mut names = Vec::new();
        for (number, name) in all.into_iter().enumerate() {
            if number % NAMES_PER_CHECK == 0 && Instant::now() > deadline {
                return Err(ApiError::Timeout("search timed out".to_owned()));
            }
            if let Some(score) = search.score(&name) {
                names.push((name, score));
            }
        }
        match order {
            Order::Ascending => {}
            Order::Descending => names.reverse(),
            // The sort is stable: names of one score stay in order.
            Order::Score => names.sort_by(|a, b| b.1.total_cmp(&a.1)),
        }
        let has_more = names.len() > limit;
        names.truncate(limit);
        Ok(Found { names, has_more, include_score, batch, metadata: BTreeMap::new() })
    })
    .await
}

impl Found {
    /// `key` is what a name is called in its object.
    fn respond(self, key: &str) -> Response {
        let object = |(name, score): &(String, f64)| {
            let mut object = Map::new();
            object.insert(key.to_owned(), name.as_str().into());
            if self.include_score {
                object.insert("score".to_owned(), (*score).into());
            }
            let metadata = self.metadata.get(name).and_then(|all| all.first());
            if let Some(Value::Object(metadata)) = metadata.map(|first| json!(first)) {
                object.extend(metadata);
            }
            Value::Object(object)
        };
        let mut body = String::new();
        let mut line = |value: Value| {
            body.push_str(&value.to_string());
            body.push('\n');
        };
        if self.names.is_empty() {
            line(json!({"results": []}));
        }
        for batch in self.names.chunks(self.batch) {
            let results: Vec<Value> = batch.iter().map(object).collect();
            line(json!({ "results": results }));
        }
        line(json!({"status": "success", "has_more": self.has_more}));
        ([(header::CONTENT_TYPE, "application/x-ndjson; charset=utf-8")], body).into_response()
    }
}
