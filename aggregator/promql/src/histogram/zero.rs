//! Zero buckets of different widths.

use model::histogram::Histogram;

use super::{bounds, compact, layout};

/// What a histogram's zero bucket would count if it were wider, and how wide exactly: a bucket that
/// it would cut through is taken in whole, if it holds anything.
pub(super) fn widened(histogram: &Histogram, threshold: f64) -> (f64, f64) {
    let mut threshold = threshold;
    if threshold <= histogram.zero_threshold {
        return (histogram.zero_count, histogram.zero_threshold);
    }
    let bound = |index| bounds::exponential(index, histogram.schema);
    'again: loop {
        let mut count = histogram.zero_count;
        for (side, buckets) in [
            &mut layout::positive(histogram) as &mut dyn Iterator<Item = (i32, f64)>,
            &mut layout::negative(histogram),
        ]
        .into_iter()
        .enumerate()
        {
            for (index, bucket) in buckets {
                if bound(index - 1) >= threshold {
                    break;
                }
                count += bucket;
                if bound(index) > threshold {
                    if bucket != 0.0 {
                        threshold = bound(index);
                        // The positive side was counted with the lesser width.
                        if side == 1 {
                            continue 'again;
                        }
                    }
                    break;
                }
            }
        }
        return (count, threshold);
    }
}

/// Widens the zero bucket of a histogram; `count` is what it then counts.
pub(super) fn widen(histogram: &mut Histogram, count: f64, threshold: f64) {
    histogram.zero_count = count;
    histogram.zero_threshold = threshold;
    let schema = histogram.schema;
    let outside = |(index, _): &(i32, f64)| bounds::exponential(index - 1, schema) >= threshold;
    let positive: Vec<_> = layout::positive(histogram).filter(outside).collect();
    layout::set_positive(histogram, positive);
    let negative: Vec<_> = layout::negative(histogram).filter(outside).collect();
    layout::set_negative(histogram, negative);
    compact::compact(histogram);
}

/// Widens the zero bucket of `histogram` until it can be that of both, and gives what the zero
/// bucket of `other` counts at that width.
pub(super) fn reconcile(histogram: &mut Histogram, other: &Histogram) -> f64 {
    let (mut count, mut threshold) = (other.zero_count, other.zero_threshold);
    while threshold != histogram.zero_threshold {
        if histogram.zero_threshold > threshold {
            (count, threshold) = widened(other, histogram.zero_threshold);
        }
        if threshold > histogram.zero_threshold {
            let (own, width) = widened(histogram, threshold);
            widen(histogram, own, width);
        } else if threshold.is_nan() || histogram.zero_threshold.is_nan() {
            break;
        }
    }
    count
}
