//! `tidewatch-agent`: the node agent and nothing else, for machines where it runs with privileges.
//!
//! Arguments, configuration file and exit codes are those of `tidewatch agent`.

use std::{io::Write, path::PathBuf, process::ExitCode};

use agent::alone;
use clap::Parser;
use daemon::telemetry;
use serde::{Deserialize, de::IgnoredAny};

/// The node agent: watches what runs on this machine and sends what it sees.
#[derive(Debug, Parser)]
#[command(name = "tidewatch-agent", version, max_term_width = 100)]
struct Arguments {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// `tidewatch.toml`: sections of other daemons are theirs to check.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    telemetry: telemetry::Settings,
    agent: agent::config::Settings,
    #[serde(rename = "aggregator")]
    _aggregator: Option<IgnoredAny>,
    #[serde(rename = "alerting")]
    _alerting: Option<IgnoredAny>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
            return error.print().map_or(ExitCode::FAILURE, |()| code);
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, message)) => {
            // There is nowhere left to report that this failed.
            drop(writeln!(std::io::stderr().lock(), "tidewatch-agent: {message}"));
            ExitCode::from(code)
        }
    }
}

/// Fails with an exit code and one sentence.
fn run(arguments: Arguments) -> Result<(), (u8, String)> {
    let config = load(&arguments).map_err(|message| (2, message))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|error| (1, format!("cannot start the runtime: {error}")))?;
    runtime.block_on(async {
        let _telemetry = telemetry::init("tidewatch-agent", &config.telemetry)
            .map_err(|error| (2, telemetry::chain(&error)))?;
        let reload: agent::Reload = Some(Box::new(move || Ok(load(&arguments)?.agent)));
        alone::run(&config.agent, reload)
            .await
            .map_err(|error| (if error.is_of_use() { 2 } else { 1 }, telemetry::chain(&error)))
    })
}

/// Nothing here computes for long, and each thread has memory of its own.
const WORKERS: usize = 2;

fn load(arguments: &Arguments) -> Result<Config, String> {
    // A variable that is not UTF-8 is none of ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    daemon::config::load(arguments.config.as_deref(), environment)
        .map_err(|error| error.to_string())
}
