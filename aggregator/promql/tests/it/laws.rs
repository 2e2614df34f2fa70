//! Random cases keep all laws.

use std::time::Duration;

use disk::sim::Random;
use model::time::Timestamp;
use promql::{Answer, Context, Engine, EngineOptions, EvalError, ParseOptions, parse, script};

use crate::{
    mutation, properties,
    random::{Case, Dialect, shrink},
    watched::Watched,
};

/// Seeds that are tried. `--example fuzz` tries others.
const SEEDS: std::ops::Range<u64> = 0..100;

#[test]
fn random_cases_keep_all_laws() {
    let mut answered = 0;
    for seed in SEEDS {
        let mut random = Random::new(seed);
        let mistakes = if seed % 5 == 0 { 30 } else { 0 };
        let case = Case::new(Dialect { mistakes, ..Dialect::full() }, &mut random);
        answered += u64::from(parse(&case.query, &ParseOptions::default()).is_ok());
        if properties::check(&case).is_err() {
            let small = shrink(case, &mut |case| properties::check(case).is_err());
            let error = properties::check(&small).expect_err("still fails");
            panic!("seed {seed}: {small:?}\n{error}");
        }
    }
    assert!(answered * 10 > (SEEDS.end - SEEDS.start) * 8, "only {answered} are queries");
}

#[test]
fn mutated_queries_do_not_panic() {
    for seed in SEEDS {
        let mut random = Random::new(seed);
        let case = Case::new(Dialect::full(), &mut random);
        let mutated = mutation::mutate(&case.query, &mut random);
        properties::check(&Case { query: mutated, steps: 1, ..case }).expect("keeps all laws");
    }
}

fn range(engine: &Engine, query: &str, store: &Watched) -> Result<Answer, EvalError> {
    let expr = parse(query, &ParseOptions::default()).expect("the query is well formed");
    let step = Duration::from_secs(47);
    engine.range(&expr, Timestamp(0), Timestamp(9 * 47_000), step, store, &Context::unlimited())
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
