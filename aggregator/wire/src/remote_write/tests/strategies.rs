//! Arbitrary batches that both formats can say.

use std::sync::Arc;

use model::{
    exemplar::Exemplar,
    histogram::{Histogram, ResetHint, SCHEMA_CUSTOM, Span},
    labels::Labels,
    metadata::{Metadata, MetricType},
    time::Timestamp,
    write::{HistogramSample, Sample, WriteBatch},
};
use proptest::{collection::vec, prelude::*, sample::select};

#[derive(Clone, Debug)]
struct Series {
    metric: String,
    labels: Vec<(String, String)>,
    samples: Vec<Sample>,
    histograms: Vec<HistogramSample>,
    exemplars: Vec<Exemplar>,
}

/// A batch; with `starts`, samples have start timestamps.
pub(crate) fn batch(starts: bool) -> impl Strategy<Value = Arc<WriteBatch>> {
    let metadata = prop::option::of(metadata());
    (vec((series(starts), metadata), 0..8)).prop_map(|all| {
        let mut batch = WriteBatch::default();
        let mut described = std::collections::BTreeSet::new();
        for (series, metadata) in all {
            let mut labels: Vec<_> =
                series.labels.iter().map(|(name, value)| (&**name, &**value)).collect();
            labels.push(("__name__", &series.metric));
            batch.begin_series(&mut labels).expect("labels are distinct");
            series.samples.into_iter().for_each(|sample| batch.push_sample(sample));
            series.histograms.into_iter().for_each(|sample| batch.push_histogram(sample));
            series.exemplars.into_iter().for_each(|exemplar| batch.push_exemplar(exemplar));
            if let Some(metadata) = metadata
                && described.insert(series.metric.clone())
                && metadata != Metadata::default()
            {
                batch.push_metadata(series.metric, metadata);
            }
        }
        Arc::new(batch)
    })
}

fn series(starts: bool) -> impl Strategy<Value = Series> {
    let start = if starts { prop_oneof![Just(0), any::<i64>()].boxed() } else { Just(0).boxed() };
    let sample = (any::<i64>(), any::<u64>(), start.clone())
        .prop_map(|(time, bits, start)| Sample { time, value: f64::from_bits(bits), start });
    let histogram = (any::<i64>(), histogram(), start)
        .prop_map(|(time, value, start)| HistogramSample { time, value: Arc::new(value), start });
    let labels = prop::collection::btree_map("[a-z]{1,6}|[äµ.-]{1,3}", "[a-zé\n\"]{1,9}", 0..6);
    (
        "[a-z]{1,5}(:[a-z]{1,3})?",
        labels,
        vec(sample, 1..4),
        vec(histogram, 0..2),
        vec(exemplar(), 0..2),
    )
        .prop_map(|(metric, labels, samples, histograms, exemplars)| Series {
            metric,
            labels: labels.into_iter().collect(),
            samples,
            histograms,
            exemplars,
        })
}

fn exemplar() -> impl Strategy<Value = Exemplar> {
    let labels = prop::collection::btree_map("[a-z]{1,8}", "[a-z0-9é]{1,20}", 0..3);
    (labels, any::<f64>(), any::<i64>()).prop_map(|(labels, value, time)| Exemplar {
        labels: Labels::new(labels).expect("labels are distinct"),
        value,
        time: Timestamp(time),
    })
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let kinds = [
        MetricType::Unknown,
        MetricType::Counter,
        MetricType::Gauge,
        MetricType::Histogram,
        MetricType::GaugeHistogram,
        MetricType::Summary,
        MetricType::Info,
        MetricType::StateSet,
    ];
    (select(kinds.to_vec()), "[a-z é\n]{0,20}", "(seconds|bytes)?")
        .prop_map(|(kind, help, unit)| Metadata { kind, help, unit })
}

fn count() -> impl Strategy<Value = f64> {
    prop_oneof![(0u32..1000).prop_map(f64::from), (0.0..1e6), Just((1u64 << 53) as f64)]
}

pub(super) fn histogram() -> impl Strategy<Value = Histogram> {
    prop_oneof![exponential(), custom()]
}

fn side() -> impl Strategy<Value = (Vec<Span>, Vec<f64>)> {
    vec((0i32..100, 0u32..4), 0..4).prop_flat_map(|shape| {
        let spans: Vec<_> =
            shape.into_iter().map(|(offset, length)| Span { offset, length }).collect();
        let buckets = spans.iter().map(|span| span.length as usize).sum::<usize>();
        (Just(spans), vec(count(), buckets))
    })
}

fn hint() -> impl Strategy<Value = ResetHint> {
    select(vec![ResetHint::Unknown, ResetHint::Reset, ResetHint::NotReset, ResetHint::Gauge])
}

fn exponential() -> impl Strategy<Value = Histogram> {
    (-4i32..=8, hint(), 0.0..1.0, count(), count(), any::<f64>(), side(), side(), -9000i32..9000)
        .prop_map(|(schema, reset_hint, zero_threshold, zero_count, count, sum, p, n, first)| {
            let (mut positive_spans, positive_buckets) = p;
            if let Some(span) = positive_spans.first_mut() {
                span.offset = first;
            }
            let (negative_spans, negative_buckets) = n;
            Histogram {
                schema,
                reset_hint,
                zero_threshold,
                zero_count,
                count,
                sum,
                positive_spans,
                positive_buckets,
                negative_spans,
                negative_buckets,
                custom_values: Vec::new(),
            }
        })
}

fn custom() -> impl Strategy<Value = Histogram> {
    (hint(), count(), any::<f64>(), vec(count(), 0..6)).prop_map(|(hint, count, sum, buckets)| {
        let length = u32::try_from(buckets.len()).expect("is small");
        Histogram {
            schema: SCHEMA_CUSTOM,
            reset_hint: hint,
            count,
            sum,
            positive_spans: vec![Span { offset: 1, length }],
            positive_buckets: buckets,
            custom_values: (0..=length).map(|bound| f64::from(bound) - 2.5).collect(),
            ..Histogram::default()
        }
    })
}
