//! Series that are decoded one after the other, against each of them decoded alone.

use std::sync::Arc;

use disk::sim::SimDisk;
use model::{
    columns::{Columns, stale_nan},
    histogram::Histogram,
    matcher::Matcher,
    query::{Decoder, Hints, Queryable, Selection},
    time::Timestamp,
    write::{HistogramSample, Sample, WriteBatch},
};
use proptest::prelude::*;
use tsdb::{store::Store, view::TenantSet};

use super::tools::{NOW, open, tenant};

const TICK: i64 = 15_000;
const PARTS: i64 = 3;
const SERIES: usize = 10;

/// What happens to a series at one place of the ticks.
#[derive(Clone, Copy, Debug)]
enum Oddity {
    None,
    /// From here on.
    Shifted,
    Missing,
    Stale,
    Started,
    Histogram,
    /// The sample comes after all others of its part.
    Late,
}

fn oddity() -> impl Strategy<Value = (Oddity, i64)> {
    let odd = prop_oneof![
        4 => Just(Oddity::None),
        1 => Just(Oddity::Shifted),
        1 => Just(Oddity::Missing),
        1 => Just(Oddity::Stale),
        1 => Just(Oddity::Started),
        1 => Just(Oddity::Histogram),
        1 => Just(Oddity::Late),
    ];
    (odd, 0i64..600)
}

fn append(store: &Store, part: i64, ticks: i64, oddities: &[(Oddity, i64)]) {
    let mut batch = WriteBatch::default();
    for (number, (odd, place)) in oddities.iter().enumerate() {
        batch.begin_series(&mut [("__name__", "m"), ("s", &number.to_string())]).unwrap();
        let mut late = None;
        for tick in part * ticks..(part + 1) * ticks {
            let is_here = tick == *place;
            let shifted = matches!(odd, Oddity::Shifted) && tick >= *place;
            let time = NOW + tick * TICK + i64::from(shifted);
            let sample = Sample { time, value: (tick * 7 % (number as i64 + 2)) as f64, start: 0 };
            match odd {
                Oddity::Missing if is_here => {}
                Oddity::Stale if is_here => {
                    batch.push_sample(Sample { value: stale_nan(), ..sample });
                }
                Oddity::Started if is_here => {
                    batch.push_sample(Sample { start: time - 1, ..sample });
                }
                Oddity::Histogram if is_here => {
                    let value = Arc::new(Histogram { count: 1.0, ..Histogram::default() });
                    batch.push_histogram(HistogramSample { time, value, start: 0 });
                }
                Oddity::Late if is_here => late = Some(sample),
                _ => batch.push_sample(sample),
            }
        }
        late.into_iter().for_each(|sample| batch.push_sample(sample));
    }
    store.append(&tenant("acme"), &batch, Timestamp(NOW + 3_600_000)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn series_after_each_other_are_what_each_is_alone(
        ticks in 1i64..200,
        oddities in proptest::collection::vec(oddity(), SERIES),
        flushed in proptest::collection::vec(any::<bool>(), PARTS as usize),
        order in proptest::collection::vec(0..SERIES, 1..60),
        from in 0i64..200,
        deleted in any::<bool>(),
    ) {
        let store = open(&SimDisk::new(1));
        for (part, flushed) in (0..PARTS).zip(&flushed) {
            append(&store, part, ticks, &oddities);
            if *flushed {
                store.flush().unwrap();
            }
        }
        if deleted {
            let one = [Matcher::equal("s", "3")];
            let (start, end) = (Timestamp(NOW + TICK), Timestamp(NOW + 5 * TICK));
            store.delete(&tenant("acme"), &one, start, end).unwrap();
        }
        let matchers = [Matcher::metric("m")];
        let (start, end) = (Timestamp(NOW + from * TICK), Timestamp(NOW + 3_600_000_000));
        let selection = Selection { matchers: &matchers, start, end, hints: Hints::default() };
        let found = store.view(TenantSet::One(tenant("acme"))).select(&selection).unwrap();
        let mut decoder = Decoder::default();
        let mut before: Option<(u64, Vec<i64>)> = None;
        for number in order {
            let Some(handle) = found.get(number) else { continue };
            let mut alone = Columns::default();
            handle.decode(&mut alone).unwrap();
            handle.decode_next(&mut decoder).unwrap();
            // NaN is what it is by its bits.
            let bits = |columns: &Columns| {
                columns.values.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
            };
            let next = decoder.columns();
            prop_assert_eq!(&next.times, &alone.times);
            prop_assert_eq!(bits(next), bits(&alone));
            prop_assert_eq!(&next.starts, &alone.starts);
            prop_assert_eq!(&next.histograms, &alone.histograms);
            if let Some((version, times)) = before {
                prop_assert!(version != decoder.version() || times == next.times);
            }
            before = Some((decoder.version(), next.times.clone()));
        }
    }
}
