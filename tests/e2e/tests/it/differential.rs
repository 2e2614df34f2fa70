//! The same data and the same queries here and in a real Prometheus.

#[path = "differential/compare.rs"]
pub(crate) mod compare;
#[path = "differential/intended.rs"]
pub(crate) mod intended;
#[expect(dead_code, reason = "the tests of promql use more of it")]
#[path = "../../../../aggregator/promql/tests/it/random.rs"]
pub(crate) mod random;

use compare::{Both, Outcome};
use disk::sim::Random;
use e2e::peers;

/// Sets of data, and queries about each.
const SETS: u64 = 20;
const QUERIES: u64 = 40;

#[test]
fn queries_are_answered_as_by_prometheus() {
    if peers::left_out("Prometheus: random queries") {
        return;
    }
    let both = Both::start();
    let (mut equal, mut empty) = (0, 0);
    let (mut intended, mut failures) = (Vec::new(), Vec::new());
    for set in 0..SETS {
        let mut random = Random::new(set);
        let dialect = both.load(set, &mut random);
        for _ in 0..QUERIES {
            match both.check(dialect, &mut random) {
                Outcome::Equal => equal += 1,
                Outcome::Empty => empty += 1,
                Outcome::Intended(reason) => intended.push(reason),
                Outcome::Different(text) => failures.push(format!("set {set}: {text}")),
            }
        }
    }
    assert!(failures.is_empty(), "{}\n{} failed", failures.join("\n"), failures.len());
    // Enough queries find something, and few are excused.
    assert!(equal * 3 > SETS * QUERIES, "{equal} equal and {empty} empty answers");
    assert!(intended.len() as u64 * 50 < SETS * QUERIES, "{intended:?}");
}
