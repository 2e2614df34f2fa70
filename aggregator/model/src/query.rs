//! The one interface between those who hold series and those who ask for them.
//!
//! `tsdb` (and later federation) implement [`Queryable`]; `promql`, federation and export consume
//! it, so that neither side knows the other. A selection first resolves series, then decodes each
//! one on demand: handles are independent, so a caller may decode them in parallel and drop each
//! before the next.

use std::{fmt, time::Duration};

pub use decoder::{Decoder, TimesSource};

use crate::{
    columns::Columns, exemplar::Exemplar, labels::Labels, matcher::Matcher, time::Timestamp,
};

/// What a selection is for. A store may ignore every hint, and must answer the same if it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Step of the range query; zero for an instant query.
    pub step: Duration,
    /// Length of the range selector; zero for an instant selector.
    pub range: Duration,
    /// The function or aggregation applied directly to the selector.
    pub function: Option<String>,
    /// Labels of an enclosing `by` or `without`.
    pub grouping: Vec<String>,
    pub by: bool,
    /// At most so many series, or of names and values of labels the first so many, are of interest;
    /// zero means all.
    pub limit: usize,
    /// The stretches of time that the query looks at, if one sample of each is all it needs.
    pub windows: Option<Windows>,
}

/// What of each window the answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The last sample, staleness markers being samples.
    Latest,
    /// The last sample that is no staleness marker.
    Last,
    /// The first sample that is no staleness marker.
    First,
    /// The greatest float; NaN only if there is no other.
    Greatest,
    /// The least float, likewise.
    Least,
    /// Whether there is a sample that is no staleness marker.
    Any,
}

/// Evenly spaced stretches of time, all of one length: the first ends at `first`, each begins
/// after `length` before its end. Milliseconds.
///
/// Instead of floats that follow each other a store may return one that has the same effect on each
/// window. It may leave out samples that are in no window, and series that have no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    pub first: i64,
    /// Positive.
    pub step: i64,
    /// Positive.
    pub count: u64,
    pub length: i64,
    pub need: Need,
}

impl Windows {
    /// Whether a window ends between two times, both inclusive.
    fn ends_between(&self, low: i128, high: i128) -> bool {
        let (first, step) = (i128::from(self.first), i128::from(self.step.max(1)));
        let number = (low - first + step - 1).div_euclid(step).max(0);
        number < i128::from(self.count) && first + number * step <= high
    }

    /// Whether a window has something of a stretch from `min` to `max`, both inclusive.
    pub fn touch(&self, min: i64, max: i64) -> bool {
        let (min, max) = (i128::from(min), i128::from(max));
        self.ends_between(min, max + i128::from(self.length) - 1)
    }

    /// Whether a window has the sample at `min` and not that at `max`.
    pub fn end_within(&self, min: i64, max: i64) -> bool {
        self.ends_between(i128::from(min), i128::from(max) - 1)
    }

    /// Whether a window has the sample at `max` and not that at `min` because it begins later.
    pub fn begin_within(&self, min: i64, max: i64) -> bool {
        let length = i128::from(self.length);
        self.ends_between(i128::from(min) + length, i128::from(max) + length - 1)
    }
}

/// Which series, and which of their samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection<'a> {
    /// All must match.
    pub matchers: &'a [Matcher],
    /// First and last time of interest, both inclusive. Samples outside may be returned too.
    pub start: Timestamp,
    pub end: Timestamp,
    pub hints: Hints,
}

/// A series that a selection found, not decoded yet.
pub trait SeriesHandle: Send + Sync {
    fn labels(&self) -> &Labels;

    /// Appends the samples to `columns`, which the caller has cleared. Times strictly increase,
    /// and every sample between the selection's start and end is among them, but for what
    /// [`Hints::windows`] allows. Staleness markers are samples like others.
    fn decode(&self, columns: &mut Columns) -> Result<(), QueryError>;

    /// Decodes the samples in place of those of the series before. A store that knows without
    /// decoding them that the times are the same may leave them as they are.
    fn decode_next(&self, decoder: &mut Decoder) -> Result<(), QueryError> {
        decoder.replace(|columns| self.decode(columns))
    }
}

/// The series of a selection, sorted by labels and without duplicates.
pub type SeriesSet = Vec<Box<dyn SeriesHandle>>;

/// Whatever holds series. One value stands for what one caller may see: a tenant cannot name
/// another tenant's partition, because its `Queryable` does not reach it.
pub trait Queryable: Send + Sync {
    fn select(&self, selection: &Selection<'_>) -> Result<SeriesSet, QueryError>;

    /// The label sets alone, sorted; for `/series` and for counting.
    fn series(&self, selection: &Selection<'_>) -> Result<Vec<Labels>, QueryError> {
        let found = self.select(selection)?;
        Ok(found.iter().map(|handle| handle.labels().clone()).collect())
    }

    /// Sorted names of labels of the series that match.
    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError>;

    /// Sorted values of one label over the series that match.
    fn label_values(
        &self,
        name: &str,
        selection: &Selection<'_>,
    ) -> Result<Vec<String>, QueryError>;

    /// Exemplars in the selection's time range, by series.
    fn exemplars(
        &self,
        _selection: &Selection<'_>,
    ) -> Result<Vec<(Labels, Vec<Exemplar>)>, QueryError> {
        Ok(Vec::new())
    }
}

/// Why a store could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The caller went away or its time is up.
    #[error("query was cancelled")]
    Cancelled,
    /// The query would touch more than the caller's limit allows.
    #[error("query exceeds the limit of {limit} {what}")]
    Limit { what: &'static str, limit: u64 },
    /// Stored data is damaged; the message says where.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    #[error("storage failed: {0}")]
    Storage(String),
}

impl fmt::Debug for dyn SeriesHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SeriesHandle({})", self.labels())
    }
}

mod decoder;

#[cfg(test)]
mod tests;
