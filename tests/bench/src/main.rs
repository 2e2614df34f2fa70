//! Measurements, each beside peers or a target:
//! `cargo run --release -p bench -- [--json|--markdown] [--quick] [--alone] SUITE...`
//!
//! Prints a line per measurement: ours, the peers', the ratios, the target. With `--json`, one object
//! a line and peer, the target with the first; with `--markdown`, a table per suite. Suites: `agent`,
//! `ingest`, `storage`, `query`, `all`. The peers are Debian's `victoria-metrics` and `prometheus`, and of
//! the agent `netdata` and `prometheus-node-exporter`;
//! where one is not installed, that is said and ours is measured alone, as with `--alone`. With
//! `--quick` the loads are small and the lines say so. Run on a quiet machine; nothing here passes or
//! fails.

#![expect(
    clippy::disallowed_methods,
    reason = "tests and measurements use the real clock and the real disk from outside"
)]

mod agent;
mod cgroups;
mod history;
mod http;
mod ingest;
mod load;
mod proc;
mod query;
mod real;
mod report;
mod rest;
mod settle;
mod statistics;
mod storage;
mod system;

use std::process::{Command, ExitCode};

use report::{Format, Report};
use system::Kind;

/// A suite by name.
struct Suite {
    name: &'static str,
    run: fn(&mut Report, Options) -> Result<(), String>,
}

/// How to run the suites.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// Small loads, to try it out.
    pub(crate) quick: bool,
    /// Without peers.
    pub(crate) alone: bool,
}

impl Options {
    /// What names begin with, so that small loads are not taken for the others.
    pub(crate) fn prefix(self) -> &'static str {
        if self.quick { "quick " } else { "" }
    }

    /// The systems to measure beside ours, the first being the one that targets are told beside.
    pub(crate) fn peers(self) -> &'static [Kind] {
        if self.alone { &[] } else { &Kind::PEERS }
    }
}

const SUITES: [Suite; 4] = [
    Suite { name: "agent", run: agent::run },
    Suite { name: "ingest", run: ingest::run },
    Suite { name: "storage", run: storage::run },
    Suite { name: "query", run: query::run },
];
const FLAGS: [&str; 4] = ["--json", "--markdown", "--quick", "--alone"];

fn main() -> ExitCode {
    let (flags, wanted): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let names: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
    let unknown = wanted.iter().any(|name| name != "all" && !names.contains(&name.as_str()));
    if wanted.is_empty() || unknown || flags.iter().any(|flag| !FLAGS.contains(&flag.as_str())) {
        let flags = FLAGS.map(|flag| format!("[{flag}]")).join(" ");
        report::say(&format!("usage: bench {flags} SUITE...; suites: {} all\n", names.join(" ")));
        return ExitCode::from(2);
    }
    if let Err(error) = build() {
        report::complain(&format!("{error}\n"));
        return ExitCode::FAILURE;
    }
    let given = |wanted: &str| flags.iter().any(|flag| flag == wanted);
    let mut report = Report::new(match (given("--json"), given("--markdown")) {
        (true, _) => Format::Json,
        (false, true) => Format::Markdown,
        (false, false) => Format::Text,
    });
    let options = Options { quick: given("--quick"), alone: given("--alone") };
    for suite in &SUITES {
        if !wanted.iter().any(|name| name == "all" || name == suite.name) {
            continue;
        }
        if let Err(error) = (suite.run)(&mut report, options) {
            report::complain(&format!("{}: {error}\n", suite.name));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Builds the program that is measured, so that no older one is, unless `TIDEWATCH_BIN` names one.
fn build() -> Result<(), String> {
    if std::env::var_os("TIDEWATCH_BIN").is_some() {
        return Ok(());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--quiet", "-p", "tidewatch", "-p", "tidewatch-agent"]);
    command.arg("--manifest-path");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo build --release: {status}")),
        Err(error) => Err(format!("cargo: {error}")),
    }
}
