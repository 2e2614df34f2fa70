//! Series: gauges, counters, classic and native histograms; with gaps, resets, stale marks, values
//! that are no numbers, and scrape intervals and phases of their own.

use std::collections::BTreeSet;

use disk::sim::Random;
use model::{
    columns::stale_nan,
    histogram::{Histogram, ResetHint, SCHEMA_CUSTOM, Span},
    labels::Labels,
};
use promql::Sample;

use super::{Dialect, LENGTH, Series, histogram, pick};

/// The last ones make results depend on how they are computed: the logarithms of Go do not know
/// numbers as small as the first of them, and sums with the others depend on the order.
const SPECIAL: [f64; 9] =
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, 1e-9, 5e-324, 1e300, -1e300];

/// The bounds of classic histograms.
const BOUNDS: [&str; 5] = ["0.1", "0.5", "1", "2.5", "+Inf"];

/// A few series of each metric.
pub(crate) fn data(dialect: Dialect, random: &mut Random) -> Vec<Series> {
    let mut data = Vec::new();
    let mut known = BTreeSet::new();
    let mut add = |labels: Vec<(&str, &str)>, samples: Vec<(i64, Sample)>| {
        let labels = Labels::new(labels).expect("are labels");
        if !samples.is_empty() && known.insert(labels.clone()) {
            data.push(Series { labels, samples });
        }
    };
    for _ in 0..1 + random.index(9) {
        let names = ["a", "a", "b_total", "b_total", "c", "h", "m"];
        let name = pick(random, &names[..if dialect.histograms { 7 } else { 5 }]);
        let mut labels = vec![("__name__", name)];
        for (label, values) in
            [("x", ["1", "2", ""]), ("y", ["1", "b", ""]), ("job", ["j", "", ""])]
        {
            labels.push((label, pick(random, &values)));
        }
        labels.retain(|(_, value)| !value.is_empty());
        let times = times(dialect, random);
        add(labels, values(dialect, name, &times, random));
    }
    if random.one_in(2) {
        for x in ["1", "2"].iter().take(1 + random.index(2)) {
            let times = times(dialect, random);
            let counts: Vec<u64> = BOUNDS.iter().map(|_| random.below(6)).collect();
            for (at, bound) in BOUNDS.iter().enumerate() {
                let rise: u64 = counts.iter().take(at + 1).sum();
                let samples = (0..).zip(&times);
                let samples = samples.map(|(step, time)| {
                    let step = if step > 20 { step - 15 } else { step };
                    (*time, Sample::Float((rise * step) as f64))
                });
                add(vec![("__name__", "d_bucket"), ("le", bound), ("x", x)], samples.collect());
            }
        }
    }
    if random.one_in(4) {
        let times = times(dialect, random);
        let samples = times.iter().map(|time| (*time, Sample::Float(1.0))).collect();
        add(vec![("__name__", "target_info"), ("job", "j"), ("version", "v1")], samples);
    }
    if random.one_in(15) {
        multiply(&mut data);
    }
    data
}

/// Makes more series than one thread takes at a time.
fn multiply(data: &mut Vec<Series>) {
    let copies = 1 + 150 / data.len().max(1);
    let original = data.clone();
    for number in 1..copies {
        for Series { labels, samples } in &original {
            let number = number.to_string();
            let labels = labels.iter().chain([("n", number.as_str())]);
            let labels = Labels::new(labels).expect("are labels");
            data.push(Series { labels, samples: samples.clone() });
        }
    }
}

/// When a series was scraped.
fn times(dialect: Dialect, random: &mut Random) -> Vec<i64> {
    let interval = pick(random, &[5000, 15_000, 30_000, 60_000, 61_000]);
    let phase = random.below(interval as u64) as i64;
    let gaps = pick(random, &[0, 0, 10, 3]);
    let length = if random.one_in(5) { LENGTH / 4 } else { LENGTH };
    let mut time = dialect.origin + phase;
    if !dialect.modern {
        time = time / 1000 * 1000 + 503;
    }
    let mut times = Vec::new();
    while time < dialect.origin + length {
        if gaps == 0 || !random.one_in(gaps) {
            times.push(time);
        } else if random.one_in(6) {
            time += interval * random.below(20) as i64;
        }
        time += interval;
    }
    times
}

fn values(dialect: Dialect, name: &str, times: &[i64], random: &mut Random) -> Vec<(i64, Sample)> {
    let stale = pick(random, &[0, 0, 0, 9]);
    let special = pick(random, &[0, 0, 7]);
    let gauge = random.one_in(3);
    let (mut shape, mut counter) = (shape(random), random.below(100) as f64);
    let mut samples = Vec::new();
    for time in times {
        let as_histogram = name == "h" || (name == "m" && random.one_in(2));
        let sample = if stale > 0 && random.one_in(stale) {
            if as_histogram && random.one_in(2) {
                histogram(Histogram { sum: stale_nan(), ..Histogram::default() })
            } else {
                Sample::Float(stale_nan())
            }
        } else if as_histogram {
            if random.one_in(15) {
                shape = self::shape(random);
            }
            grow(&mut shape, random);
            let reset_hint = if gauge { ResetHint::Gauge } else { ResetHint::Unknown };
            histogram(Histogram { reset_hint, ..shape.clone() })
        } else if name == "b_total" {
            counter = if random.one_in(12) { 0.0 } else { counter + random.below(9) as f64 };
            Sample::Float(counter)
        } else if special > 0 && random.one_in(special) {
            let end = if dialect.modern { SPECIAL.len() } else { SPECIAL.len() - 3 };
            Sample::Float(pick(random, &SPECIAL[..end]))
        } else {
            Sample::Float(random.below(400) as f64 / pick(random, &[1.0, 4.0, 7.0]) - 20.0)
        };
        samples.push((*time, sample));
    }
    samples
}

/// An empty histogram of some layout.
fn shape(random: &mut Random) -> Histogram {
    if random.one_in(3) {
        let bounds: &[&[f64]] = &[&[1.0, 2.0, 5.0], &[2.0, 5.0], &[-1.0, 0.0, 1.0], &[0.5]];
        let custom_values = pick(random, bounds).to_vec();
        let length = 1 + random.index(custom_values.len() + 1);
        return Histogram {
            schema: SCHEMA_CUSTOM,
            positive_spans: vec![Span { offset: 0, length: length as u32 }],
            positive_buckets: vec![0.0; length],
            custom_values,
            ..Histogram::default()
        };
    }
    let mut side = || {
        let count = random.index(3);
        let spans: Vec<Span> = (0..count)
            .map(|at| Span {
                offset: random.below(4) as i32 - if at == 0 { 2 } else { 0 },
                length: 1 + random.below(3) as u32,
            })
            .collect();
        let buckets = spans.iter().map(|span| span.length as usize).sum();
        (spans, vec![0.0; buckets])
    };
    let ((positive_spans, positive_buckets), (negative_spans, negative_buckets)) = (side(), side());
    Histogram {
        schema: pick(random, &[0, 0, 1, 2, 3, -1, -4, 8]),
        zero_threshold: pick(random, &[0.0, 0.001, 0.001, 0.5, 1.0]),
        positive_spans,
        positive_buckets,
        negative_spans,
        negative_buckets,
        ..Histogram::default()
    }
}

/// Observes something.
fn grow(shape: &mut Histogram, random: &mut Random) {
    if random.one_in(12) {
        let zeroed = |buckets: &mut Vec<f64>| buckets.iter_mut().for_each(|bucket| *bucket = 0.0);
        zeroed(&mut shape.positive_buckets);
        zeroed(&mut shape.negative_buckets);
        (shape.zero_count, shape.count, shape.sum) = (0.0, 0.0, 0.0);
    }
    for bucket in shape.positive_buckets.iter_mut().chain(&mut shape.negative_buckets) {
        let more = random.below(3) as f64;
        *bucket += more;
        shape.count += more;
        shape.sum += more * (random.below(40) as f64 / 4.0 - 2.0);
    }
    if !shape.is_custom() && random.one_in(2) {
        shape.zero_count += 1.0;
        shape.count += 1.0;
    }
}
