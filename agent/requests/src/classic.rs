//! Classic histogram buckets with the bounds that Istio's and Envoy's histograms have.
//!
//! Source: Envoy's default histogram buckets (`HistogramSettingsImpl`), which Istio keeps.

/// Upper bounds, inclusive: in microseconds, and in milliseconds as `le` shows them. `+Inf` comes
/// after.
pub const BOUNDS: [(u64, &str); 19] = [
    (500, "0.5"),
    (1_000, "1"),
    (5_000, "5"),
    (10_000, "10"),
    (25_000, "25"),
    (50_000, "50"),
    (100_000, "100"),
    (250_000, "250"),
    (500_000, "500"),
    (1_000_000, "1000"),
    (2_500_000, "2500"),
    (5_000_000, "5000"),
    (10_000_000, "10000"),
    (30_000_000, "30000"),
    (60_000_000, "60000"),
    (300_000_000, "300000"),
    (600_000_000, "600000"),
    (1_800_000_000, "1800000"),
    (3_600_000_000, "3600000"),
];

/// Counts by bucket, not cumulative over buckets; the last is above all bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Classic {
    counts: [u64; BOUNDS.len() + 1],
}

impl Classic {
    pub fn record(&mut self, micros: u64) {
        let index = BOUNDS.partition_point(|(bound, _)| *bound < micros);
        if let Some(count) = self.counts.get_mut(index) {
            *count += 1;
        }
    }

    pub(crate) fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// `None` when there are not as many counts as buckets.
    pub(crate) fn load(counts: Vec<u64>) -> Option<Self> {
        Some(Self { counts: counts.try_into().ok()? })
    }

    /// `le` labels with counts of all observations up to each, `+Inf` last.
    pub fn cumulative(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let labels = BOUNDS.iter().map(|(_, label)| *label).chain(["+Inf"]);
        labels.zip(&self.counts).scan(0, |sum, (label, count)| {
            *sum += count;
            Some((label, *sum))
        })
    }
}
