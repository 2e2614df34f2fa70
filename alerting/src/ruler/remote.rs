//! The aggregator as what a group reads from and writes to.
//!
//! A tenant's rules ask and write through a client that is bound to that tenant, so that nothing in
//! them can reach another. Operators' rules ask for all tenants, and write as the operator's own.

use std::{collections::BTreeMap, future::Future, time::Duration};

use codec::inflate::{Compression, compress};
use daemon::{
    control::{ControlClient, ControlError, Element, QueryResult},
    stop::Stop,
};
use model::{
    labels::Labels,
    matcher::Matcher,
    tenant::TenantId,
    time::Timestamp,
    write::{HistogramSample, Sample as Stored, WriteBatch},
};
use promql::{Expr, Sample, VectorElement};
use rules::{Answers, AppendError, Backend, NOT_A_VECTOR, NewSample, Newest};
use tokio::{runtime::Handle, time::Instant};
use wire::remote_write::{self, Version};

/// The label by which operators tell tenants apart, and what it is called in series of their own,
/// where it would be taken for the owner.
const TENANT_LABEL: &str = "tenant";
const EXPORTED_TENANT: &str = "exported_tenant";

/// Why an evaluation does not go on at the end of the process.
const STOPPING: &str = "stopping";

/// Bounds on one evaluation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) query_timeout: Duration,
    pub(super) group_timeout: Duration,
    pub(super) samples_max: usize,
}

/// One evaluation's way to the aggregator. Its calls block.
pub(super) struct Remote {
    runtime: Handle,
    stop: Stop,
    asks: ControlClient,
    /// Bound to the tenant that samples are written for.
    writes: ControlClient,
    is_operator: bool,
    limits: Limits,
    begun: Instant,
    /// Samples that were written.
    pub(super) written: u64,
}

impl Remote {
    pub(super) fn new(
        client: &ControlClient,
        tenant: Option<&TenantId>,
        operator: &TenantId,
        limits: Limits,
        stop: Stop,
    ) -> Self {
        let writes = client.bound_to(tenant.unwrap_or(operator));
        Self {
            runtime: Handle::current(),
            stop,
            asks: if tenant.is_some() { writes.clone() } else { client.clone() },
            writes,
            is_operator: tenant.is_none(),
            limits,
            begun: Instant::now(),
            written: 0,
        }
    }

    /// Waits for an answer, within the time that is left.
    fn wait<T>(&self, answer: impl Future<Output = Result<T, ControlError>>) -> Result<T, String> {
        let end = self.begun + self.limits.group_timeout;
        self.runtime.block_on(async {
            tokio::select! {
                answer = answer => answer.map_err(|error| daemon::telemetry::chain(&error)),
                () = self.stop.stopped() => Err(STOPPING.to_owned()),
                () = tokio::time::sleep_until(end) => Err(self.too_long()),
            }
        })
    }

    fn too_long(&self) -> String {
        format!("the evaluation of the group takes longer than {:?}", self.limits.group_timeout)
    }

    fn ask(
        &self,
        client: &ControlClient,
        query: &str,
        at: Timestamp,
        lookback: Option<Duration>,
    ) -> Result<QueryResult, String> {
        let Limits { query_timeout, samples_max, .. } = self.limits;
        // One more than allowed, to see that there are more.
        let limit = samples_max.saturating_add(1);
        self.wait(client.instant(query, at, query_timeout, lookback, limit))
    }

    fn elements(&self, result: QueryResult, at: Timestamp) -> Result<Vec<VectorElement>, String> {
        let elements = match result {
            QueryResult::Scalar(value) => {
                vec![Element { metric: BTreeMap::new(), value: Some(value) }]
            }
            QueryResult::Vector(elements) => elements,
            QueryResult::String(_) | QueryResult::Matrix(_) => return Err(NOT_A_VECTOR.to_owned()),
        };
        let most = self.limits.samples_max;
        if elements.len() > most {
            return Err(format!("the result has more than {most} elements"));
        }
        elements.into_iter().map(|found| element(&found, at)).collect()
    }
}

fn element(found: &Element, at: Timestamp) -> Result<VectorElement, String> {
    let labels = Labels::new(&found.metric).map_err(|error| error.to_string())?;
    let Some((_, value)) = &found.value else {
        return Err(format!("{labels} is a native histogram, which rules cannot read yet"));
    };
    let value = value.parse().map_err(|_error| format!("{value:?} is no number"))?;
    Ok(VectorElement { labels, time: at.0, value: Sample::Float(value) })
}

impl Answers for Remote {
    fn query(&self, expr: &Expr, at: Timestamp) -> Result<Vec<VectorElement>, String> {
        let result = self.ask(&self.asks, &expr.to_string(), at, None)?;
        self.elements(result, at)
    }

    fn go_on(&self) -> Result<(), String> {
        if self.stop.is_stopping() {
            return Err(STOPPING.to_owned());
        }
        if self.begun.elapsed() > self.limits.group_timeout { Err(self.too_long()) } else { Ok(()) }
    }

    fn newest(
        &self,
        matchers: &[Matcher],
        at: Timestamp,
        within: Duration,
    ) -> Result<Vec<Newest>, String> {
        let matchers: Vec<Matcher> = matchers.iter().map(|it| self.exported(it)).collect();
        let selector = selector(&matchers);
        // A sample is as old as `timestamp` says, which a selector alone does not.
        let ask = |query: &str| {
            let result = self.ask(&self.writes, query, at, Some(within))?;
            self.elements(result, at)
        };
        let times: BTreeMap<Labels, f64> = ask(&format!("timestamp({selector})"))?
            .into_iter()
            .filter_map(|element| Some((element.labels, float(&element.value)?)))
            .collect();
        let newest =
            ask(&selector)?.into_iter().filter_map(|VectorElement { labels, value, .. }| {
                let time = times.get(&labels.without(model::labels::METRIC_NAME))?;
                let time = Timestamp::from_seconds(*time);
                let labels = if self.is_operator { imported(&labels) } else { labels };
                Some(Newest { labels, time, value: float(&value)? })
            });
        Ok(newest.collect())
    }
}

impl Remote {
    fn exported(&self, matcher: &Matcher) -> Matcher {
        if self.is_operator && matcher.name() == TENANT_LABEL {
            return Matcher::equal(EXPORTED_TENANT, matcher.value());
        }
        matcher.clone()
    }
}

fn float(value: &Sample) -> Option<f64> {
    match value {
        Sample::Float(value) => Some(*value),
        Sample::Histogram(_) => None,
    }
}

/// Matchers as PromQL.
fn selector(matchers: &[Matcher]) -> String {
    let matchers: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    format!("{{{}}}", matchers.join(","))
}

/// An operator's labels as they are stored, and the way back.
fn exported(labels: &Labels) -> Labels {
    match labels.get(TENANT_LABEL) {
        Some(tenant) => labels.without(TENANT_LABEL).with(EXPORTED_TENANT, tenant),
        None => labels.clone(),
    }
}

fn imported(labels: &Labels) -> Labels {
    match labels.get(EXPORTED_TENANT) {
        Some(tenant) => labels.without(EXPORTED_TENANT).with(TENANT_LABEL, tenant),
        None => labels.clone(),
    }
}

impl Backend for Remote {
    fn append(&mut self, samples: &[NewSample]) -> Result<(), AppendError> {
        let lost = |reason: String| AppendError { dropped: samples.len(), reason };
        let body = encode(samples, self.is_operator).map_err(lost)?;
        let content_type = Version::V2.content_type();
        let written = self.wait(self.writes.write(content_type, body)).map_err(lost)?;
        self.written += written.stored;
        let Some(refused) = written.refused else { return Ok(()) };
        let stored = usize::try_from(written.stored).unwrap_or(usize::MAX);
        let reason = refused.to_string();
        Err(AppendError { dropped: samples.len().saturating_sub(stored), reason })
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

/// A body of remote write 2.0.
fn encode(samples: &[NewSample], is_operator: bool) -> Result<Vec<u8>, String> {
    let mut batch = WriteBatch::default();
    for NewSample { labels, time, value } in samples {
        if is_operator {
            batch.begin_set(&exported(labels));
        } else {
            batch.begin_set(labels);
        }
        let time = time.0;
        match value {
            Sample::Float(value) => {
                batch.push_sample(Stored { time, value: *value, start: 0 });
            }
            Sample::Histogram(value) => {
                batch.push_histogram(HistogramSample { time, value: value.clone(), start: 0 });
            }
        }
    }
    let (mut plain, mut body) = (Vec::new(), Vec::new());
    remote_write::encode(Version::V2, &batch, &mut plain);
    compress(Compression::Snappy, &plain, &mut body).map_err(|error| error.to_string())?;
    Ok(body)
}

#[cfg(test)]
mod tests;
