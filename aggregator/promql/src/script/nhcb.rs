//! Native histograms with custom buckets, made of classic histograms.

use std::collections::BTreeMap;

use model::{
    histogram::{Histogram, SCHEMA_CUSTOM},
    labels::{Labels, METRIC_NAME},
};

use crate::{histogram::layout, text::number};

/// A classic histogram at one time.
#[derive(Debug, Default)]
struct Classic {
    /// Cumulative counts by upper bound.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// Classic histograms by labels and time.
#[derive(Debug, Default)]
pub(super) struct Collector {
    histograms: BTreeMap<Labels, BTreeMap<i64, Classic>>,
}

impl Collector {
    /// Takes in a float of a series; does nothing if it is no part of a classic histogram.
    pub(super) fn add(&mut self, labels: &Labels, time: i64, value: f64) {
        let metric = labels.metric();
        let (part, base) = if let Some(base) = metric.strip_suffix("_bucket") {
            let bound = labels.get("le").and_then(number::parse_signed);
            let Some(bound) = bound.filter(|bound| !bound.is_nan()) else { return };
            (Part::Bucket(bound), base)
        } else if let Some(base) = metric.strip_suffix("_sum") {
            (Part::Sum, base)
        } else if let Some(base) = metric.strip_suffix("_count") {
            (Part::Count, base)
        } else {
            return;
        };
        let labels = labels.with(METRIC_NAME, base).without("le");
        let classic = self.histograms.entry(labels).or_default().entry(time).or_default();
        match part {
            Part::Bucket(bound) => classic.buckets.push((bound, value)),
            Part::Sum => classic.sum = value,
            Part::Count => classic.count = Some(value),
        }
    }

    /// The native histograms, with an error for the first that does not add up.
    pub(super) fn finish(self) -> Result<Vec<(Labels, i64, Histogram)>, String> {
        let mut native = Vec::new();
        for (labels, times) in self.histograms {
            for (time, classic) in times {
                native.push((labels.clone(), time, classic.convert()?));
            }
        }
        Ok(native)
    }
}

enum Part {
    Bucket(f64),
    Sum,
    Count,
}

impl Classic {
    fn convert(mut self) -> Result<Histogram, String> {
        self.buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        self.buckets.dedup_by_key(|(bound, _)| bound.to_bits());
        let count = self.count.or(self.buckets.last().map(|(_, count)| *count)).unwrap_or(0.0);
        if self.buckets.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        let mut previous = 0.0;
        let mut counts = Vec::with_capacity(self.buckets.len());
        for (index, (_, cumulative)) in self.buckets.iter().enumerate() {
            if *cumulative < previous {
                return Err(format!("count is not cumulative: {cumulative} < {previous}"));
            }
            counts.push((i32::try_from(index).unwrap_or(i32::MAX), cumulative - previous));
            previous = *cumulative;
        }
        if previous != count {
            return Err(format!("count mismatch: count={count} != le=+Inf count={previous}"));
        }
        let bounds = self.buckets.iter().map(|(bound, _)| *bound);
        let mut histogram = Histogram {
            schema: SCHEMA_CUSTOM,
            count,
            sum: self.sum,
            custom_values: bounds.filter(|bound| bound.is_finite()).collect(),
            ..Histogram::default()
        };
        let filled = counts.into_iter().filter(|(_, count)| *count != 0.0);
        layout::set_positive(&mut histogram, filled);
        Ok(histogram)
    }
}
