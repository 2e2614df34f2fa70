//! `GET /federate?match[]=`: the newest sample of each series that matches, for a Prometheus that
//! pulls from us.
//!
//! All is as Prometheus does it: floats are untyped, histograms with custom buckets become classic
//! ones, exponential histograms are in protobuf only, and a series that is stale or without a name
//! is left out. Each series gets the external labels that it lacks, and an empty `instance` if it
//! has none, so that the scraper with `honor_labels` does not put the address of this server there.

use std::collections::BTreeMap;

use axum::{
    extract,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use model::{
    columns::{Columns, is_stale},
    histogram::Histogram,
    labels::Labels,
    query::{Hints, Queryable, Selection, SeriesHandle},
    time::Timestamp,
};
use tenancy::access::Scope;
use tsdb::view::View;
use wire::exposition::{Accepted, Attached, ProtobufWriter, Writer};

use super::{answer::ApiError, params::Params, series::look_up};
use crate::{auth::Caller, state::State};

/// Most series in one answer; more is what remote write is for.
const SERIES_MAX: usize = 1_000_000;
/// Largest answer, before it is compressed.
const ANSWER_BYTES_MAX: usize = 256 << 20;
const INSTANCE: &str = "instance";

pub(crate) async fn federate(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let accepted = Accepted::negotiate(accept);
    let selectors = params.selectors()?;
    if selectors.is_empty() {
        return Err(ApiError::BadData("no match[] parameter provided".to_owned()));
    }
    let now = daemon::clock::now();
    let start = now.saturating_sub(state.settings.query.lookback.0);
    let mut attached = state.settings.external_labels.clone();
    attached.entry(INSTANCE.to_owned()).or_default();
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
        let mut body = Vec::new();
        expose(view, &found, Out::begin(&mut body, accepted, &attached), (start, now))?;
        Ok(body)
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, accepted.content_type())], body).into_response())
}

/// A writer of the format at hand.
enum Out<'a> {
    Text(Writer<'a>),
    Protobuf(ProtobufWriter<'a>),
}

impl<'a> Out<'a> {
    fn begin(
        body: &'a mut Vec<u8>,
        accepted: Accepted,
        attached: &'a BTreeMap<String, String>,
    ) -> Self {
        let attached = Attached::new(attached);
        match accepted {
            Accepted::Text(exposition) => Self::Text(Writer::attaching(body, exposition, attached)),
            Accepted::Protobuf(escaping) => {
                Self::Protobuf(ProtobufWriter::begin(body, escaping, attached))
            }
        }
    }

    fn put(&mut self, labels: &Labels, value: f64, histogram: Option<&Histogram>, time: Timestamp) {
        match (self, histogram) {
            (Self::Text(out), None) => out.untyped(labels, value, Some(time)),
            (Self::Text(out), Some(histogram)) => out.histogram(labels, histogram, Some(time)),
            (Self::Protobuf(out), None) => out.untyped(labels, value, time),
            (Self::Protobuf(out), Some(histogram)) => out.histogram(labels, histogram, time),
        };
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Text(out) => out.bytes(),
            Self::Protobuf(out) => out.bytes(),
        }
    }

    fn finish(self) {
        match self {
            Self::Text(out) => out.finish(),
            Self::Protobuf(out) => out.finish(),
        }
    }
}

fn expose(
    view: &View,
    found: &[Box<dyn SeriesHandle>],
    mut out: Out<'_>,
    (start, now): (Timestamp, Timestamp),
) -> Result<(), ApiError> {
    let mut columns = Columns::default();
    for handle in found {
        view.check()?;
        columns.clear();
        handle.decode(&mut columns)?;
        let newest = columns.times.partition_point(|time| *time <= now.millis()).checked_sub(1);
        let Some(index) = newest else { continue };
        let (Some(&time), Some(&value)) = (columns.times.get(index), columns.values.get(index))
        else {
            continue;
        };
        let histogram = columns.histogram(index).map(AsRef::as_ref);
        let value = histogram.map_or(value, |histogram: &Histogram| histogram.sum);
        if time < start.millis() || is_stale(value) {
            continue;
        }
        out.put(handle.labels(), value, histogram, Timestamp(time));
        if out.bytes() > ANSWER_BYTES_MAX {
            let message = format!("the answer exceeds {ANSWER_BYTES_MAX} bytes: match less");
            return Err(ApiError::Execution(message));
        }
    }
    out.finish();
    Ok(())
}
