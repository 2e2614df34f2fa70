//! Sums and means of many histograms, with compensation of rounding errors.

use model::histogram::Histogram;

use super::{
    arithmetic::{Incompatible, Noticed, combine_hints},
    bounds, custom, layout, scale, zero,
};
use crate::kahan::Sum;

/// A sum of histograms.
#[derive(Clone, Debug)]
pub(crate) struct Accumulator {
    /// Everything but the numbers below.
    head: Histogram,
    zero_count: Sum,
    count: Sum,
    sum: Sum,
    positive: Vec<(i32, Sum)>,
    negative: Vec<(i32, Sum)>,
}

impl Accumulator {
    pub(crate) fn of(first: &Histogram) -> Self {
        let sums = |buckets: &mut dyn Iterator<Item = (i32, f64)>| {
            buckets.map(|(index, count)| (index, Sum::of(count))).collect()
        };
        Self {
            zero_count: Sum::of(first.zero_count),
            count: Sum::of(first.count),
            sum: Sum::of(first.sum),
            positive: sums(&mut layout::positive(first)),
            negative: sums(&mut layout::negative(first)),
            head: Histogram {
                schema: first.schema,
                reset_hint: first.reset_hint,
                zero_threshold: first.zero_threshold,
                custom_values: first.custom_values.clone(),
                ..Histogram::default()
            },
        }
    }

    pub(crate) fn add(&mut self, other: &Histogram) -> Result<Noticed, Incompatible> {
        if self.head.is_custom() != other.is_custom() {
            return Err(Incompatible);
        }
        let reset_collision = combine_hints(&mut self.head.reset_hint, other.reset_hint);
        let mut bounds_reconciled = false;
        if self.head.is_custom() {
            bounds_reconciled = self.add_custom(other);
        } else {
            self.add_exponential(other);
        }
        self.count.add(other.count);
        self.sum.add(other.sum);
        Ok(Noticed { reset_collision, bounds_reconciled })
    }

    fn add_custom(&mut self, other: &Histogram) -> bool {
        if self.head.custom_values == other.custom_values {
            merge(&mut self.positive, layout::positive(other));
            return false;
        }
        let shared = custom::intersect(&self.head.custom_values, &other.custom_values);
        let mut sums = vec![Sum::default(); shared.len() + 1];
        for (index, own) in &self.positive {
            let place = custom::shared_index(*index, &self.head.custom_values, &shared);
            if let Some(sum) = sums.get_mut(place) {
                sum.add(own.value);
                sum.add(own.compensation);
            }
        }
        custom::add(&mut sums, layout::positive(other), &other.custom_values, &shared, 1.0);
        self.positive = sums
            .into_iter()
            .enumerate()
            .filter(|(_, sum)| sum.value != 0.0 || sum.compensation != 0.0)
            .map(|(index, sum)| (i32::try_from(index).unwrap_or(i32::MAX), sum))
            .collect();
        self.head.custom_values = shared;
        true
    }

    fn add_exponential(&mut self, other: &Histogram) {
        self.reconcile_zero(other);
        if other.schema < self.head.schema {
            let (from, to) = (self.head.schema, other.schema);
            self.positive = coarser(&self.positive, from, to);
            self.negative = coarser(&self.negative, from, to);
            self.head.schema = to;
        }
        let (from, to) = (other.schema, self.head.schema);
        let threshold = self.head.zero_threshold;
        let outside = |(index, _): &(i32, f64)| bounds::exponential(*index, to) <= threshold;
        let buckets = layout::coarser(layout::positive(other), from, to);
        merge(&mut self.positive, buckets.into_iter().skip_while(outside));
        let buckets = layout::coarser(layout::negative(other), from, to);
        merge(&mut self.negative, buckets.into_iter().skip_while(outside));
    }

    /// Brings the zero buckets to one width and adds that of `other`.
    fn reconcile_zero(&mut self, other: &Histogram) {
        if self.head.zero_threshold == other.zero_threshold {
            self.zero_count.add(other.zero_count);
            return;
        }
        // Rare enough to go through a plain histogram.
        let mut plain = self.total();
        let other_zero = zero::reconcile(&mut plain, other);
        let (hint, count, sum) = (self.head.reset_hint, self.count, self.sum);
        *self = Self::of(&plain);
        (self.head.reset_hint, self.count, self.sum) = (hint, count, sum);
        self.zero_count.add(other_zero);
    }

    fn numbers(&mut self) -> impl Iterator<Item = &mut Sum> {
        let heads = [&mut self.zero_count, &mut self.count, &mut self.sum];
        let buckets = self.positive.iter_mut().chain(&mut self.negative);
        heads.into_iter().chain(buckets.map(|(_, sum)| sum))
    }

    /// Whether a number on either side is so great that a sum could overflow.
    fn may_overflow(&mut self, other: &Histogram) -> bool {
        let great = |value: f64| value.abs() > f64::MAX / 4.0 || value.is_nan();
        let heads = [other.zero_count, other.count, other.sum];
        let buckets = other.positive_buckets.iter().chain(&other.negative_buckets);
        heads.into_iter().chain(buckets.copied()).any(great)
            || self.numbers().any(|sum| great(sum.value))
    }

    fn overflows(&mut self) -> bool {
        self.numbers().any(|sum| sum.value.is_infinite())
    }

    fn scale(&mut self, factor: f64) {
        self.numbers().for_each(|sum| *sum = sum.scaled(factor));
    }

    fn divide(&mut self, divisor: f64) {
        self.numbers().for_each(|sum| *sum = sum.divided(divisor));
    }

    /// The sum as a histogram.
    pub(crate) fn total(&self) -> Histogram {
        let totals = |buckets: &[(i32, Sum)]| -> Vec<(i32, f64)> {
            buckets.iter().map(|(index, sum)| (*index, sum.total())).collect()
        };
        let mut histogram = Histogram {
            zero_count: self.zero_count.total(),
            count: self.count.total(),
            sum: self.sum.total(),
            ..self.head.clone()
        };
        layout::set_positive(&mut histogram, totals(&self.positive));
        layout::set_negative(&mut histogram, totals(&self.negative));
        histogram
    }
}

fn merge(own: &mut Vec<(i32, Sum)>, other: impl Iterator<Item = (i32, f64)>) {
    let mut place = 0;
    for (index, count) in other {
        while own.get(place).is_some_and(|(at, _)| *at < index) {
            place += 1;
        }
        match own.get_mut(place) {
            Some((at, sum)) if *at == index => sum.add(count),
            _ => own.insert(place, (index, Sum::of(count))),
        }
    }
}

fn coarser(buckets: &[(i32, Sum)], from: i32, to: i32) -> Vec<(i32, Sum)> {
    let mut merged: Vec<(i32, Sum)> = Vec::with_capacity(buckets.len());
    for (index, bucket) in buckets {
        let index = layout::coarser_index(*index, from, to);
        match merged.last_mut() {
            Some((last, sum)) if *last == index => {
                sum.add(bucket.value);
                sum.add(bucket.compensation);
            }
            _ => merged.push((index, *bucket)),
        }
    }
    merged
}

/// A mean of histograms: the sum over the count, or, once the sum would overflow, the mean itself.
#[derive(Clone, Debug)]
pub(crate) struct Mean {
    sum: Accumulator,
    count: f64,
    incremental: bool,
}

impl Mean {
    pub(crate) fn of(first: &Histogram) -> Self {
        Self { sum: Accumulator::of(first), count: 1.0, incremental: false }
    }

    pub(crate) fn add(&mut self, other: &Histogram) -> Result<Noticed, Incompatible> {
        self.count += 1.0;
        if !self.incremental {
            if !self.sum.may_overflow(other) {
                return self.sum.add(other);
            }
            let before = self.sum.clone();
            let noticed = self.sum.add(other)?;
            if !self.sum.overflows() {
                return Ok(noticed);
            }
            self.sum = before;
            self.incremental = true;
            self.sum.divide(self.count - 1.0);
        }
        self.sum.scale((self.count - 1.0) / self.count);
        let mut part = other.clone();
        scale::divide(&mut part, self.count);
        self.sum.add(&part)
    }

    pub(crate) fn total(mut self) -> Histogram {
        if !self.incremental {
            self.sum.divide(self.count);
        }
        self.sum.total()
    }
}
