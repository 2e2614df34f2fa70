//! PromQL over HTTP: instant and range queries.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{extract, response::Response};
use model::{matcher::Matcher, query::QueryError, time::Timestamp};
use promql::{Answer, Context, EvalError, Expr, ParseOptions};
use tenancy::access::{Access, Scope};
use tokio::time::Instant;

use super::{
    answer::{ApiError, json, success},
    params::Params,
};
use crate::{auth::Caller, state::State};

/// Most points of one series in a range query, as in Prometheus.
const POINTS_MAX: i64 = 11_000;

/// What `stats` may be; whatever it is, it asks for statistics.
const STATS_VALUES: [&str; 2] = ["true", "all"];

/// What to evaluate.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    Instant(Timestamp),
    Range { start: Timestamp, end: Timestamp, step: Duration },
}

/// The answer of a query and how long it took.
pub(crate) struct Evaluated {
    pub(crate) answer: Answer,
    /// In the line of those that wait.
    queued: Duration,
    took: Duration,
}

impl Evaluated {
    /// The statistics in Prometheus' shape, times in seconds. Parsing and sorting are part of the
    /// evaluation here and take no time of their own.
    fn stats(&self) -> Vec<u8> {
        let (queued, took) = (self.queued.as_secs_f64(), self.took.as_secs_f64());
        let stats = &self.answer.stats;
        let object = serde_json::json!({
            "timings": {
                "evalTotalTime": took, "resultSortTime": 0, "queryPreparationTime": 0,
                "innerEvalTime": took, "execQueueTime": queued, "execTotalTime": queued + took,
            },
            "samples": {
                "totalQueryableSamples": stats.samples_total, "samplesRead": stats.samples_read,
                "peakSamples": stats.samples_peak,
            },
        });
        object.to_string().into_bytes()
    }
}

/// `GET|POST /api/v1/query`
pub(crate) async fn instant(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let limit = params.limit()?;
    let time = params.time("time")?.unwrap_or_else(daemon::clock::now);
    answer(&state, &access, &params, When::Instant(time), limit).await
}

/// `GET|POST /api/v1/query_range`
pub(crate) async fn range(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let limit = params.limit()?;
    let (start, end) = (params.required_time("start")?, params.required_time("end")?);
    if end < start {
        return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
    }
    let step = params.step()?;
    if end.millis().saturating_sub(start.millis()) / step > POINTS_MAX {
        return Err(ApiError::BadData(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query \
             resolution (?step=XX)"
                .to_owned(),
        ));
    }
    let step = Duration::from_millis(u64::try_from(step).unwrap_or(1));
    answer(&state, &access, &params, When::Range { start, end, step }, limit).await
}

async fn answer(
    state: &State,
    access: &Arc<Access>,
    params: &Params,
    when: When,
    limit: usize,
) -> Result<Response, ApiError> {
    let mut timeout = state.settings.query.timeout.0;
    if let Some(millis) = params.duration("timeout")? {
        timeout = timeout.min(Duration::from_millis(u64::try_from(millis).unwrap_or(0)));
    }
    let lookback = params.lookback()?;
    let expr = parse(params.text("query"))?;
    let stats_wanted = params.get("stats").map(str::to_owned);
    let render = move |mut evaluated: Evaluated, stop: &dyn Fn() -> bool| {
        let stats = stats_wanted.map(|wanted| {
            if !STATS_VALUES.contains(&wanted.as_str()) {
                evaluated.answer.warnings.push(format!(
                    "value {wanted:?} for parameter \"stats\" is deprecated and will be rejected in \
                     the next major release, use \"true\" or \"all\""
                ));
            }
            evaluated.stats()
        });
        super::render::answer(evaluated.answer, limit, stats.as_deref(), stop)
    };
    evaluate(state, access, expr, when, timeout, lookback, render).await.map(json)
}

/// Parses a query of the API.
pub(crate) fn parse(query: &str) -> Result<Expr, ApiError> {
    parse_unnamed(query).map_err(|error| ApiError::parameter("query", error))
}

/// Parses a query; the error does not name the parameter.
pub(super) fn parse_unnamed(query: &str) -> Result<Expr, String> {
    promql::parse(query, &ParseOptions::default()).map_err(|error| error.to_string())
}

/// Parses a series selector (`match[]`).
pub(crate) fn parse_selector(text: &str) -> Result<Vec<Matcher>, String> {
    promql::parse_selector(text, &ParseOptions::default()).map_err(|error| error.to_string())
}

/// Evaluates away from the async threads, and there has `finish` make of the answer, which can be
/// large, what is wanted. Both end soon after the future is dropped, which is what happens when the
/// client goes away: `finish` is told how to ask.
#[tracing::instrument(name = "query", skip_all, fields(caller = access.name))]
pub(crate) async fn evaluate<T: Send + 'static>(
    state: &State,
    access: &Arc<Access>,
    expr: Expr,
    when: When,
    timeout: Duration,
    lookback: Option<i64>,
    finish: impl FnOnce(Evaluated, &dyn Fn() -> bool) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, ApiError> {
    let asked = Instant::now();
    let deadline = asked + timeout;
    let permit = tokio::time::timeout_at(deadline, state.query_permit(access))
        .await
        .map_err(|_elapsed| ApiError::Timeout("query timed out in query queue".to_owned()))??;
    let gone = CancelOnDrop::default();
    let stop = gone.or_at(deadline);
    let view = state.view(access).until(stop.clone());
    let engine = state.engine.clone();
    let started = Instant::now();
    let (took, evaluated) = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let lookback = lookback.and_then(|millis| u64::try_from(millis).ok());
        let context = Context {
            cancelled: &stop,
            lookback: lookback.map(Duration::from_millis),
            max_samples: None,
            max_series: None,
        };
        let answer = match when {
            When::Instant(time) => engine.instant(&expr, time, &view, &context),
            When::Range { start, end, step } => {
                engine.range(&expr, start, end, step, &view, &context)
            }
        };
        let (queued, took) = (started - asked, started.elapsed());
        let finished = answer.and_then(|answer| {
            finish(Evaluated { answer, queued, took }, &stop).map_err(EvalError::Storage)
        });
        (took, finished)
    })
    .await
    .map_err(|error| ApiError::Internal(format!("query failed: {error}")))?;
    drop(gone);
    state.metrics.queries.inc();
    state.metrics.query_seconds.observe(took.as_secs_f64());
    evaluated.map_err(|error| match error {
        EvalError::Cancelled | EvalError::Storage(QueryError::Cancelled) => {
            if deadline <= Instant::now() {
                ApiError::Timeout("query timed out in expression evaluation".to_owned())
            } else {
                ApiError::Canceled("query was canceled".to_owned())
            }
        }
        EvalError::Query(error) => ApiError::parameter("query", error),
        EvalError::Storage(error) => error.into(),
        other => ApiError::Execution(other.to_string()),
    })
}

/// Sets its flag when it is dropped, as the future of a request is when the client goes away.
#[derive(Debug, Default)]
pub(super) struct CancelOnDrop(Arc<AtomicBool>);

impl CancelOnDrop {
    /// What says so once this was dropped or it is too late.
    pub(super) fn or_at(
        &self,
        deadline: Instant,
    ) -> impl Fn() -> bool + Clone + Send + Sync + use<> {
        let cancelled = Arc::clone(&self.0);
        move || cancelled.load(Ordering::Relaxed) || deadline <= Instant::now()
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// `GET|POST /api/v1/format_query`
pub(crate) async fn format(
    extract::State(_state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    access.require(&[Scope::MetricsRead])?;
    let expr = parse(params.text("query"))?;
    Ok(success(promql::format_query(&expr)))
}
