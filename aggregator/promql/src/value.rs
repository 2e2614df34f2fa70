//! What a query answers.

use std::sync::Arc;

use model::{histogram::Histogram, labels::Labels};

/// The result of a query with what was noticed on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub value: Value,
    /// Things that probably make the result wrong, one sentence each, in order of appearance.
    pub warnings: Vec<String>,
    /// Things worth knowing.
    pub infos: Vec<String>,
    pub stats: Stats,
}

/// The work a query took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series that selectors found.
    pub series: u64,
    /// Samples that stores returned, histograms weighed by their size.
    pub samples_read: u64,
    /// Samples that steps looked at: a sample in the windows of ten steps counts ten times, one
    /// that the store gave instead of several counts as one.
    pub samples_total: u64,
    /// The most samples held at one time.
    pub samples_peak: u64,
}

/// The value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Time in milliseconds and value.
    Scalar(i64, f64),
    String(i64, String),
    /// Elements at one time. Their order is that of the expression (`sort`, `topk`).
    Vector(Vec<VectorElement>),
    /// Series over time, sorted by labels.
    Matrix(Vec<MatrixSeries>),
}

/// An element of an instant vector.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorElement {
    pub labels: Labels,
    /// Milliseconds since the Unix epoch.
    pub time: i64,
    pub value: Sample,
}

/// A float or a histogram.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    Float(f64),
    Histogram(Arc<Histogram>),
}

/// One series of a range of times. Its times are distinct over both lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatrixSeries {
    pub labels: Labels,
    /// Times in milliseconds, ascending, with values.
    pub floats: Vec<(i64, f64)>,
    pub histograms: Vec<(i64, Arc<Histogram>)>,
}
