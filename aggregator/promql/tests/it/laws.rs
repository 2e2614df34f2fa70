//! Laws that hold for every query and all data.

use std::{collections::BTreeMap, time::Duration};

use model::{histogram::Histogram, time::Timestamp};
use promql::{
    Answer, Context, Engine, EngineOptions, EvalError, ParseOptions, Sample, Value, parse, script,
};
use proptest::prelude::*;

use crate::{
    queries::{data, query},
    watched::Watched,
};

const START: i64 = 0;
const STEP: i64 = 47_000;
const END: i64 = 9 * STEP;

/// A value of any kind, so that it can be compared: NaN equals NaN.
fn key(sample: &Sample) -> String {
    match sample {
        Sample::Float(value) => format!("{value:?}"),
        // What is known of resets depends on what lies before, which an instant query does not see.
        Sample::Histogram(histogram) => {
            format!("{:?}", Histogram { reset_hint: Default::default(), ..(**histogram).clone() })
        }
    }
}

/// Values by labels and time.
fn values(answer: &Answer) -> BTreeMap<(String, i64), String> {
    let mut values = BTreeMap::new();
    match &answer.value {
        Value::Vector(vector) => {
            for element in vector {
                let place = (element.labels.to_string(), element.time);
                assert_eq!(values.insert(place, key(&element.value)), None, "labels come once");
            }
        }
        Value::Matrix(matrix) => {
            for series in matrix {
                let floats =
                    series.floats.iter().map(|(time, value)| (*time, Sample::Float(*value)));
                let histograms = series.histograms.iter().map(|(time, histogram)| {
                    (*time, Sample::Histogram(std::sync::Arc::clone(histogram)))
                });
                for (time, sample) in floats.chain(histograms) {
                    let place = (series.labels.to_string(), time);
                    assert_eq!(values.insert(place, key(&sample)), None, "a time comes once");
                }
            }
        }
        Value::Scalar(time, value) => {
            values.insert((String::new(), *time), key(&Sample::Float(*value)));
        }
        Value::String(..) => {}
    }
    values
}

fn range(engine: &Engine, query: &str, store: &Watched) -> Result<Answer, EvalError> {
    let expr = parse(query, &ParseOptions::default()).expect("the query is well formed");
    let step = Duration::from_millis(STEP.unsigned_abs());
    engine.range(&expr, Timestamp(START), Timestamp(END), step, store, &Context::unlimited())
}

fn instant(engine: &Engine, query: &str, time: i64, store: &Watched) -> Result<Answer, EvalError> {
    let expr = parse(query, &ParseOptions::default()).expect("the query is well formed");
    engine.instant(&expr, Timestamp(time), store, &Context::unlimited())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// A range query answers at each step what an instant query answers at that time. Where names
    /// are removed at the end, whole series keep or lose them, so here they go at once.
    #[test]
    fn ranges_are_made_of_instants(data in data(), query in query()) {
        let store = Watched::load(30, &data);
        let options = EngineOptions { delayed_name_removal: false, ..script::engine_options() };
        let engine = Engine::new(options);
        let mut instants = BTreeMap::new();
        let mut failed = None;
        for time in (START..=END).step_by(47_000) {
            match instant(&engine, &query, time, &store) {
                Ok(answer) => instants.append(&mut values(&answer)),
                Err(error) => failed = Some(error),
            }
        }
        match range(&engine, &query, &store) {
            Ok(answer) => {
                prop_assert_eq!(values(&answer), instants);
                prop_assert!(failed.is_none(), "{:?}", failed);
            }
            // Series that are alike but never at the same time are an error of the range alone.
            Err(error) => {
                let alike = "vector cannot contain metrics with the same labelset";
                prop_assert!(failed.is_some() || error.to_string() == alike, "{}", error);
            }
        }
    }

    /// Neither the number of threads nor what else a store returns has an influence.
    #[test]
    fn threads_and_stores_do_not_matter(data in data(), query in query(), delayed in any::<bool>()) {
        let options = EngineOptions { delayed_name_removal: delayed, ..script::engine_options() };
        let serial = Engine::new(options.clone());
        let parallel = Engine::new(EngineOptions { parallelism: 4, ..options });
        let store = Watched::load(30, &data);
        let generous = Watched { generous: true, ..Watched::load(30, &data) };
        let shown = |answer: Result<Answer, EvalError>| match answer {
            Ok(answer) => format!("{:?} {:?} {:?}", answer.value, answer.warnings, answer.infos),
            Err(error) => error.to_string(),
        };
        let expected = shown(range(&serial, &query, &store));
        prop_assert_eq!(&shown(range(&parallel, &query, &store)), &expected);
        prop_assert_eq!(&shown(range(&serial, &query, &generous)), &expected);
        let at = |engine, store| shown(instant(engine, &query, 150_000, store));
        let expected = at(&serial, &store);
        prop_assert_eq!(&at(&parallel, &store), &expected);
        prop_assert_eq!(&at(&serial, &generous), &expected);
    }
}

/// More series than one thread takes at a time, so that several do take part.
#[test]
fn many_series_on_many_threads() {
    let data: String = (0..700)
        .map(|number| format!("a{{n=\"{number}\",g=\"{}\"}} {number}+{number}x20\n", number % 7))
        .collect();
    let store = Watched::load(30, &data);
    let serial = Engine::new(script::engine_options());
    for query in [
        "a",
        "rate(a[2m])",
        "sum by (g) (rate(a[2m]))",
        "topk by (g) (3, a)",
        "quantile by (g) (0.9, abs(a - 5))",
        "sum by (g) (avg_over_time((a * 2)[3m:30s]))",
        "a / on (n, g) a",
        "label_replace(a, \"h\", \"$1\", \"n\", \"(.).*\")",
    ] {
        let expected = range(&serial, query, &store).map(|answer| answer.value);
        for parallelism in [2, 3, 8] {
            let options = EngineOptions { parallelism, ..script::engine_options() };
            let found = range(&Engine::new(options), query, &store).map(|answer| answer.value);
            assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{query}");
        }
    }
}
