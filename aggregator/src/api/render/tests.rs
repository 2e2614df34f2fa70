//! That nothing is written for nobody.

use std::cell::Cell;

use model::labels::Labels;
use promql::{MatrixSeries, Stats, VectorElement};

use super::*;

fn vector(elements: usize) -> Value {
    let one = VectorElement { labels: Labels::default(), time: 0, value: Sample::Float(1.0) };
    Value::Vector(vec![one; elements])
}

fn matrix(series: usize) -> Value {
    let floats = vec![(0, 1.0)];
    let one = MatrixSeries { labels: Labels::default(), floats, histograms: Vec::new() };
    Value::Matrix(vec![one; series])
}

/// Stops when asked for the second time.
#[test]
fn an_answer_ends_between_series() {
    for (value, written, asked_in_all) in
        [(vector(3 * ELEMENTS_PER_CHECK), ELEMENTS_PER_CHECK, 3), (matrix(100), 1, 100)]
    {
        let asked = Cell::new(0);
        let mut out = Vec::new();
        let stop = || asked.replace(asked.get() + 1) == 1;
        let ended = data(&value, None, &mut out, &stop);
        assert_eq!((ended, asked.get()), (Err(QueryError::Cancelled), 2));
        let found = String::from_utf8(out).expect("is text").matches("metric").count();
        assert_eq!(found, written);
        let goes_on = || {
            asked.set(asked.get() + 1);
            false
        };
        let rendered = |value, stop: &dyn Fn() -> bool| {
            let (warnings, infos, stats) = (Vec::new(), Vec::new(), Stats::default());
            answer(Answer { value, warnings, infos, stats }, 0, None, stop)
        };
        let whole = rendered(value.clone(), &goes_on).expect("is whole");
        assert_eq!(asked.get(), 2 + asked_in_all);
        serde_json::from_slice::<serde_json::Value>(&whole).expect("is JSON");
        assert_eq!(rendered(value, &|| true), Err(QueryError::Cancelled));
    }
}
