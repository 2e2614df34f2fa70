//! Which series, label names and label values there are.

use std::collections::{BTreeMap, BTreeSet};

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
use tsdb::view::View;

use super::{
    answer::{ApiError, success_with},
    params::Params,
    render::TRUNCATED,
};
use crate::{auth::Caller, state::State};

/// Most series in one answer, whatever the caller's limit.
const SERIES_MAX: usize = 1_000_000;

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

    fn selection<'a>(&self, matchers: &'a [Matcher]) -> Selection<'a> {
        Selection { matchers, start: self.start, end: self.end, hints: Hints::default() }
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
        }
        Ok(found.into_iter().collect())
    }

    fn cut<T>(&self, found: &mut Vec<T>) -> Vec<String> {
        let limit = if self.limit == 0 { SERIES_MAX } else { self.limit.min(SERIES_MAX) };
        if found.len() <= limit {
            return Vec::new();
        }
        found.truncate(limit);
        vec![TRUNCATED.to_owned()]
    }
}

/// Looks things up away from the async threads.
pub(super) async fn look_up<T: Send + 'static>(
    state: &State,
    access: &Access,
    each: impl FnOnce(&View) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let deadline = tokio::time::Instant::now() + state.settings.query.timeout.0;
    let permit = tokio::time::timeout_at(deadline, state.query_permit(access))
        .await
        .map_err(|_elapsed| ApiError::Timeout("timed out in the query queue".to_owned()))??;
    let view = state.view(access);
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        each(&view)
    })
    .await
    .map_err(|error| ApiError::Internal(error.to_string()))?
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
    let (found, warnings) = look_up(&state, &access, move |view| {
        let mut found: Vec<Labels> = asked.collect(|selection| view.series(selection))?;
        let warnings = asked.cut(&mut found);
        Ok((found, warnings))
    })
    .await?;
    let objects: Vec<BTreeMap<&str, &str>> =
        found.iter().map(|labels| labels.iter().collect()).collect();
    Ok(success_with(objects, warnings))
}

/// `GET|POST /api/v1/labels`
pub(crate) async fn label_names(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let asked = Asked::of(&params, Params::unnamed_selectors)?;
    let (found, warnings) = look_up(&state, &access, move |view| {
        let mut found = asked.collect(|selection| view.label_names(selection))?;
        let warnings = asked.cut(&mut found);
        Ok((found, warnings))
    })
    .await?;
    Ok(success_with(found, warnings))
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
    let (found, warnings) = look_up(&state, &access, move |view| {
        let mut found = asked.collect(|selection| view.label_values(&name, selection))?;
        let warnings = asked.cut(&mut found);
        Ok((found, warnings))
    })
    .await?;
    Ok(success_with(found, warnings))
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
