//! Choosing how to write a stream of integers.

use crate::varint::{put_i64, put_u64, zigzag};

use super::{
    super::{
        block::{self, MAX_SIZE_LOG, UNIT},
        plan::Widths,
    },
    SCALED, SIZE_SHIFT, TREND_SHIFT, Transform, trend,
};

/// Block size at which transforms are compared.
const COMPARE_SIZE_LOG: u8 = 1;

/// Transforms that any stream is tried with.
const TRANSFORMS: [Transform; 5] = [
    Transform::DeltaOffset,
    Transform::Offset,
    Transform::DeltaPivot,
    Transform::Pivot,
    Transform::DeltaOfDelta,
];

/// How many values a pivot is the median of.
const PIVOT_SAMPLE: usize = 31;

/// Working memory, reused between streams.
#[derive(Debug, Default)]
pub(in super::super) struct Scratch {
    scaled: Vec<i64>,
    deltas: Vec<i64>,
    best: Candidate,
    candidate: Candidate,
}

/// A stream after one transform.
#[derive(Debug, Default)]
struct Candidate {
    transform: Option<Transform>,
    a: i64,
    b: i64,
    numbers: Vec<u64>,
    widths: Vec<Widths>,
    /// Estimated length in bytes.
    len: usize,
}

/// Which transforms are worth trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// What is measured or counted.
    Measurements,
    /// What a clock gives: regular with jitter.
    Clock,
}

/// Appends a stream. Its length is not written: the decoder must know it.
pub(in super::super) fn encode(
    values: &[i64],
    kind: Kind,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) {
    let Some((&first, rest)) = values.split_first() else { return };
    let step = rest.first().map_or(0, |second| second.wrapping_sub(first));
    if is_linear(values, step) {
        let transform = if step == 0 { Transform::Constant } else { Transform::Linear };
        out.push(transform as u8);
        put_i64(out, first);
        if step != 0 {
            put_i64(out, step);
        }
        return;
    }
    let Scratch { scaled, deltas, best, candidate } = scratch;
    let scale = find_scale(values);
    let values = if let Some((factor, remainder)) = scale {
        scaled.clear();
        scaled.extend(values.iter().map(|value| (value - remainder) / factor));
        scaled.as_slice()
    } else {
        values
    };
    deltas.clear();
    deltas.extend(values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])));

    best.transform = None;
    for transform in TRANSFORMS {
        candidate.fill(transform, values, deltas);
        challenge(best, candidate);
    }
    if kind == Kind::Clock {
        let slope = slope(values);
        for slope in [slope, whole(slope)] {
            candidate.fill_trend(slope, values);
            challenge(best, candidate);
        }
    }
    best.write(scale, out);
}

/// Swaps the two if the candidate is shorter.
fn challenge(best: &mut Candidate, candidate: &mut Candidate) {
    let limit = if best.transform.is_some() { best.len } else { usize::MAX };
    if candidate.measure(COMPARE_SIZE_LOG, limit) {
        std::mem::swap(best, candidate);
    }
}

fn is_linear(values: &[i64], step: i64) -> bool {
    values.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step)
}

impl Candidate {
    /// Applies a transform. `deltas` are those of `values`; there is at least one.
    fn fill(&mut self, transform: Transform, values: &[i64], deltas: &[i64]) {
        let first = values[0];
        self.transform = Some(transform);
        self.numbers.clear();
        match transform {
            Transform::Constant | Transform::Linear | Transform::Trend => {}
            Transform::Offset => (self.a, self.b) = (self.offset(values), 0),
            Transform::Pivot => (self.a, self.b) = (self.pivot(values), 0),
            Transform::DeltaOffset => (self.a, self.b) = (first, self.offset(deltas)),
            Transform::DeltaPivot => (self.a, self.b) = (first, self.pivot(deltas)),
            Transform::DeltaOfDelta => {
                (self.a, self.b) = (first, deltas[0]);
                let changes = deltas.windows(2).map(|pair| zigzag(pair[1].wrapping_sub(pair[0])));
                self.numbers.extend(changes);
            }
        }
        self.count_widths();
    }

    fn fill_trend(&mut self, slope: i64, values: &[i64]) {
        let residuals = || {
            let at = |(number, value): (usize, &i64)| value.wrapping_sub(trend(slope, number));
            values.iter().enumerate().map(at)
        };
        let offset = residuals().min().unwrap_or(0);
        (self.transform, self.a, self.b) = (Some(Transform::Trend), offset, slope);
        self.numbers.clear();
        self.numbers.extend(residuals().map(|residual| residual.wrapping_sub(offset) as u64));
        self.count_widths();
    }

    fn count_widths(&mut self) {
        self.widths.clear();
        self.widths.extend(self.numbers.chunks(UNIT).map(Widths::of));
    }

    fn offset(&mut self, values: &[i64]) -> i64 {
        let offset = values.iter().copied().min().unwrap_or(0);
        self.numbers.extend(values.iter().map(|value| value.wrapping_sub(offset) as u64));
        offset
    }

    fn pivot(&mut self, values: &[i64]) -> i64 {
        let pivot = pivot_of(values);
        self.numbers.extend(values.iter().map(|value| zigzag(value.wrapping_sub(pivot))));
        pivot
    }

    /// Estimates the length with blocks of a size; `false` once it reaches `limit`.
    fn measure(&mut self, size_log: u8, limit: usize) -> bool {
        self.len = 1 + varint_len(self.a) + varint_len(self.b);
        let mut left = self.numbers.len();
        for parts in self.widths.chunks(1 << size_log) {
            let len = left.min(UNIT << size_log);
            left -= len;
            self.len += Widths::sum(parts).plan(len).len;
            if self.len >= limit {
                return false;
            }
        }
        true
    }

    fn write(&mut self, scale: Option<(i64, i64)>, out: &mut Vec<u8>) {
        let Some(transform) = self.transform else { return };
        let (mut size_log, mut least) = (COMPARE_SIZE_LOG, self.len);
        for other in (0..=MAX_SIZE_LOG).filter(|other| *other != COMPARE_SIZE_LOG) {
            if self.measure(other, least) {
                (size_log, least) = (other, self.len);
            }
            if UNIT << other >= self.numbers.len() {
                break;
            }
        }
        let scaled = if scale.is_some() { SCALED } else { 0 };
        out.push(transform as u8 | size_log << SIZE_SHIFT | scaled);
        if let Some((factor, remainder)) = scale {
            put_u64(out, factor as u64);
            put_i64(out, remainder);
        }
        put_i64(out, self.a);
        if transform.has_second() {
            put_i64(out, self.b);
        }
        block::write_all(&self.numbers, &self.widths, size_log, out);
    }
}

/// The slope of the line that fits best (least squares), 0 where there is none.
fn slope(values: &[i64]) -> i64 {
    let Some(first) = values.first() else { return 0 };
    let middle = (values.len() - 1) as f64 / 2.0;
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (number, value) in values.iter().enumerate() {
        let distance = number as f64 - middle;
        covariance += distance * value.wrapping_sub(*first) as f64;
        variance += distance * distance;
    }
    let slope = (covariance / variance * f64::from(1 << TREND_SHIFT)).round();
    // What does not fit saturates, and is then no good, which does no harm.
    if slope.is_finite() { slope as i64 } else { 0 }
}

/// The slope without its binary places: clocks tick in whole steps.
fn whole(slope: i64) -> i64 {
    let half = 1 << (TREND_SHIFT - 1);
    slope.saturating_add(half) >> TREND_SHIFT << TREND_SHIFT
}

/// A value in the middle: the median of evenly spaced ones.
fn pivot_of(values: &[i64]) -> i64 {
    let mut sample = [0; PIVOT_SAMPLE];
    let stride = values.len().div_ceil(PIVOT_SAMPLE).max(1);
    let mut len = 0;
    for (slot, value) in sample.iter_mut().zip(values.iter().step_by(stride)) {
        *slot = *value;
        len += 1;
    }
    let (_, median, _) = sample[..len.max(1)].select_nth_unstable(len / 2);
    *median
}

/// The length of the varint of a signed number.
fn varint_len(value: i64) -> usize {
    super::super::bits::width(zigzag(value)).max(1).div_ceil(7)
}

/// The greatest factor of all differences, if it is worth while, and what every value leaves when
/// divided by it. `None` when differences overflow.
fn find_scale(values: &[i64]) -> Option<(i64, i64)> {
    let first = *values.first()?;
    // Differences that share no factor of two mostly share none at all; this settles it for noise.
    let union = values.iter().fold(0, |union, value| union | value.wrapping_sub(first));
    if union == 0 {
        return None;
    }
    let twos = union.trailing_zeros();
    let mut odd = 0u64;
    let (mut least, mut greatest) = (first, first);
    for value in values {
        let difference = value.wrapping_sub(first).unsigned_abs() >> twos;
        if odd != 1 && difference != 0 {
            odd = gcd(difference, odd);
        }
        least = least.min(*value);
        greatest = greatest.max(*value);
    }
    let factor = i64::try_from(odd.checked_shl(twos)?).ok()?;
    greatest.checked_sub(least)?;
    least.checked_sub(factor)?;
    (factor > 1).then(|| (factor, first.rem_euclid(factor)))
}

/// Euclid's algorithm; `b` may be 0.
fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
