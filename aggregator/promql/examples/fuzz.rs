//! Evaluates random queries over random data, for as long as it is told to.
//!
//! `cargo run --release -p promql --example fuzz -- --seconds 60 --seed 1` prints each case that
//! breaks a law, made as small as possible, and one JSON object at the end; the exit code is 1 if
//! there was any. A case that takes longer than [`CASE_MAX`] is taken for one that never ends: its
//! seed is printed, and the program stops. Checks of overflow and assertions come with
//! `--config profile.release.debug-assertions=true --config profile.release.overflow-checks=true`.
#![expect(clippy::print_stdout, reason = "this is a command")]
#![expect(clippy::disallowed_methods, reason = "this measures time, and reads /proc")]

#[path = "../tests/it/grammars.rs"]
mod grammars;
#[path = "../tests/it/mutation.rs"]
mod mutation;
#[path = "../tests/it/properties.rs"]
mod properties;
#[path = "../tests/it/random.rs"]
mod random;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/watched.rs"]
mod watched;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use disk::sim::Random;
use promql::{ParseOptions, parse};
use random::{Case, Dialect};

const CASE_MAX: Duration = Duration::from_secs(60);
/// Longest time to parse a text, and for each byte of it in addition.
const PARSE_MAX: Duration = Duration::from_millis(50);
const PARSE_BYTE_MAX: Duration = Duration::from_micros(10);
/// Most memory that the process may ever have held, in kibibytes.
const MEMORY_MAX: u64 = 2 << 20;

static CASE: AtomicU64 = AtomicU64::new(0);

/// Ends the program when a case does not.
fn watch() {
    let mut last = (0, Instant::now());
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let case = CASE.load(Ordering::Relaxed);
        if case != last.0 {
            last = (case, Instant::now());
        } else if last.1.elapsed() > CASE_MAX {
            println!("{{\"seed\":{case},\"failed\":\"does not end\"}}");
            std::process::abort();
        }
    }
}

/// The most memory that this process has held, in kibibytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Repeats a query until it is as long as allowed, joined by an operator: nothing that a parser does
/// may take more than linear time.
fn parses_in_time(query: &str, random: &mut Random) -> Result<(), String> {
    let joints = [" + ", " or ", ")", "(", " ", ",", "[5m:", "-"];
    let joint = random::pick(random, &joints);
    let times = 1 + (60 << 10) / (query.len() + joint.len());
    for text in [query.to_owned(), vec![query; times].join(joint)] {
        let started = Instant::now();
        std::hint::black_box(parse(&text, &ParseOptions::default()).is_ok());
        let took = started.elapsed();
        if took > PARSE_MAX + PARSE_BYTE_MAX * text.len() as u32 {
            return Err(format!("{} bytes took {took:?} with {joint:?}", text.len()));
        }
    }
    Ok(())
}

/// Runs a check that may panic.
fn tried(check: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|_panic| Err("panicked".to_owned()))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, usual: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(usual)
    };
    let (seconds, first) = (number("--seconds", 60), number("--seed", 1));
    let most = number("--cases", u64::MAX);
    std::thread::spawn(watch);
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut cases, mut failed, mut slowest) = (0, 0, (Duration::ZERO, first));
    while Instant::now() < end && cases < most {
        let seed = first.wrapping_add(cases);
        cases += 1;
        CASE.store(seed, Ordering::Relaxed);
        let mut random = Random::new(seed);
        let mistakes = if seed.is_multiple_of(5) { 30 } else { 0 };
        let mut case = Case::new(Dialect { mistakes, ..Dialect::full() }, &mut random);
        if seed.is_multiple_of(7) {
            case.query = mutation::mutate(&case.query, &mut random);
        }
        let started = Instant::now();
        let mut problem = tried(|| properties::check(&case));
        slowest = slowest.max((started.elapsed(), seed));
        if problem.is_ok() {
            problem = tried(|| parses_in_time(&case.query, &mut random));
            case.data.clear();
        } else {
            let fails = &mut |case: &Case| tried(|| properties::check(case)).is_err();
            case = random::shrink(case, fails);
            problem = tried(|| properties::check(&case));
        }
        if let Err(error) = problem {
            failed += 1;
            println!("seed {seed}: {case:?}\n  {error}");
        }
        if memory() > MEMORY_MAX {
            println!("seed {seed}: {} KiB of memory", memory());
            return ExitCode::FAILURE;
        }
    }
    println!(
        "{{\"name\":\"fuzz\",\"first_seed\":{first},\"cases\":{cases},\"slowest_seed\":{},\
         \"slowest_ms\":{},\"memory_kib\":{},\"failed\":{failed}}}",
        slowest.1,
        slowest.0.as_millis(),
        memory()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
