//! Measurements, each beside a peer or a target: `cargo run --release -p bench -- [--json] SUITE...`
//!
//! Prints a line per measurement: ours, the peer's or the target, and the ratio. With `--json`, one
//! object a line. Suites: `agent`, `all`. Run on a quiet machine; nothing here passes or fails.

#![expect(
    clippy::disallowed_methods,
    reason = "tests and measurements use the real clock and the real disk from outside"
)]

mod agent;
mod cgroups;
mod report;

use std::process::ExitCode;

use report::Report;

/// A suite by name.
struct Suite {
    name: &'static str,
    run: fn(&mut Report) -> Result<(), String>,
}

const SUITES: [Suite; 1] = [Suite { name: "agent", run: agent::run }];

fn main() -> ExitCode {
    let (flags, wanted): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let names: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
    let unknown = wanted.iter().any(|name| name != "all" && !names.contains(&name.as_str()));
    if wanted.is_empty() || unknown || flags.iter().any(|flag| flag != "--json") {
        report::say(&format!("usage: bench [--json] SUITE...; suites: {} all\n", names.join(" ")));
        return ExitCode::from(2);
    }
    let mut report = Report::new(!flags.is_empty());
    for suite in &SUITES {
        if !wanted.iter().any(|name| name == "all" || name == suite.name) {
            continue;
        }
        if let Err(error) = (suite.run)(&mut report) {
            report::say(&format!("{}: {error}\n", suite.name));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
