//! What one tenant may use.

use std::time::Duration;

/// Limits of one tenant. Whatever exceeds them is refused sample by sample, with the reason; the
/// rest of the batch is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Most series with recent samples, exactly.
    pub active_series: u64,
    /// New series per second, on average; a burst of ten seconds' worth is let through.
    pub new_series_per_second: f64,
    /// Samples per second, on average; a burst of ten seconds' worth is let through.
    pub samples_per_second: f64,
    /// Bytes written per second, on average; a burst of ten seconds' worth is let through, and the
    /// write that exceeds it too. Labels count as they are packed, a float sample 16 bytes, a
    /// bucket of a histogram 8, a frame its payload.
    pub bytes_per_second: f64,
    /// Most labels of a series, the metric name included.
    pub labels_per_series: usize,
    /// Longest label set in bytes, names and values together.
    pub label_bytes_per_series: usize,
    /// How long samples are kept; the store's own retention when `None`, and never longer.
    pub retention: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            active_series: 5_000_000,
            new_series_per_second: 1_000_000.0,
            samples_per_second: 10_000_000.0,
            bytes_per_second: 1e9,
            labels_per_series: 64,
            label_bytes_per_series: 16 << 10,
            retention: None,
        }
    }
}
