//! Native histograms as data: exponential (schema -4 to 8, and finer ones until they are admitted)
//! and custom buckets (schema -53).
//!
//! Counts are floats and absolute, whatever form they arrived in. Arithmetic on histograms belongs
//! to `promql`; encoding belongs to `codec` and `wire`.
//! Source of the model: Prometheus' native histogram specification.

mod resolution;

/// The schema number of histograms with custom bucket bounds.
pub const SCHEMA_CUSTOM: i32 = -53;
/// The finest and coarsest exponential schemas.
pub const SCHEMA_MAX: i32 = 8;
pub const SCHEMA_MIN: i32 = -4;
/// The finest schema that a sender may use: Prometheus' specification reserves 9 to 52 for the
/// future, and receivers reduce them to [`SCHEMA_MAX`].
pub const SCHEMA_RESERVED_MAX: i32 = 52;

/// A run of consecutive buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Gap to the previous span; for the first span, the index of the first bucket.
    pub offset: i32,
    /// How many consecutive buckets.
    pub length: u32,
}

/// What is known of a counter reset between this sample and the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResetHint {
    #[default]
    Unknown,
    Reset,
    NotReset,
    /// The histogram is a gauge: resets have no meaning.
    Gauge,
}

/// One histogram sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    pub schema: i32,
    pub reset_hint: ResetHint,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    pub zero_count: f64,
    pub count: f64,
    pub sum: f64,
    pub positive_spans: Vec<Span>,
    /// Absolute counts, one per bucket of `positive_spans`.
    pub positive_buckets: Vec<f64>,
    pub negative_spans: Vec<Span>,
    pub negative_buckets: Vec<f64>,
    /// Upper bounds for [`SCHEMA_CUSTOM`], ascending, without +Inf; empty otherwise.
    pub custom_values: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHistogram {
    #[error("histogram schema {0} is not supported: use -4 to 52, or -53 for custom buckets")]
    Schema(i32),
    #[error("{side} spans describe {described} buckets, but {given} are given")]
    SpanLength { side: &'static str, described: u64, given: usize },
    #[error("{side} span number {number} has a negative offset {offset}")]
    SpanOffset { side: &'static str, number: usize, offset: i32 },
    #[error("{side} bucket number {number} has a negative count")]
    NegativeCount { side: &'static str, number: usize },
    #[error("custom bucket bounds must ascend, and the last must be less than +Inf")]
    CustomBounds,
    #[error("a histogram with custom buckets has no zero bucket and no negative buckets")]
    CustomShape,
    #[error("more buckets than custom bounds allow")]
    CustomBuckets,
    #[error("a histogram of an exponential schema has no custom bounds")]
    UnexpectedBounds,
    #[error("the count is negative or not a number")]
    Count,
}

impl Histogram {
    pub fn is_custom(&self) -> bool {
        self.schema == SCHEMA_CUSTOM
    }

    /// Checks what a sender could get wrong.
    pub fn validate(&self) -> Result<(), InvalidHistogram> {
        if self.is_custom() {
            self.validate_custom()?;
        } else if !(SCHEMA_MIN..=SCHEMA_MAX).contains(&self.schema) {
            return Err(InvalidHistogram::Schema(self.schema));
        } else if !self.custom_values.is_empty() {
            return Err(InvalidHistogram::UnexpectedBounds);
        }
        validate_side("positive", &self.positive_spans, &self.positive_buckets)?;
        validate_side("negative", &self.negative_spans, &self.negative_buckets)?;
        let stale = crate::columns::is_stale(self.sum);
        if !stale && (self.count.is_nan() || self.count < 0.0 || self.zero_count < 0.0) {
            return Err(InvalidHistogram::Count);
        }
        Ok(())
    }

    fn validate_custom(&self) -> Result<(), InvalidHistogram> {
        if self.zero_count != 0.0
            || self.zero_threshold != 0.0
            || !self.negative_spans.is_empty()
            || !self.negative_buckets.is_empty()
        {
            return Err(InvalidHistogram::CustomShape);
        }
        let ascending =
            self.custom_values.windows(2).all(|pair| matches!(pair, [low, high] if low < high));
        // -Inf may be the first bound, as Prometheus has it.
        let open = |bound: &f64| bound.is_nan() || *bound == f64::INFINITY;
        if !ascending || self.custom_values.iter().any(open) {
            return Err(InvalidHistogram::CustomBounds);
        }
        if let Some(Span { offset, .. }) = self.positive_spans.first().filter(|s| s.offset < 0) {
            let (side, offset) = ("positive", *offset);
            return Err(InvalidHistogram::SpanOffset { side, number: 0, offset });
        }
        let last = self
            .positive_spans
            .iter()
            .fold(0i64, |end, span| end + i64::from(span.offset) + i64::from(span.length));
        let allowed = i64::try_from(self.custom_values.len()).unwrap_or(i64::MAX - 1) + 1;
        if last > allowed { Err(InvalidHistogram::CustomBuckets) } else { Ok(()) }
    }
}

fn validate_side(
    side: &'static str,
    spans: &[Span],
    buckets: &[f64],
) -> Result<(), InvalidHistogram> {
    for (number, span) in spans.iter().enumerate().skip(1) {
        if span.offset < 0 {
            return Err(InvalidHistogram::SpanOffset { side, number, offset: span.offset });
        }
    }
    let described: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    if usize::try_from(described) != Ok(buckets.len()) {
        return Err(InvalidHistogram::SpanLength { side, described, given: buckets.len() });
    }
    match buckets.iter().position(|count| *count < 0.0) {
        Some(number) => Err(InvalidHistogram::NegativeCount { side, number }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
