//! Where rules read from and write to.

use model::{labels::Labels, query::Queryable, time::Timestamp};
use promql::{Context, Engine, Expr, Sample, Value, VectorElement, script::MemoryStore};

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

impl Source<'_> {
    /// The elements of a vector, or a scalar as one element without labels.
    pub fn query(&self, expr: &Expr, at: Timestamp) -> Result<Vec<VectorElement>, String> {
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
            Value::String(..) | Value::Matrix(_) => {
                Err("rule result is not a vector or scalar".to_owned())
            }
        }
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
        matches!(self.value, Sample::Float(value) if model::columns::is_stale(value))
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
