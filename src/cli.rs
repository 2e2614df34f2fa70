//! The arguments of the command.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

/// Observability and health monitoring for a multi-tenant cloud platform.
#[derive(Debug, Parser)]
#[command(name = "tidewatch", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everything in one process, with sample apps of three tenants and injected faults
    Demo(Demo),
    /// Everything in one process, watching this machine
    Up(Up),
    /// Only the node agent
    Agent(Daemon),
    /// Only the aggregator
    Aggregator(Daemon),
    /// Only alerting, against an aggregator elsewhere
    Alerting(Daemon),
    /// Check a file before it is used, or stored data for damage
    #[command(subcommand)]
    Check(Check),
    /// Make a data directory out of a snapshot, which stays as it is
    Restore(Restore),
    /// Run tests of rules
    #[command(subcommand)]
    Test(Test),
    /// One sample app of the demo
    #[command(hide = true)]
    SampleApp(PassThrough),
    /// How a supervised process starts
    #[command(hide = true)]
    Shim(PassThrough),
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Run the story without a page, check each step, print JSON, and fail when a step is missing
    #[arg(long)]
    pub(crate) script: bool,
    /// Address of the page and the API; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Keep the data here instead of in a temporary directory
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Inject no faults
    #[arg(long, conflicts_with = "script")]
    pub(crate) no_faults: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Address of the page and the API; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where metrics and the timeline are kept
    #[arg(long, value_name = "DIR", default_value = "tidewatch-data")]
    pub(crate) data_dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Daemon {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Check {
    /// Check a configuration file: syntax, unknown keys, values, secrets
    Config {
        /// Configuration file (TOML)
        file: PathBuf,
    },
    /// Verify every checksum of a data directory or of a snapshot, and say what is lost if anything is
    Data {
        /// The directory; no aggregator may be running on it
        dir: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check rule files in Prometheus' format: names, expressions, templates
    Rules {
        /// Rule files (YAML)
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The snapshot: a directory below `snapshots` of an aggregator's data directory
    pub(crate) snapshot: PathBuf,
    /// The new data directory, on the same file system; it must not exist or be empty
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Test {
    /// Run unit tests of rules, in promtool's format
    Rules {
        /// Run only tests whose name matches; may be given several times
        #[arg(long, value_name = "REGEX")]
        run: Vec<String>,
        /// Print all series at the end of each test
        #[arg(long)]
        debug: bool,
        /// Print what is missing (-) and what is too much (+) instead of what is expected and found
        #[arg(long)]
        diff: bool,
        /// Also write the results to this file, as JUnit's XML
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
        /// Files of tests (YAML)
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// Arguments that are somebody else's to read.
#[derive(Debug, Args)]
pub(crate) struct PassThrough {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<std::ffi::OsString>,
}
