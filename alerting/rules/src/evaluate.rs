//! Where rules read from and write to.

use std::time::Duration;

use model::{
    columns::{Columns, is_stale},
    labels::Labels,
    matcher::Matcher,
    query::{Hints, Queryable, Selection},
    time::Timestamp,
};
use promql::{Context, Engine, Expr, Sample, Value, VectorElement, script::MemoryStore};

/// Answers what rules ask, wherever the data is.
pub trait Answers {
    /// The elements of a vector, or a scalar as one element without labels.
    fn query(&self, expr: &Expr, at: Timestamp) -> Result<Vec<VectorElement>, String>;

    /// The newest float of each series that matches and that has not ended, not older than `within`
    /// before `at`.
    fn newest(
        &self,
        matchers: &[Matcher],
        at: Timestamp,
        within: Duration,
    ) -> Result<Vec<Newest>, String>;

    /// Whether there is time to go on; asked often during long work. The error says why not.
    fn go_on(&self) -> Result<(), String> {
        Ok(())
    }
}

/// The newest sample of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Newest {
    pub labels: Labels,
    pub time: Timestamp,
    pub value: f64,
}

/// Where a whole group reads from and writes to.
pub trait Backend: Answers {
    /// Stores samples, see [`Storage::append`].
    fn append(&mut self, samples: &[NewSample]) -> Result<(), AppendError>;

    /// How long the evaluation has taken so far.
    fn elapsed(&self) -> Duration;
}

/// What queries are answered from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub engine: &'a Engine,
    pub store: &'a dyn Queryable,
    pub context: Context<'a>,
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Answers for Source<'_> {
    fn query(&self, expr: &Expr, at: Timestamp) -> Result<Vec<VectorElement>, String> {
        let answer = self
            .engine
            .instant(expr, at, self.store, &self.context)
            .map_err(|error| error.to_string())?;
        match answer.value {
            Value::Vector(elements) => Ok(elements),
            Value::Scalar(time, value) => {
                let (labels, value) = (Labels::default(), Sample::Float(value));
                Ok(vec![VectorElement { labels, time, value }])
            }
            Value::String(..) | Value::Matrix(_) => Err(NOT_A_VECTOR.to_owned()),
        }
    }

    fn newest(
        &self,
        matchers: &[Matcher],
        at: Timestamp,
        within: Duration,
    ) -> Result<Vec<Newest>, String> {
        let start = at.saturating_sub(within);
        let selection = Selection { matchers, start, end: at, hints: Hints::default() };
        let mut found = Vec::new();
        let mut columns = Columns::default();
        for series in self.store.select(&selection).map_err(|error| error.to_string())? {
            columns.clear();
            series.decode(&mut columns).map_err(|error| error.to_string())?;
            let mut samples = columns.times.iter().zip(&columns.values);
            let last = samples.rfind(|(time, _)| **time >= start.0 && **time <= at.0);
            if let Some((time, value)) = last.filter(|(_, value)| !is_stale(**value)) {
                let (labels, time) = (series.labels().clone(), Timestamp(*time));
                found.push(Newest { labels, time, value: *value });
            }
        }
        Ok(found)
    }
}

/// Worded as Prometheus words it.
pub const NOT_A_VECTOR: &str = "rule result is not a vector or scalar";

/// An engine and a store in this process, as a backend.
pub(crate) struct Local<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) context: Context<'a>,
    pub(crate) storage: &'a mut dyn Storage,
}

impl Local<'_> {
    fn source(&self) -> Source<'_> {
        Source { engine: self.engine, store: self.storage.queryable(), context: self.context }
    }
}

impl Answers for Local<'_> {
    fn query(&self, expr: &Expr, at: Timestamp) -> Result<Vec<VectorElement>, String> {
        self.source().query(expr, at)
    }

    fn newest(
        &self,
        matchers: &[Matcher],
        at: Timestamp,
        within: Duration,
    ) -> Result<Vec<Newest>, String> {
        self.source().newest(matchers, at, within)
    }
}

impl Backend for Local<'_> {
    fn append(&mut self, samples: &[NewSample]) -> Result<(), AppendError> {
        self.storage.append(samples)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

/// A sample that a rule produced.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSample {
    pub labels: Labels,
    pub time: Timestamp,
    /// A staleness marker ends a series.
    pub value: Sample,
}

impl NewSample {
    /// Ends a series.
    pub(crate) fn stale(labels: Labels, time: Timestamp) -> Self {
        Self { labels, time, value: Sample::Float(model::columns::stale_nan()) }
    }

    /// Whether it is a staleness marker.
    pub fn is_stale(&self) -> bool {
        matches!(self.value, Sample::Float(value) if is_stale(value))
    }
}

/// Where the samples of rules go, and where later rules of the group see them.
pub trait Storage {
    fn queryable(&self) -> &dyn Queryable;

    /// Stores samples. Those that it cannot store are counted in the error, and the others stored.
    fn append(&mut self, samples: &[NewSample]) -> Result<(), AppendError>;
}

/// Samples that were not stored. Staleness markers that found the series alive do not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{dropped} samples were not stored: {reason}")]
pub struct AppendError {
    pub dropped: usize,
    /// Why, of the first.
    pub reason: String,
}

impl Storage for MemoryStore {
    fn queryable(&self) -> &dyn Queryable {
        self
    }

    fn append(&mut self, samples: &[NewSample]) -> Result<(), AppendError> {
        let mut failed: Option<AppendError> = None;
        for sample in samples {
            let stored = self.push(&sample.labels, sample.time.0, &sample.value, 0);
            if let Err(reason) = stored
                && !sample.is_stale()
            {
                failed.get_or_insert(AppendError { dropped: 0, reason }).dropped += 1;
            }
        }
        failed.map_or(Ok(()), Err)
    }
}
