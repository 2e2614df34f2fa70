//! Compares what was expected with what was found.

use std::collections::BTreeMap;

use model::{
    histogram::{Histogram, ResetHint, Span},
    labels::Labels,
};
use promql::{Sample, VectorElement, script::Notated, script::parse_series};

use super::format::ExpectedSample;

/// A sample that an expression is to give.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) labels: Labels,
    pub(super) value: WantedValue,
}

#[derive(Debug)]
pub(super) enum WantedValue {
    Float(f64),
    Histogram { histogram: Histogram, hint_given: bool },
}

/// Reads an expected sample.
pub(super) fn wanted(sample: &ExpectedSample) -> Result<Wanted, String> {
    let context = |message: String| format!("labels {:?}: {message}", sample.labels);
    let (labels, values) = parse_series(&sample.labels).map_err(context)?;
    if !values.is_empty() {
        return Err(context("values have no place here".to_owned()));
    }
    if sample.histogram.is_empty() {
        return Ok(Wanted { labels, value: WantedValue::Float(sample.value) });
    }
    let (_, values) = parse_series(&format!("{{}} {}", sample.histogram)).map_err(context)?;
    match values.as_slice() {
        [Notated::Histogram { histogram, hint_given }] => {
            let (histogram, hint_given) = (histogram.as_ref().clone(), *hint_given);
            Ok(Wanted { labels, value: WantedValue::Histogram { histogram, hint_given } })
        }
        [other] => Err(context(format!("expected histogram, got {other:?}"))),
        _ => Err(context(format!("expected 1 value, got {}", values.len()))),
    }
}

/// Whether the samples are those wanted, in order of labels.
pub(super) fn same(wanted: &[Wanted], found: &[VectorElement], fuzzy: bool) -> bool {
    let pairs = wanted.iter().zip(found);
    wanted.len() == found.len()
        && pairs.into_iter().all(|(wanted, found)| {
            wanted.labels == found.labels && same_value(&wanted.value, &found.value, fuzzy)
        })
}

fn same_value(wanted: &WantedValue, found: &Sample, fuzzy: bool) -> bool {
    match (wanted, found) {
        (WantedValue::Float(wanted), Sample::Float(found)) => same_float(*wanted, *found, fuzzy),
        (WantedValue::Histogram { histogram, hint_given }, Sample::Histogram(found)) => {
            same_histogram(histogram, found, *hint_given)
        }
        _ => false,
    }
}

/// NaN equals NaN: whoever expects it means it. With `fuzzy` a number equals its neighbours.
fn same_float(wanted: f64, found: f64, fuzzy: bool) -> bool {
    wanted == found
        || (wanted.is_nan() && found.is_nan())
        || (fuzzy && (wanted.next_down() == found || wanted.next_up() == found))
}

/// Whether histograms hold the same, however their buckets are laid out. The reset hint counts
/// only if it was written.
fn same_histogram(wanted: &Histogram, found: &Histogram, hint_given: bool) -> bool {
    wanted.schema == found.schema
        && same_float(wanted.count, found.count, false)
        && same_float(wanted.sum, found.sum, false)
        && wanted.zero_count == found.zero_count
        && wanted.zero_threshold == found.zero_threshold
        && wanted.custom_values == found.custom_values
        && buckets(&wanted.positive_spans, &wanted.positive_buckets)
            == buckets(&found.positive_spans, &found.positive_buckets)
        && buckets(&wanted.negative_spans, &wanted.negative_buckets)
            == buckets(&found.negative_spans, &found.negative_buckets)
        && (!hint_given || wanted.reset_hint == found.reset_hint)
}

/// Counts by index, without empty buckets.
pub(super) fn buckets(spans: &[Span], counts: &[f64]) -> BTreeMap<i64, f64> {
    let mut index = 0i64;
    let mut counts = counts.iter();
    let mut filled = BTreeMap::new();
    for span in spans {
        index += i64::from(span.offset);
        for count in counts.by_ref().take(span.length as usize) {
            if *count != 0.0 {
                filled.insert(index, *count);
            }
            index += 1;
        }
    }
    filled
}

/// How a hint is written.
pub(super) fn hint(hint: ResetHint) -> Option<&'static str> {
    match hint {
        ResetHint::Unknown => None,
        ResetHint::Reset => Some("reset"),
        ResetHint::NotReset => Some("not_reset"),
        ResetHint::Gauge => Some("gauge"),
    }
}
