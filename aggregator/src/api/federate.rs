//! `GET /federate?match[]=`: the newest sample of each series that matches, in the text exposition
//! format, for a Prometheus that pulls from us.

use axum::{
    extract,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use model::{
    columns::{Columns, is_stale},
    query::{Hints, Queryable, Selection, SeriesHandle},
    time::Timestamp,
};
use tenancy::access::Scope;
use wire::exposition::{Exposition, Writer};

use super::{answer::ApiError, params::Params, series::look_up};
use crate::{auth::Caller, state::State};

/// Most series in one answer; more is what remote write is for.
const SERIES_MAX: usize = 1_000_000;

pub(crate) async fn federate(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let exposition = Exposition::negotiate(accept);
    let selectors = params.selectors()?;
    if selectors.is_empty() {
        return Err(ApiError::BadData("no match[] parameter provided".to_owned()));
    }
    let now = daemon::clock::now();
    let start = now.saturating_sub(state.settings.query.lookback.0);
    let body = look_up(&state, &access, move |view| {
        let mut found = Vec::new();
        for matchers in &selectors {
            let selection = Selection { matchers, start, end: now, hints: Hints::default() };
            found.append(&mut view.select(&selection)?);
            if found.len() > SERIES_MAX {
                let message = format!("more than {SERIES_MAX} series match");
                return Err(ApiError::Execution(message));
            }
        }
        // Samples of one metric must follow each other in the text format.
        found.sort_by_cached_key(|handle| {
            (handle.labels().metric().to_owned(), handle.labels().clone())
        });
        found.dedup_by(|a, b| a.labels() == b.labels());
        expose(&found, exposition, start, now)
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, exposition.content_type())], body).into_response())
}

fn expose(
    found: &[Box<dyn SeriesHandle>],
    exposition: Exposition,
    start: Timestamp,
    now: Timestamp,
) -> Result<Vec<u8>, ApiError> {
    let mut out = Vec::new();
    let mut writer = Writer::begin(&mut out, exposition);
    let mut columns = Columns::default();
    for handle in found {
        columns.clear();
        handle.decode(&mut columns)?;
        let newest = columns.times.partition_point(|time| *time <= now.millis()).checked_sub(1);
        let Some(index) = newest else { continue };
        let (Some(&time), Some(&value)) = (columns.times.get(index), columns.values.get(index))
        else {
            continue;
        };
        // The text format has no native histograms; those that pull them use protobuf.
        if time <= start.millis() || is_stale(value) || columns.histogram(index).is_some() {
            continue;
        }
        writer.untyped(handle.labels(), value, Some(Timestamp(time)));
    }
    writer.finish();
    Ok(out)
}
