//! `GET|POST /api/v1/query_exemplars`: exemplars of the series that a query selects.

use std::collections::BTreeMap;

use axum::{
    extract,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use model::{
    exemplar::Exemplar,
    labels::Labels,
    matcher::Matcher,
    query::{Hints, Queryable, Selection},
    time::Timestamp,
};
use tenancy::access::Scope;
use wire::prometheus_json::{Annotations, write_exemplars, write_success};

use super::{
    answer::{ApiError, json},
    params::Params,
    query,
    series::look_up,
};
use crate::{auth::Caller, state::State};

/// Takes `query`, `start` and `end`. A query without selectors has no exemplars and gets an answer
/// without content, as from Prometheus.
pub(crate) async fn exemplars(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let start = params.time("start")?.unwrap_or(Timestamp::MIN);
    let end = params.time("end")?.unwrap_or(Timestamp::MAX);
    if end < start {
        let message = "end timestamp must not be before start timestamp";
        return Err(ApiError::BadData(message.to_owned()));
    }
    let expr = query::parse_unnamed(params.text("query")).map_err(ApiError::BadData)?;
    let selectors: Vec<Vec<Matcher>> =
        expr.selectors().into_iter().map(<[Matcher]>::to_vec).collect();
    if selectors.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let found = look_up(&state, &access, move |view| {
        let mut found: BTreeMap<Labels, Vec<Exemplar>> = BTreeMap::new();
        for matchers in &selectors {
            let hints = Hints::default();
            found.extend(view.exemplars(&Selection { matchers, start, end, hints })?);
        }
        Ok(found)
    })
    .await?;
    let mut out = Vec::new();
    let each = found.iter().map(|(labels, exemplars)| (labels, exemplars.as_slice()));
    write_success(&mut out, Annotations::default(), |out| write_exemplars(out, each));
    Ok(json(out))
}
