//! Whatever is sent arrives.

use std::hash::BuildHasher;

use model::write::{Sample, WriteBatch};
use proptest::prelude::*;
use rustc_hash::FxBuildHasher;

use super::{Link, TIME, floats, tick};
use crate::remote_write::tests::{dump, strategies};

/// One series of a tick: app, metric, what is special about it, and its value.
type Choice = (u8, u8, u8, u64);

fn batch(number: i64, choices: &[Choice]) -> WriteBatch {
    let mut batch = WriteBatch::default();
    for (app, metric, special, bits) in choices {
        let (app, metric) = (format!("a{app}"), format!("m{metric}"));
        let mut labels = [("__name__", metric.as_str()), ("app", &app), ("tenant", "t")];
        batch.begin_series(&mut labels).expect("is valid");
        let time = TIME + number * 1000 + i64::from(*special == 1);
        let value = if *special == 4 { f64::from_bits(*bits) } else { *bits as f64 };
        let start = i64::from(*special == 2);
        batch.push_sample(Sample { time, value, start });
        if *special == 3 {
            batch.push_sample(Sample { time: time + 1, value, start });
        }
    }
    batch
}

proptest! {
    #[test]
    fn ticks_arrive(
        ticks in prop::collection::vec(
            prop::collection::vec((0u8..4, 0u8..12, 0u8..24, any::<u64>()), 0..40),
            1..8,
        ),
    ) {
        let mut link = Link::default();
        for (number, choices) in ticks.iter().enumerate() {
            let batch = batch(number as i64, choices);
            let (mut samples, rest, stats) = link.send(&batch);
            samples.extend(floats(&rest));
            samples.sort();
            prop_assert_eq!(samples, floats(&batch));
            prop_assert_eq!(stats.framed + stats.batched, batch.sample_count());
        }
    }

    /// Histograms, exemplars, descriptions, and labels of any text.
    #[test]
    fn anything_arrives(batches in prop::collection::vec(strategies::batch(true), 1..3)) {
        let mut link = Link::default();
        for batch in &batches {
            let (mut samples, rest, _) = link.send(batch);
            samples.extend(floats(&rest));
            samples.sort();
            samples.dedup();
            let mut sent = floats(batch);
            sent.dedup();
            prop_assert_eq!(samples, sent);
            prop_assert_eq!(rest.exemplar_count(), batch.exemplar_count());
            let histograms = |batch: &WriteBatch| {
                let text = dump(batch);
                let lines = text.lines().filter(|line| line.contains("Histogram {"));
                lines.map(str::to_owned).collect::<Vec<_>>()
            };
            prop_assert_eq!(histograms(&rest), histograms(batch));
            let described = |batch: &WriteBatch| {
                let all = batch.metadata().iter().cloned();
                all.collect::<std::collections::BTreeSet<_>>()
            };
            prop_assert_eq!(described(&rest), described(batch));
        }
    }
}

/// A source of samples: in one of how many bodies it has a tick, of how many series, and in one of
/// how many of its ticks it leaves one of them out.
type Rhythm = (u64, usize, u64);

/// The names of what has a tick in a body. The gaps between two ticks of a source are of any length.
fn due(rhythms: &[Rhythm], body: u64) -> Vec<String> {
    let mut names = Vec::new();
    for (app, (every, series, short)) in rhythms.iter().enumerate() {
        let dice = FxBuildHasher.hash_one((app, body));
        if !dice.is_multiple_of(*every) {
            continue;
        }
        let series = series - usize::from((dice >> 32).is_multiple_of(*short));
        names.extend((0..series).map(|metric| format!("t/a{app}/m{metric}")));
    }
    names
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the rhythms, every tick arrives whole, over thousands of bodies.
    #[test]
    fn every_rhythm_arrives(
        rhythms in prop::collection::vec((1u64..300, 1usize..4, 2u64..40), 1..6),
        seconds in prop_oneof![Just(0), Just(1), Just(4), 1i64..20],
    ) {
        let mut link = Link::default();
        let mut sent = 0;
        for body in 0..3000u64 {
            let names = due(&rhythms, body);
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let batch = tick(body as i64 * seconds, &names);
            let (samples, rest, stats) = link.send(&batch);
            prop_assert_eq!(samples, floats(&batch), "body {}", body);
            prop_assert!(rest.is_empty());
            sent += stats.framed;
        }
        prop_assert!(sent > 0);
    }
}
