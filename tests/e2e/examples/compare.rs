//! Compares answers to random queries with those of a real Prometheus, for as long as it is told to.
//!
//! `cargo run --release -p e2e --example compare -- --seconds 60 --seed 1` prints each query whose
//! answers differ, and one JSON object at the end; the exit code is 1 if there was any. Each set of
//! data has 200 queries, and its number is its seed.
#![expect(clippy::print_stdout, reason = "this is a command")]
#![expect(clippy::disallowed_methods, reason = "this measures time")]

#[path = "../tests/it/differential/compare.rs"]
mod compare;
#[path = "../tests/it/differential/intended.rs"]
mod intended;
#[expect(dead_code, reason = "the tests of promql use more of it")]
#[path = "../../../aggregator/promql/tests/it/random.rs"]
mod random;

use std::{
    collections::BTreeMap,
    process::ExitCode,
    time::{Duration, Instant},
};

use compare::{Both, Outcome};
use disk::sim::Random;

const QUERIES: u64 = 200;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, usual: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(usual)
    };
    let (seconds, first) = (number("--seconds", 60), number("--seed", 1));
    let both = Both::start();
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut sets, mut equal, mut empty, mut different) = (0, 0, 0, 0);
    let mut intended = BTreeMap::<&str, u64>::new();
    while Instant::now() < end {
        let set = first + sets;
        sets += 1;
        let mut random = Random::new(set);
        let dialect = both.load(set, &mut random);
        for _ in 0..QUERIES {
            match both.check(dialect, &mut random) {
                Outcome::Equal => equal += 1,
                Outcome::Empty => empty += 1,
                Outcome::Intended(reason) => *intended.entry(reason).or_default() += 1,
                Outcome::Different(text) => {
                    different += 1;
                    println!("set {set}: {text}");
                }
            }
        }
    }
    for (reason, count) in &intended {
        println!("{count} times: {reason}");
    }
    println!(
        "{{\"name\":\"compare\",\"first_seed\":{first},\"sets\":{sets},\"equal\":{equal},\
         \"empty\":{empty},\"different\":{different}}}"
    );
    if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
