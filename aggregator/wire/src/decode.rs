//! What every decoder takes and gives: options, a partition to fill, and statistics.

use std::borrow::Cow;

use model::write::WriteBatch;

use crate::{limits::Limits, skipped::Skipped};

/// Hands out the batch that a series goes into.
pub trait Partition {
    /// `lifted` is the value of the label that [`DecodeOptions::lift`] names, `None` when no
    /// label is lifted or the series lacks it. A refused series is skipped and counted.
    fn batch(&mut self, lifted: Option<&str>) -> Result<&mut WriteBatch, Refused>;
}

/// One batch takes everything.
impl Partition for WriteBatch {
    fn batch(&mut self, _lifted: Option<&str>) -> Result<&mut WriteBatch, Refused> {
        Ok(self)
    }
}

/// Why a partition does not take a series, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub Cow<'static, str>);

/// How to decode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeOptions<'a> {
    /// A label that is taken out of each series and selects its batch.
    pub lift: Option<&'a str>,
    /// A label that may have this value only, where a series has it. One that has another is
    /// refused: the sender speaks for one node.
    pub bound: Option<(&'a str, &'a str)>,
    pub limits: Limits,
}

/// What went into batches, and what did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecodeStats {
    pub series: u64,
    /// Float samples.
    pub samples: u64,
    /// Native histogram samples.
    pub histograms: u64,
    pub exemplars: u64,
    /// Descriptions of metrics.
    pub metadata: u64,
    pub skipped: Skipped,
}

impl DecodeStats {
    /// Adds what another decoder read.
    pub fn merge(&mut self, other: Self) {
        self.series += other.series;
        self.samples += other.samples;
        self.histograms += other.histograms;
        self.exemplars += other.exemplars;
        self.metadata += other.metadata;
        self.skipped.merge(other.skipped);
    }
}
