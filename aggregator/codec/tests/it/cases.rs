//! One case for each form of chunk.

use std::{iter, sync::Arc};

use model::{
    columns::stale_nan,
    histogram::{Histogram, ResetHint, SCHEMA_CUSTOM, Span},
};

use super::Samples::{self, Frame, Histograms, Starts, Times, Values, Zone};

/// How many samples most cases have: two blocks.
const COUNT: usize = 100;

/// Numbers without a pattern, the same in every run, below `bound`.
fn noise(bound: i64) -> impl Iterator<Item = i64> {
    let mut state = 5u64;
    iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as i64 % bound
    })
    .take(COUNT)
}

fn floats(integers: impl Iterator<Item = i64>) -> Samples {
    Values(integers.map(|integer| integer as f64).collect())
}

fn sums(steps: impl Iterator<Item = i64>) -> Samples {
    floats(steps.scan(0, |sum, step| {
        *sum += step;
        Some(*sum)
    }))
}

fn with_last(values: Samples, last: f64) -> Samples {
    let Values(mut values) = values else { return values };
    values.extend([last]);
    Values(values)
}

/// Numbers of which each is half as frequent as the one before.
fn halving() -> impl Iterator<Item = i64> {
    noise(1 << 20).map(|number| i64::from((number | 1 << 20).trailing_zeros()))
}

/// Name, what it shows, samples.
pub(crate) fn cases() -> Vec<(&'static str, &'static str, Samples)> {
    let mut cases = value_cases();
    cases.extend(number_cases());
    cases.extend(time_cases());
    cases.extend(other_cases());
    cases.extend(frame_cases());
    cases
}

/// A line with everything in it that is not a decimal.
fn spoilt() -> Vec<f64> {
    let awkward = [
        f64::NAN,
        stale_nan(),
        -0.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::from_bits(0x7ff8_0000_0000_0001),
        f64::from_bits(0xfff0_0000_0000_beef),
        f64::INFINITY,
        f64::from_bits(1),
    ];
    let value = |number: usize| {
        let at = number.checked_sub(40).filter(|at| at % 10 == 0).map_or(99, |at| at / 10);
        awkward.get(at).copied().unwrap_or(number as f64 * 0.5 + (number % 7) as f64)
    };
    (0..COUNT * 3).map(value).collect()
}

fn value_cases() -> Vec<(&'static str, &'static str, Samples)> {
    let thirds = || noise(1 << 30).map(|number| number as f64 / 3e7);
    let mut rounded = 0.0;
    let sum_of_decimals = noise(5000).map(move |number| {
        rounded += number as f64 / 1e3;
        rounded
    });
    let singles = noise(1 << 30).map(|number| f64::from(number as f32 / 1e9));
    let repeat = |changes: Vec<bool>| {
        let mut level = 0;
        floats(changes.into_iter().zip(noise(1 << 20)).map(move |(changed, next)| {
            level = if changed { next } else { level };
            level
        }))
    };
    let regularly: Vec<bool> = (0..COUNT).map(|number| number % 20 == 0).collect();
    let randomly: Vec<bool> = noise(1 << 20).map(|number| number & 1 << 10 != 0).collect();
    vec![
        ("values-constant", "a constant decimal", Values(vec![-12.25; COUNT])),
        (
            "values-constant-bits",
            "a constant NaN",
            Values(vec![f64::from_bits(0x7ff8_0000_0000_0123); 9]),
        ),
        (
            "values-constant-end",
            "a constant and a staleness marker",
            with_last(Values(vec![3.0; COUNT]), stale_nan()),
        ),
        ("values-one", "a single value", Values(vec![0.1])),
        (
            "values-residuals",
            "sums of decimals, with rounding errors",
            Values(sum_of_decimals.collect()),
        ),
        ("values-bits", "bit patterns", Values(thirds().map(f64::exp).collect())),
        (
            "values-bits-random",
            "bit patterns of all widths",
            Values(
                noise(1 << 31)
                    .map(|bits| f64::from_bits((bits as u64).wrapping_mul(0x3_0000_0001)))
                    .collect(),
            ),
        ),
        ("values-bits-scaled", "bit patterns of single precision", Values(singles.collect())),
        ("values-exceptions", "exceptions of every kind", Values(spoilt())),
        ("values-runs", "repeats by their lengths", repeat(regularly)),
        ("values-runs-bitmap", "repeats by a bitmap", repeat(randomly)),
        ("values-runs-residuals", "repeated sums of decimals and a staleness marker", {
            let mut sum = 0.0;
            let values = (0..COUNT).map(|number| {
                if number % 4 == 0 {
                    sum += 0.1 + (number % 3) as f64;
                }
                sum
            });
            with_last(Values(values.collect()), stale_nan())
        }),
    ]
}

fn number_cases() -> Vec<(&'static str, &'static str, Samples)> {
    let every = |every: usize, outlier: i64| {
        noise(4)
            .enumerate()
            .map(move |(at, small)| if at % every == 3 { small + outlier } else { small })
    };
    vec![
        (
            "values-large-blocks",
            "blocks of more than 64 numbers",
            floats((0..7).flat_map(|_| noise(13)).map(|number| number * number)),
        ),
        ("values-linear", "a line", floats((0..COUNT as i64).map(|number| 7000 - 30 * number))),
        ("values-offset", "an offset, packed", floats(noise(1000).map(|number| 50_000 + number))),
        ("values-offset-list", "an offset, outliers in a list", floats(every(40, 1 << 40))),
        ("values-offset-bitmap", "an offset, outliers by a bitmap", floats(every(5, 1 << 20))),
        ("values-offset-unary", "an offset, high parts in unary", floats(halving())),
        ("values-pivot", "a pivot, outliers below", floats(every(30, -(1 << 30)))),
        (
            "values-delta-offset",
            "deltas above an offset",
            sums(noise(16).map(|number| 3000 + number)),
        ),
        ("values-delta-pivot", "deltas around a pivot", sums(every(30, -(1 << 30)))),
        (
            "values-delta-of-delta",
            "deltas of deltas",
            sums(noise(3).scan(0, |speed, change| {
                *speed += 1 - change;
                Some(*speed)
            })),
        ),
        (
            "values-scaled",
            "multiples of 4096 plus 7",
            floats(noise(5000).map(|number| number * 4096 + 7)),
        ),
        (
            "values-decimals",
            "decimals of nanoseconds",
            Values(noise(1 << 30).map(|number| number as f64 / 1e9).collect()),
        ),
    ]
}

fn time_cases() -> Vec<(&'static str, &'static str, Samples)> {
    let start = 1_700_000_000_123i64;
    let regular = || (0..COUNT as i64).map(move |number| start + number * 15_000);
    let jitter: Vec<i64> = regular().zip(noise(9)).map(|(time, late)| time + late).collect();
    let gap = regular().enumerate().map(|(at, time)| if at > 50 { time + 600_000 } else { time });
    let before: Vec<i64> =
        iter::once(start - 15_000).chain(jitter.iter().copied()).take(COUNT).collect();
    vec![
        ("times-regular", "regular times", Times(regular().collect())),
        ("times-jitter", "times with jitter: a trend", Times(jitter.clone())),
        ("times-gap", "a gap", Times(gap.collect())),
        (
            "times-extreme",
            "the ends of the range",
            Times(vec![i64::MIN, i64::MAX, 0, -1, i64::MIN]),
        ),
        (
            "starts-constant",
            "the start of a counter",
            Starts(vec![start - 999; COUNT], jitter.clone()),
        ),
        ("starts-before", "each start is the time before", Starts(before, jitter)),
    ]
}

fn other_cases() -> Vec<(&'static str, &'static str, Samples)> {
    let growing = |number: i64| {
        let positive_buckets: Vec<f64> =
            (0..6).map(|bucket| (number * bucket + 10) as f64).collect();
        Arc::new(Histogram {
            schema: 2,
            reset_hint: if number == 0 { ResetHint::Unknown } else { ResetHint::NotReset },
            zero_threshold: 1e-128,
            zero_count: 2.0,
            count: positive_buckets.iter().sum::<f64>() + 2.0,
            sum: number as f64 * 0.5,
            positive_spans: vec![Span { offset: -3, length: 4 }, Span { offset: 2, length: 2 }],
            positive_buckets,
            ..Histogram::default()
        })
    };
    let stale = Arc::new(Histogram { sum: stale_nan(), ..Histogram::default() });
    let custom = Arc::new(Histogram {
        schema: SCHEMA_CUSTOM,
        reset_hint: ResetHint::Gauge,
        count: 99.0,
        sum: 1.25,
        positive_spans: vec![Span { offset: 0, length: 3 }],
        positive_buckets: vec![1.0, 2.5, 3.0],
        custom_values: vec![0.005, 0.01, 0.025],
        ..Histogram::default()
    });
    let negative = Arc::new(Histogram {
        negative_spans: vec![Span { offset: 1, length: 2 }],
        negative_buckets: vec![4.0, 5.0],
        ..(*growing(3)).clone()
    });
    vec![
        (
            "histograms-growing",
            "a growing histogram and its end",
            Histograms((0..20).map(growing).chain([stale]).collect()),
        ),
        (
            "histograms-mixed",
            "several layouts, totals written",
            Histograms(vec![growing(1), custom.clone(), negative, custom, growing(2)]),
        ),
        ("zone-uniform", "the zone of a constant", Zone(vec![4096.0; 5])),
        ("zone-counter", "the zone of a counter", Zone(vec![10.0, 12.5, 90.0])),
        (
            "zone-gauge",
            "the zone of a gauge that ends",
            Zone(vec![10.0, 1.0 / 3.0, 90.0, stale_nan()]),
        ),
        ("zone-nothing", "the zone of NaNs", Zone(vec![f64::NAN, stale_nan()])),
    ]
}

/// Rows of a hundred values of which some are different a tick later.
fn frame_cases() -> Vec<(&'static str, &'static str, Samples)> {
    let row: Vec<f64> = noise(100_000).map(|number| number as f64 / 8.0).collect();
    let changed = |every: usize, change: fn(f64) -> f64| {
        let mut next = row.clone();
        next.iter_mut().step_by(every).for_each(|value| *value = change(*value));
        Frame(row.clone(), next)
    };
    vec![
        ("frame-key", "a key frame", Frame(Vec::new(), row.clone())),
        ("frame-none", "nothing changed", Frame(row.clone(), row.clone())),
        ("frame-all", "everything changed", changed(1, |value| value + 1.0)),
        ("frame-bitmap", "every third value changed", changed(3, |value| value * 1.001)),
        ("frame-list", "few values changed, even in sign", changed(40, |value| 0.1 - value)),
    ]
}
