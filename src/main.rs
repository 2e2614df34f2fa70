//! The `tidewatch` command: parses its arguments and hands over.
//!
//! Exit codes: 0 done, 1 failed, 2 used wrongly (arguments, configuration, a taken port).

mod check;
mod cli;
mod config;
mod daemons;
mod demo;
mod exit;
mod local;
mod restore;
mod test_rules;
mod up;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    cli::{Cli, Command},
    exit::Failure,
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    match &cli.command {
        // Child processes of the demo's and of the supervisor's: they bring what they need.
        Command::SampleApp(args) => demo::sample_app(args),
        Command::Shim(args) => demo::shim(args),
        _ => exit::report(run(cli)),
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::SampleApp(_) | Command::Shim(_) => Ok(()),
        Command::Check(check) => check::run(&check),
        Command::Restore(restore) => restore::run(&restore),
        Command::Test(test) => test_rules::run(&test),
        Command::Demo(options) => runtime()?.block_on(demo::run(options)),
        Command::Up(options) => runtime()?.block_on(up::run(options)),
        Command::Agent(options) => runtime()?.block_on(daemons::agent(options)),
        Command::Aggregator(options) => runtime()?.block_on(daemons::aggregator(options)),
        Command::Alerting(options) => runtime()?.block_on(daemons::alerting(options)),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start the runtime: {error}")))
}
