//! The whole configuration file: one section per daemon, each defined by its daemon.

use std::path::Path;

use daemon::{config::ConfigError, telemetry};
use serde::Deserialize;

use crate::exit::Failure;

/// `tidewatch.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) telemetry: telemetry::Settings,
    pub(crate) aggregator: aggregator::config::Settings,
    pub(crate) agent: agent::config::Settings,
    pub(crate) alerting: alerting::config::Settings,
}

impl Config {
    /// Reads the file, where there is one, and the environment.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, Failure> {
        // A variable that is not UTF-8 is none of ours.
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        daemon::config::load(path, environment)
            .map_err(|error: ConfigError| Failure::usage(error.to_string()))
    }
}
