//! What a decoder accepts from one body.
//!
//! A body is capped before it gets here, but a few of its bytes can stand for many in memory: two
//! bytes are a valid empty histogram, and a symbol of kilobytes can be referenced by one byte. So
//! each kind of thing has a limit of its own.

/// Limits on one request or scrape. Beyond a limit on a series, that series is skipped and
/// counted; beyond a limit on the whole, the body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Labels of one series, the metric name and a lifted label among them.
    pub labels_per_series: usize,
    pub label_name_bytes: usize,
    pub label_value_bytes: usize,
    /// Names and values of one exemplar's labels together, in characters.
    pub exemplar_label_chars: usize,
    /// Buckets of one histogram, positive and negative together.
    pub histogram_buckets: usize,
    /// Help text of one metric.
    pub help_bytes: usize,

    /// Series in one body.
    pub series: usize,
    /// Float samples in one body.
    pub samples: usize,
    /// Histogram samples in one body.
    pub histograms: usize,
    pub exemplars: usize,
    /// Descriptions of metrics in one body.
    pub metadata: usize,
    /// Entries of a symbol table.
    pub symbols: usize,
    /// Label and metadata text that one body expands to.
    pub text_bytes: usize,
}

/// More than memory holds, and few enough to be counted with.
const ANY: usize = usize::MAX >> 16;

impl Limits {
    /// For bodies that one has written oneself.
    pub(crate) const NONE: Self = Self {
        labels_per_series: ANY,
        label_name_bytes: ANY,
        label_value_bytes: ANY,
        exemplar_label_chars: ANY,
        histogram_buckets: ANY,
        help_bytes: ANY,
        series: ANY,
        samples: ANY,
        histograms: ANY,
        exemplars: ANY,
        metadata: ANY,
        symbols: ANY,
        text_bytes: ANY,
    };
}

/// A body holds more than a limit on the whole allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body exceeds the limit of {limit} {what}")]
pub struct LimitExceeded {
    pub what: &'static str,
    pub limit: usize,
}

/// OpenMetrics 1.0, "Exemplars": names and values together must not exceed 128 characters.
pub const EXEMPLAR_LABEL_CHARS_MAX: usize = 128;

impl Default for Limits {
    fn default() -> Self {
        Self {
            labels_per_series: 128,
            label_name_bytes: 1024,
            label_value_bytes: 8 << 10,
            exemplar_label_chars: EXEMPLAR_LABEL_CHARS_MAX,
            histogram_buckets: 16 << 10,
            help_bytes: 8 << 10,
            series: 200_000,
            samples: 2_000_000,
            histograms: 100_000,
            exemplars: 100_000,
            metadata: 100_000,
            symbols: 500_000,
            text_bytes: 128 << 20,
        }
    }
}
