//! Queries that are too large, are given up, or meet a store that fails.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use model::{query::QueryError, time::Timestamp};
use promql::{
    Answer, Context, Engine, EngineOptions, EvalError, ParseOptions, parse, script::engine_options,
};

use crate::watched::Watched;

const MINUTE: i64 = 60_000;

/// 200 series of 101 samples, a minute apart.
fn store() -> Watched {
    let data: String =
        (0..200).map(|number| format!("a{{n=\"{number}\"}} 0+{number}x100\n")).collect();
    Watched::load(60, &data)
}

fn range(
    engine: &Engine,
    query: &str,
    store: &Watched,
    context: &Context<'_>,
) -> Result<Answer, EvalError> {
    let expr = parse(query, &ParseOptions::default()).expect("the query is well formed");
    let (end, step) = (Timestamp(100 * MINUTE), Duration::from_secs(60));
    engine.range(&expr, Timestamp(0), end, step, store, context)
}

fn engine(change: impl FnOnce(&mut EngineOptions)) -> Engine {
    let mut options = engine_options();
    change(&mut options);
    Engine::new(options)
}

#[test]
fn samples_are_limited() {
    let store = store();
    for query in ["a", "a[100m:1m]", "rate(a[5m]) + a", "sort(a)", "sum by (n) (a)", "topk(200, a)"]
    {
        let ask = |max_samples| {
            let engine = engine(|options| options.max_samples = max_samples);
            if query.ends_with(']') {
                let expr = parse(query, &ParseOptions::default()).expect("well formed");
                let time = Timestamp(100 * MINUTE);
                engine.instant(&expr, time, &store, &Context::unlimited())
            } else {
                range(&engine, query, &store, &Context::unlimited())
            }
        };
        assert!(ask(1_000_000).is_ok(), "{query}");
        assert_eq!(ask(5_000).map(|_| ()), Err(EvalError::TooManySamples), "{query}");
    }
    let context = Context { max_samples: Some(5_000), ..Context::unlimited() };
    let refused = range(&engine(|_| {}), "a", &store, &context);
    assert_eq!(refused.map(|_| ()), Err(EvalError::TooManySamples));
}

/// What is folded at once is not held: the peak is far below the samples that were read.
#[test]
fn aggregations_hold_little() {
    let answer = range(&engine(|_| {}), "sum(rate(a[5m]))", &store(), &Context::unlimited());
    let stats = answer.expect("within limits").stats;
    assert_eq!(stats.series, 200);
    assert_eq!(stats.samples_read, 200 * 101);
    assert!(stats.samples_peak < 1_000, "{stats:?}");
}

#[test]
fn series_and_steps_are_limited() {
    let store = store();
    let few = engine(|options| options.max_series = 199);
    let error = EvalError::Limit { what: "series", limit: 199 };
    assert_eq!(range(&few, "sum(a)", &store, &Context::unlimited()).map(|_| ()), Err(error));
    let context = Context { max_series: Some(10), ..Context::unlimited() };
    let error = EvalError::Limit { what: "series", limit: 10 };
    assert_eq!(range(&engine(|_| {}), "sum(a)", &store, &context).map(|_| ()), Err(error));
    let short = engine(|options| options.max_steps = 100);
    let error = EvalError::Limit { what: "steps", limit: 100 };
    for query in ["1", "sum_over_time(vector(1)[1y:1ms])"] {
        let refused = range(&short, query, &store, &Context::unlimited());
        assert_eq!(refused.map(|_| ()), Err(error.clone()), "{query}");
    }
    let inner = engine(|options| options.max_steps = 101);
    let refused = range(&inner, "max_over_time(a[1y:1s])", &store, &Context::unlimited());
    assert_eq!(refused.map(|_| ()), Err(EvalError::Limit { what: "steps", limit: 101 }));
}

/// What is wrong with a query whatever the data is another error than what is wrong with the data.
#[test]
fn mistakes_of_the_query_are_told_as_such() {
    let store = store();
    for (query, message) in [
        (
            "a[1m]",
            "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector",
        ),
        (
            "\"a\"",
            "invalid expression type \"string\" for range query, must be Scalar or instant Vector",
        ),
        ("rate(a[range() - 1h40m])", "7:22: duration must be greater than 0"),
        ("a offset (1m / (step() - 60))", "10:27: division by zero"),
    ] {
        let refused = range(&engine(|_| {}), query, &store, &Context::unlimited());
        assert_eq!(refused.map(|_| ()), Err(EvalError::Query(message.to_owned())), "{query}");
    }
    let refused = range(&engine(|_| {}), "a + on () a", &store, &Context::unlimited());
    assert!(matches!(refused, Err(EvalError::Execution(_))), "{refused:?}");
}

#[test]
fn every_series_is_decoded_once() {
    for (query, selectors) in [
        ("a", 1),
        ("rate(a[5m])", 1),
        ("sum(rate(a[1h]))", 1),
        ("max_over_time(rate(a[5m])[30m:1m])", 1),
        ("a + a", 2),
        ("quantile_over_time(0.5, a[1h] @ 3000)", 1),
    ] {
        let store = store();
        range(&engine(|_| {}), query, &store, &Context::unlimited()).expect(query);
        assert_eq!(store.decodes(), 200 * selectors, "{query}");
        assert_eq!(store.selects.load(Ordering::Relaxed), selectors, "{query}");
    }
}

#[test]
fn who_gives_up_is_heard_at_once() {
    for parallelism in [1, 3] {
        for query in ["a", "sum(rate(a[5m]))", "topk(3, a + a)", "max_over_time(a[1h:1m])"] {
            let store = store();
            let decodes = &store.decodes;
            // The caller leaves when 50 series were decoded.
            let cancelled = || decodes.load(Ordering::Relaxed) >= 50;
            let context = Context { cancelled: &cancelled, ..Context::unlimited() };
            let engine = engine(|options| options.parallelism = parallelism);
            let refused = range(&engine, query, &store, &context);
            assert_eq!(refused.map(|_| ()), Err(EvalError::Cancelled), "{query}");
            let more = store.decodes() - 50;
            assert!(more <= parallelism as u64, "{query}: {more} more series were decoded");
        }
    }
}

/// One long series must not keep the engine from listening.
#[test]
fn long_series_are_interrupted() {
    let store = Watched::load(1, "a 0+1x200000");
    let polls = AtomicU64::new(0);
    let left = AtomicBool::new(false);
    let cancelled = || {
        if store.decodes() > 0 && polls.fetch_add(1, Ordering::Relaxed) > 3 {
            left.store(true, Ordering::Relaxed);
        }
        left.load(Ordering::Relaxed)
    };
    let context = Context { cancelled: &cancelled, ..Context::unlimited() };
    let expr = parse("avg_over_time(a[1h])", &ParseOptions::default()).expect("well formed");
    let (end, step) = (Timestamp(200_000_000), Duration::from_secs(10));
    let refused = engine(|_| {}).range(&expr, Timestamp(0), end, step, &store, &context);
    assert_eq!(refused.map(|_| ()), Err(EvalError::Cancelled));
    assert!(polls.load(Ordering::Relaxed) < 10);
}

#[test]
fn failures_of_the_store_are_told() {
    for parallelism in [1, 3] {
        let store = Watched { fail_after: Some(70), ..store() };
        let engine = engine(|options| options.parallelism = parallelism);
        let failed = range(&engine, "sum(a)", &store, &Context::unlimited());
        let error = EvalError::Storage(QueryError::Damaged("a block".to_owned()));
        assert_eq!(failed.map(|_| ()), Err(error));
    }
}
