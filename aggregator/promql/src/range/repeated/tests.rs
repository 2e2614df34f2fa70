//! What is found once for several series is what each of them would find.

use model::labels::Labels;
use proptest::prelude::*;

use super::{Asked, Repeated};
use crate::{
    annotations::Notes,
    ast::Extension,
    range::{
        call::Cx,
        rate::{Kind, Resets, rate},
        samples::Samples,
        window::{Extent, Slider},
    },
    span::Span,
    value::Sample,
};

const LENGTH: i64 = 100;

fn one_by_one(kind: Kind, samples: &Samples, ends: &[i64]) -> (Vec<usize>, Vec<u64>, u64) {
    let extent = Extent::new(Extension::None, 0, LENGTH);
    let (resets, mut slider) = (Resets::find(samples), Slider::default());
    let (mut steps, mut rates, mut seen) = (Vec::new(), Vec::new(), 0);
    for (step, end) in ends.iter().enumerate() {
        let window = slider.slide(samples, extent, *end, *end);
        seen += window.weight();
        let (labels, mut notes) = (Labels::default(), Notes::default());
        let mut cx = Cx {
            labels: &labels,
            span: Span::default(),
            seconds: extent.seconds(),
            extension: Extension::None,
            notes: &mut notes,
        };
        if let Some(Sample::Float(value)) = rate(kind, &window, &resets, &mut cx) {
            steps.push(step);
            rates.push(value.to_bits());
        }
    }
    (steps, rates, seen)
}

proptest! {
    #[test]
    fn repeated_windows_give_what_each_series_gives(
        gaps in proptest::collection::vec(prop_oneof![8 => Just(15i64), 2 => 1i64..200], 0..100),
        all in proptest::collection::vec(proptest::collection::vec(0u32..50, 100), 3),
        step in 1i64..200,
        start in -50i64..300,
        counter in any::<bool>(),
        per_second in any::<bool>(),
    ) {
        let times: Vec<i64> = gaps
            .iter()
            .scan(0, |time, gap| {
                *time += gap;
                Some(*time)
            })
            .collect();
        let ends: Vec<i64> = (0..20).map(|number| start + number * step).collect();
        let kind = Kind { counter, per_second };
        let extent = Extent::new(Extension::None, 0, LENGTH);
        let repeated = Repeated::new(Asked::Rate(kind), &times, extent, ends.iter().copied());
        for values in all {
            let mut samples = Samples::default();
            samples.floats.times.clone_from(&times);
            samples.floats.values = values.into_iter().take(times.len()).map(f64::from).collect();
            let rates = repeated.values(&samples.floats.values);
            let rates: Vec<u64> = rates.into_iter().map(f64::to_bits).collect();
            let found = (repeated.steps().to_vec(), rates, repeated.seen());
            prop_assert_eq!(found, one_by_one(kind, &samples, &ends));
        }
    }
}
