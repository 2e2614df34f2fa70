//! Opens stores whose files were changed at random, for as long as it is told to.
//!
//! `cargo run --release -p tsdb --example fuzz -- SECONDS SEED` prints one JSON object at the end, and
//! the seed of each round that panics or breaks what must hold; the exit code is 1 then. A round that
//! takes longer than [`ROUND_MAX`] is taken for one that never ends: its seed is printed, and the
//! program stops.
#![expect(clippy::print_stdout, reason = "this is a command")]
#![expect(clippy::disallowed_methods, reason = "this measures time")]

#[path = "../tests/it/mutation.rs"]
mod mutation;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use disk::sim::Random;
use mutation::Original;

const ROUND_MAX: Duration = Duration::from_secs(60);

static ROUND: AtomicU64 = AtomicU64::new(0);

/// Ends the program when a round does not.
fn watch() {
    let mut last = (0, Instant::now());
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let round = ROUND.load(Ordering::Relaxed);
        if round != last.0 {
            last = (round, Instant::now());
        } else if last.1.elapsed() > ROUND_MAX {
            println!("{{\"seed\":{round},\"failed\":\"does not end\"}}");
            std::process::abort();
        }
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, usual: u64| {
        arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(usual)
    };
    let (seconds, first) = (number(0, 60), number(1, 1));
    assert!(mutation::changes_are_hidden(&mut Random::new(first)), "the checksum is another");
    let original = Original::new()?;
    std::thread::spawn(watch);
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut rounds, mut unseen, mut refused, mut lossy, mut lost, mut failed) = (0, 0, 0, 0, 0, 0);
    while Instant::now() < end {
        let seed = first.wrapping_add(rounds);
        ROUND.store(seed, Ordering::Relaxed);
        let (files, changes) = original.mutate(&mut Random::new(seed));
        let tried = catch_unwind(AssertUnwindSafe(|| original.try_out(&files, &changes, seed)));
        rounds += 1;
        unseen += u64::from(changes.iter().any(|change| change.unseen));
        match tried {
            Ok(Ok(outcome)) => {
                refused += u64::from(outcome.refused);
                lossy += u64::from(outcome.lost > 0);
                lost += outcome.lost;
            }
            Ok(Err(error)) => {
                failed += 1;
                println!("{{\"seed\":{seed},\"failed\":\"{error}\",\"changes\":\"{changes:?}\"}}");
            }
            Err(_panic) => {
                failed += 1;
                println!("{{\"seed\":{seed},\"failed\":\"panicked\",\"changes\":\"{changes:?}\"}}");
            }
        }
    }
    println!(
        "{{\"name\":\"fuzz\",\"first_seed\":{first},\"rounds\":{rounds},\"past_checksums\":{unseen},\
         \"refused\":{refused},\"lossy\":{lossy},\"lost_samples\":{lost},\"failed\":{failed}}}"
    );
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
