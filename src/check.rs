//! `tidewatch check`: says what is wrong with a file before anything uses it, or with stored data.

use std::path::Path;

use aggregator::check::{CheckError, Report};

use crate::{cli, config::Config, exit, exit::Failure, test_rules};

pub(crate) fn run(check: &cli::Check) -> Result<(), Failure> {
    match check {
        cli::Check::Rules { files } => test_rules::check(files),
        cli::Check::Config { file } => {
            let config = Config::load(Some(file))?;
            let fault = |message: String| Failure::usage(format!("{}: {message}", file.display()));
            config.aggregator.validate().map_err(|error| fault(error.to_string()))?;
            config.agent.validate().map_err(|error| fault(error.to_string()))?;
            config.alerting.validate().map_err(|error| fault(error.to_string()))?;
            let folder = file.parent().unwrap_or(Path::new(""));
            alerting::ruler::check(folder, &config.alerting)
                .map_err(|error| fault(error.to_string()))?;
            exit::print(&format!("{}: configuration is valid\n", file.display()))
        }
        cli::Check::Data { dir, json } => data(dir, *json),
    }
}

fn data(dir: &Path, json: bool) -> Result<(), Failure> {
    let report = aggregator::check::check(dir, &|_done, _total| {}).map_err(|error| {
        let message = daemon::telemetry::chain(&error);
        match error {
            CheckError::InUse { .. } | CheckError::NoData { .. } => Failure::usage(message),
            CheckError::Io { .. } => Failure::failed(message),
        }
    })?;
    let text = if json {
        let text = serde_json::to_string_pretty(&report);
        text.map_err(|error| Failure::failed(error.to_string()))? + "\n"
    } else {
        describe(dir, &report)
    };
    exit::print(&text)?;
    if report.good {
        return Ok(());
    }
    Err(Failure::failed(format!("{}: {} problems found", dir.display(), report.problem_count)))
}

/// The report for people.
fn describe(dir: &Path, report: &Report) -> String {
    let mut text = String::new();
    let mut line = |written: std::fmt::Arguments<'_>| {
        text.push_str(&written.to_string());
        text.push('\n');
    };
    let Report { blocks, series, samples, log_samples, events, .. } = report;
    line(format_args!(
        "{}: read {blocks} blocks with {samples} samples of {series} series, {log_samples} samples in the log, \
         {events} events",
        dir.display()
    ));
    for problem in &report.problems {
        line(format_args!("damaged: {}: {}", problem.file.display(), problem.message));
    }
    let untold = report.problem_count.saturating_sub(report.problems.len() as u64);
    if untold > 0 {
        line(format_args!("damaged: {untold} more places"));
    }
    for loss in &report.losses {
        line(format_args!(
            "lost:    {}: tenant {}: up to {} samples, and {} whole series, between {}",
            loss.file.display(),
            loss.tenant,
            loss.samples,
            loss.series,
            loss.range()
        ));
    }
    if report.log_damaged_bytes > 0 {
        line(format_args!(
            "lost:    {} bytes of the log, and {} samples whose series was told there",
            report.log_damaged_bytes, report.log_orphaned_samples
        ));
    }
    if report.log_torn_bytes > 0 {
        line(format_args!(
            "note:    {} bytes at the end of the log were half written when the aggregator was stopped; they \
             were never acknowledged",
            report.log_torn_bytes
        ));
    }
    if report.good {
        line(format_args!("all is well"));
    }
    text
}
