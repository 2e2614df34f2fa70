//! Exemplars: one observed value with the labels (mostly a trace id) that lead to its cause.

use crate::{labels::Labels, time::Timestamp};

/// One exemplar of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    pub labels: Labels,
    pub value: f64,
    pub time: Timestamp,
}
