//! `tidewatch check`: says what is wrong with a file before anything uses it.

use crate::{cli, config::Config, exit, exit::Failure};

pub(crate) fn run(check: &cli::Check) -> Result<(), Failure> {
    match check {
        cli::Check::Config { file } => {
            let config = Config::load(Some(file))?;
            let fault = |message: String| Failure::usage(format!("{}: {message}", file.display()));
            config.aggregator.validate().map_err(|error| fault(error.to_string()))?;
            config.agent.validate().map_err(|error| fault(error.to_string()))?;
            config.alerting.validate().map_err(|error| fault(error.to_string()))?;
            exit::print(&format!("{}: configuration is valid\n", file.display()))
        }
    }
}
