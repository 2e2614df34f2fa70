//! Which series, label names and label values there are.

use std::collections::BTreeSet;

use axum::{
    extract::{self, Path},
    response::Response,
};
use model::{
    labels::Labels,
    matcher::Matcher,
    query::{Hints, QueryError, Queryable, Selection},
    time::Timestamp,
};
use tenancy::access::{Access, Scope};
use tokio::time::Instant;
use tsdb::view::View;
use wire::prometheus_json::{Annotations, Comma, write_labels, write_string, write_success};

use super::{
    answer::{ApiError, json},
    params::Params,
    query::CancelOnDrop,
    render::TRUNCATED,
};
use crate::{auth::Caller, state::State};

/// Most series, names or values in one answer, whatever the caller's limit.
const RESULTS_MAX: usize = 1_000_000;
/// So many are written between two questions whether the client is still there.
const RESULTS_PER_CHECK: usize = 1024;
/// Room for what is around the list of results.
const ENVELOPE_BYTES: usize = 256;

/// What the three endpoints have in common.
struct Asked {
    selectors: Vec<Vec<Matcher>>,
    start: Timestamp,
    end: Timestamp,
    /// Zero means all.
    limit: usize,
}

impl Asked {
    /// `selectors` says how to read `match[]`: its errors differ by endpoint.
    fn of(
        params: &Params,
        selectors: impl FnOnce(&Params) -> Result<Vec<Vec<Matcher>>, ApiError>,
    ) -> Result<Self, ApiError> {
        let limit = params.limit()?;
        let start = params.time("start")?.unwrap_or(Timestamp::MIN);
        let end = params.time("end")?.unwrap_or(Timestamp::MAX);
        Ok(Self { selectors: selectors(params)?, start, end, limit })
    }

    /// Most results in the answer.
    fn limit(&self) -> usize {
        if self.limit == 0 { RESULTS_MAX } else { self.limit.min(RESULTS_MAX) }
    }

    /// One more than the limit is looked for, to know whether there are more.
    fn selection<'a>(&self, matchers: &'a [Matcher]) -> Selection<'a> {
        let hints = Hints { limit: self.limit() + 1, ..Hints::default() };
        Selection { matchers, start: self.start, end: self.end, hints }
    }

    /// The union over the selectors; one selection of everything when there are none.
    fn collect<T: Ord>(
        &self,
        each: impl Fn(&Selection<'_>) -> Result<Vec<T>, QueryError>,
    ) -> Result<Vec<T>, QueryError> {
        if self.selectors.is_empty() {
            return each(&self.selection(&[]));
        }
        let mut found = BTreeSet::new();
        for matchers in &self.selectors {
            found.extend(each(&self.selection(matchers))?);
            while found.len() > self.limit() + 1 {
                found.pop_last();
            }
        }
        Ok(found.into_iter().collect())
    }

    fn cut<T>(&self, found: &mut Vec<T>) -> Vec<String> {
        if found.len() <= self.limit() {
            return Vec::new();
        }
        found.truncate(self.limit());
        vec![TRUNCATED.to_owned()]
    }

    /// The whole answer from what was found, written by `write`.
    fn answer<T>(
        &self,
        view: &View,
        mut found: Vec<T>,
        write: impl Fn(&mut Vec<u8>, &T),
    ) -> Result<Vec<u8>, ApiError> {
        let warnings = self.cut(&mut found);
        let mut list = vec![b'['];
        let mut comma = Comma::default();
        for some in found.chunks(RESULTS_PER_CHECK) {
            view.check()?;
            for one in some {
                comma.put(&mut list);
                write(&mut list, one);
            }
        }
        list.push(b']');
        let mut body = Vec::with_capacity(list.len() + ENVELOPE_BYTES);
        let annotations = Annotations { warnings: &warnings, infos: &[] };
        write_success(&mut body, annotations, |out| out.extend_from_slice(&list));
        Ok(body)
    }
}

/// Looks things up away from the async threads; ends soon after the future is dropped, which is
/// what happens when the client goes away, or when its time is up.
pub(super) async fn look_up<T: Send + 'static>(
    state: &State,
    access: &Access,
    each: impl FnOnce(&View) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let deadline = Instant::now() + state.settings.query.timeout.0;
    let permit = tokio::time::timeout_at(deadline, state.query_permit(access))
        .await
        .map_err(|_elapsed| ApiError::Timeout("timed out in the query queue".to_owned()))??;
    let gone = CancelOnDrop::default();
    let view = state.view(access).until(gone.or_at(deadline));
    let found = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        each(&view)
    })
    .await
    .map_err(|error| ApiError::Internal(error.to_string()))?;
    drop(gone);
    found.map_err(|error| match error {
        ApiError::Canceled(_) if deadline <= Instant::now() => {
            ApiError::Timeout("timed out while looking up series".to_owned())
        }
        other => other,
    })
}

/// `GET|POST /api/v1/series?match[]=`
pub(crate) async fn series(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    if params.all("match[]").next().is_none() {
        return Err(ApiError::BadData("no match[] parameter provided".to_owned()));
    }
    let asked = Asked::of(&params, Params::selectors)?;
    let body = look_up(&state, &access, move |view| {
        let found: Vec<Labels> = asked.collect(|selection| view.series(selection))?;
        asked.answer(view, found, write_labels)
    })
    .await?;
    Ok(json(body))
}

/// `GET|POST /api/v1/labels`
pub(crate) async fn label_names(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let asked = Asked::of(&params, Params::unnamed_selectors)?;
    let body = look_up(&state, &access, move |view| {
        let found = asked.collect(|selection| view.label_names(selection))?;
        asked.answer(view, found, |out, name| write_string(out, name))
    })
    .await?;
    Ok(json(body))
}

/// `GET /api/v1/label/{name}/values`
pub(crate) async fn label_values(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let name = unescape(&name);
    if name.is_empty() {
        return Err(ApiError::BadData(format!("invalid label name: {name:?}")));
    }
    let asked = Asked::of(&params, Params::unnamed_selectors)?;
    let body = look_up(&state, &access, move |view| {
        let found = asked.collect(|selection| view.label_values(&name, selection))?;
        asked.answer(view, found, |out, value| write_string(out, value))
    })
    .await?;
    Ok(json(body))
}

/// Undoes the escaping of names that a path cannot hold: `U__`, then `_` as `__` and any other
/// character as `_` hexadecimal `_`. What is not escaped properly is taken as it stands.
/// Source: prometheus/common, value escaping ("values" scheme).
fn unescape(name: &str) -> String {
    name.strip_prefix("U__").and_then(unescape_body).unwrap_or_else(|| name.to_owned())
}

fn unescape_body(escaped: &str) -> Option<String> {
    let mut out = String::with_capacity(escaped.len());
    let mut rest = escaped.chars();
    while let Some(character) = rest.next() {
        if character != '_' {
            out.push(character);
            continue;
        }
        let mut code = String::new();
        loop {
            match rest.next()? {
                '_' if code.is_empty() => {
                    out.push('_');
                    break;
                }
                '_' => {
                    out.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
                    break;
                }
                digit if code.len() < 6 => code.push(digit),
                _ => return None,
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests;
