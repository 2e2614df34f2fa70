//! Random changes of every file that a store consists of: opening never panics, nothing is made
//! up, and what is lost is what was hit.

use disk::sim::Random;

use super::mutation::{Original, changes_are_hidden};

/// `cargo run --release -p tsdb --example fuzz` runs many more.
const ROUNDS: u64 = 150;

#[test]
fn changed_files_cost_what_was_hit_and_nothing_else() {
    let original = Original::new().unwrap();
    let (mut lost, mut refused, mut harmless) = (0, 0, 0);
    for seed in 0..ROUNDS {
        let (files, changes) = original.mutate(&mut Random::new(seed));
        match original.try_out(&files, &changes, seed) {
            Ok(outcome) if outcome.lost > 0 => lost += 1,
            Ok(outcome) if outcome.refused => refused += 1,
            Ok(_) => harmless += 1,
            Err(error) => panic!("seed {seed}: {changes:?}: {error}"),
        }
    }
    let told = format!("{lost} lost something, {refused} were refused, {harmless} lost nothing");
    assert!(lost > ROUNDS / 10 && harmless > ROUNDS / 10, "{told}");
}

#[test]
fn hidden_changes_do_not_show_in_checksums() {
    let mut random = Random::new(1);
    assert!((0..100).all(|_| changes_are_hidden(&mut random)));
}
