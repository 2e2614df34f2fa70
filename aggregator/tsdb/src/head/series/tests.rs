//! Tests of one series of the head against an ordered map.

use std::{collections::BTreeMap, sync::Arc};

use model::{columns::Columns, histogram::Histogram};
use proptest::prelude::*;

use super::{Pushed, Series};
use crate::{
    head::{
        sealed::{Arena, Sealer},
        snapshot::{Snapshot, Taking},
    },
    samples::Samples,
};

fn read(snapshot: &Snapshot) -> BTreeMap<i64, (u64, i64, bool)> {
    let (mut samples, mut columns) = (Samples::default(), Columns::default());
    snapshot.decode(&mut samples).unwrap();
    samples.settle();
    samples.append_to(&mut columns);
    let sample = |at: usize| {
        (columns.values[at].to_bits(), columns.start(at), columns.histogram(at).is_some())
    };
    columns.times.iter().enumerate().map(|(at, time)| (*time, sample(at))).collect()
}

fn snapshot(series: &Series, arena: &Arena, start: i64, end: i64) -> Snapshot {
    let mut taking = Taking::new(start, end);
    let taken = series.take(arena, &mut taking);
    taking.hold(arena).snapshot(taken)
}

fn histogram(sum: f64) -> Arc<Histogram> {
    Arc::new(Histogram { sum, count: 1.0, ..Histogram::default() })
}

#[test]
fn repetitions_and_conflicts_are_told() {
    let (mut series, mut arena, mut sealer) =
        (Series::new([1, 2]), Arena::default(), Sealer::default());
    let mut push = |time, value| series.push(time, value, 0, &mut arena, &mut sealer);
    assert_eq!(push(10, 1.0), Pushed::Stored);
    assert_eq!(push(10, 1.0), Pushed::Same);
    assert_eq!(push(10, 2.0), Pushed::Conflict);
    assert_eq!(push(5, 1.0), Pushed::Stored, "late");
    assert_eq!(push(5, 1.0), Pushed::Same);
    assert_eq!(push(5, -1.0), Pushed::Conflict);
    assert_eq!(push(11, f64::NAN), Pushed::Stored);
    assert_eq!(push(11, f64::NAN), Pushed::Same);
    let mut push =
        |time, sum| series.push_histogram(time, &histogram(sum), 0, &mut arena, &mut sealer);
    assert_eq!(push(11, 1.0), Pushed::Conflict, "there is a float");
    assert_eq!(push(12, f64::NAN), Pushed::Stored);
    assert_eq!(push(12, f64::NAN), Pushed::Same);
    assert_eq!(push(12, 2.0), Pushed::Conflict);
    assert_eq!(series.push(12, 1.0, 0, &mut arena, &mut sealer), Pushed::Conflict);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Push { ahead: i64, value: f64, start: i64, is_histogram: bool },
    Run(u8),
    Freeze,
    Drop,
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![Just(1.0), Just(2.0), Just(model::columns::stale_nan()), any::<f64>()];
    prop_oneof![
        8 => (-40i64..60, value, 0i64..3, 0u8..6).prop_map(|(ahead, value, start, kind)| {
            Step::Push { ahead, value, start, is_histogram: kind == 0 }
        }),
        2 => (1u8..90).prop_map(Step::Run),
        1 => Just(Step::Freeze),
        1 => Just(Step::Drop),
        1 => Just(Step::Forget),
    ]
}

proptest! {
    /// What was stored is there until it is dropped, which happens to what was frozen and to
    /// nothing else.
    #[test]
    fn a_series_holds_what_was_pushed(steps in proptest::collection::vec(step(), 0..80)) {
        let (mut arena, mut sealer) = (Arena::default(), Sealer::default());
        let mut series = Series::new([1, 2]);
        let mut expected: BTreeMap<i64, (u64, i64, bool)> = BTreeMap::new();
        let (mut frozen, mut held) = (BTreeMap::new(), Vec::new());
        let mut now = 1000;
        for step in steps {
            match step {
                Step::Push { ahead, value, start, is_histogram } => {
                    let time = now + ahead;
                    now = now.max(time);
                    let pushed = if is_histogram {
                        series.push_histogram(time, &histogram(value), start, &mut arena, &mut sealer)
                    } else {
                        series.push(time, value, start, &mut arena, &mut sealer)
                    };
                    // Conflicts are not found where they would be dear to look for. There the
                    // rule of merging decides, which has tests of its own.
                    prop_assume!(pushed != Pushed::Stored || !expected.contains_key(&time));
                    if pushed == Pushed::Stored {
                        expected.insert(time, (value.to_bits(), start, is_histogram));
                    }
                }
                Step::Run(count) => {
                    for _ in 0..count {
                        now += 15;
                        series.push(now, 7.0, 0, &mut arena, &mut sealer);
                        expected.insert(now, (7f64.to_bits(), 0, false));
                    }
                }
                Step::Freeze => {
                    let mut taking = Taking::all();
                    let taken = series.freeze(&mut arena, &mut sealer, &mut taking);
                    let given = taking.hold(&arena).snapshot(taken);
                    prop_assert_eq!(read(&given), expected.clone());
                    held.push((given, expected.clone()));
                    frozen.clone_from(&expected);
                }
                Step::Drop => {
                    series.drop_flushed(&mut arena, &mut sealer);
                    expected.retain(|time, _| !frozen.contains_key(time));
                    frozen.clear();
                }
                Step::Forget => series.forget_last(),
            }
            let found = snapshot(&series, &arena, i64::MIN, i64::MAX);
            prop_assert_eq!(read(&found), expected.clone());
            held.push((found, expected.clone()));
            prop_assert_eq!(series.is_empty(), expected.is_empty());
            let narrow = read(&snapshot(&series, &arena, now - 20, now - 10));
            for (time, sample) in expected.range(now - 20..=now - 10) {
                prop_assert_eq!(narrow.get(time), Some(sample));
                prop_assert!(series.overlaps(now - 20, now - 10, &arena));
            }
        }
        series.freeze(&mut arena, &mut sealer, &mut Taking::all());
        series.drop_flushed(&mut arena, &mut sealer);
        for (snapshot, expected) in held {
            prop_assert_eq!(read(&snapshot), expected, "a snapshot stays as it is");
        }
        prop_assert!(series.is_empty());
        prop_assert_eq!(arena.used_bytes(), 0, "all memory is accounted for");
    }
}
