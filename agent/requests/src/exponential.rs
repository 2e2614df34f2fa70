//! Exponential buckets, as Prometheus' native histograms have them.
//!
//! Bucket `i` of schema `s` holds values in `(2^((i-1)/2^s), 2^(i/2^s)]`. Schema 7 makes a bucket
//! 0.54 % wide, so a quantile read from it is at most that much off. Halving the resolution joins
//! buckets `2i-1` and `2i` into `i`. Source: Prometheus' native histogram specification.

use model::histogram::{Histogram, Span};
use serde::{Deserialize, Serialize};

/// The schema that every histogram begins with.
pub const SCHEMA_FINEST: i32 = 7;
/// More buckets than this halve the resolution. Latencies do not come so far: below 185 µs a whole
/// number of microseconds is a bucket of its own, and from there to an hour are 25 octaves of 128.
pub const BUCKETS_MAX: usize = 3400;
/// Gaps of up to this many empty buckets are stored as zeros rather than as a new span.
const GAP_MAX: i32 = 2;

/// No latency has a bucket further out than this.
const INDEX_MAX: u32 = 128 * 40;

/// [`Exponential`] between two runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedBuckets {
    schema: i32,
    buckets: Vec<(i32, u64)>,
    zeros: u64,
    /// The bits of the sum: not one may change on the way, or a counter would step back.
    sum: u64,
}

/// Sparse buckets of positive values, a count of zeros, and the exact sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Exponential {
    schema: i32,
    /// Index and count, in order of index.
    buckets: Vec<(i32, u64)>,
    zeros: u64,
    count: u64,
    sum: f64,
}

impl Default for Exponential {
    fn default() -> Self {
        Self { schema: SCHEMA_FINEST, buckets: Vec::new(), zeros: 0, count: 0, sum: 0.0 }
    }
}

impl Exponential {
    pub fn schema(&self) -> i32 {
        self.schema
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Adds observations of one value. Values below zero do not occur and count as zero.
    pub fn add(&mut self, value: f64, count: u64) {
        self.count += count;
        if value <= 0.0 {
            self.zeros += count;
            return;
        }
        let index = bucket_index(value, self.schema);
        match self.buckets.binary_search_by_key(&index, |(index, _)| *index) {
            Ok(at) => {
                if let Some((_, total)) = self.buckets.get_mut(at) {
                    *total += count;
                }
            }
            Err(at) => {
                self.buckets.insert(at, (index, count));
                while self.buckets.len() > BUCKETS_MAX && self.schema > -4 {
                    self.halve();
                }
            }
        }
    }

    /// What [`Self::load`] needs to go on from here.
    pub(crate) fn save(&self) -> SavedBuckets {
        let Self { schema, buckets, zeros, sum, .. } = self;
        SavedBuckets {
            schema: *schema,
            buckets: buckets.clone(),
            zeros: *zeros,
            sum: sum.to_bits(),
        }
    }

    /// `None` for what [`Self::save`] never gives.
    pub(crate) fn load(saved: SavedBuckets) -> Option<Self> {
        let SavedBuckets { schema, buckets, zeros, sum } = saved;
        let plain = (-4..=SCHEMA_FINEST).contains(&schema) && buckets.len() <= BUCKETS_MAX;
        let near = |index: i32| index.unsigned_abs() <= INDEX_MAX;
        let ordered = buckets.is_sorted_by(|(a, _), (b, _)| a < b);
        if !plain || !ordered || !buckets.iter().all(|(index, _)| near(*index)) {
            return None;
        }
        let count = buckets.iter().try_fold(zeros, |sum, (_, count)| sum.checked_add(*count))?;
        Some(Self { schema, buckets, zeros, count, sum: f64::from_bits(sum) })
    }

    /// Adds to the sum, which is kept apart because it is known exactly.
    pub fn add_sum(&mut self, sum: f64) {
        self.sum += sum;
    }

    fn halve(&mut self) {
        self.schema -= 1;
        self.buckets.dedup_by(|next, kept| {
            // Both are compared by where they go; `kept` is moved there at the end.
            let joined = halved(next.0) == halved(kept.0);
            if joined {
                kept.1 += next.1;
            }
            joined
        });
        for (index, _) in &mut self.buckets {
            *index = halved(*index);
        }
    }

    /// As a histogram sample.
    pub fn histogram(&self) -> Histogram {
        let mut spans: Vec<Span> = Vec::new();
        let mut counts = Vec::with_capacity(self.buckets.len());
        let mut next = 0;
        for (index, count) in &self.buckets {
            let gap = index - next;
            match spans.last_mut() {
                Some(span) if gap <= GAP_MAX => {
                    counts.extend((0..gap).map(|_| 0.0));
                    span.length += gap.unsigned_abs() + 1;
                }
                _ => spans.push(Span { offset: gap, length: 1 }),
            }
            counts.push(*count as f64);
            next = index + 1;
        }
        Histogram {
            schema: self.schema,
            zero_count: self.zeros as f64,
            count: self.count as f64,
            sum: self.sum,
            positive_spans: spans,
            positive_buckets: counts,
            ..Histogram::default()
        }
    }
}

/// Where a bucket goes when the resolution is halved: half, rounded up.
fn halved(index: i32) -> i32 {
    (index + 1).div_euclid(2)
}

/// The bucket of a positive finite value.
pub fn bucket_index(value: f64, schema: i32) -> i32 {
    let per_octave = f64::from(schema).exp2();
    let estimate = (value.log2() * per_octave).ceil();
    let index = estimate as i32;
    // The logarithm is rounded; at a bound, the bound itself decides.
    if value <= upper_bound(index - 1, schema) {
        index - 1
    } else if value > upper_bound(index, schema) {
        index + 1
    } else {
        index
    }
}

/// The inclusive upper bound of a bucket.
pub fn upper_bound(index: i32, schema: i32) -> f64 {
    (f64::from(index) * f64::from(-schema).exp2()).exp2()
}

#[cfg(test)]
pub(crate) mod tests;
