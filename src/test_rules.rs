//! `tidewatch test rules` and `tidewatch check rules`: rule files and their unit tests, read from
//! disk.

mod junit;

use std::path::{Path, PathBuf};

use daemon::glob;
use regex::Regex;
use rules::{
    Fault, RuleFile,
    unit_test::{LoadedFile, Report, RunOptions, TestFile},
};

use crate::{cli, exit, exit::Failure};

pub(crate) fn run(test: &cli::Test) -> Result<(), Failure> {
    let cli::Test::Rules { run, debug, diff, junit, files } = test;
    let filter = if run.is_empty() { None } else { Some(pattern(&run.join("|"))?) };
    let options = RunOptions { filter, debug: *debug, diff: *diff };
    let mut failed = 0usize;
    let mut suites = Vec::new();
    for file in files {
        exit::print(&format!("Unit Testing:  {}\n", file.display()))?;
        let report = test_file(file, &options);
        for note in &report.notes {
            exit::say(&format!("{note}\n"));
        }
        if report.failures.is_empty() {
            exit::print("  SUCCESS\n\n")?;
        } else {
            failed += 1;
            exit::say(&format!("  FAILED:\n{}\n\n", report.failures.join("\n")));
        }
        suites.push((file.display().to_string(), report));
    }
    if let Some(path) = junit {
        write(path, &junit::xml(&suites))?;
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::failed(format!("{failed} of {} files failed", files.len()))),
    }
}

/// Says of each file how many rules it has, or all that is wrong with it.
pub(crate) fn check(files: &[PathBuf]) -> Result<(), Failure> {
    let mut failed = 0usize;
    for file in files {
        exit::print(&format!("Checking {}\n", file.display()))?;
        let name = file.display().to_string();
        let checked = read(file).and_then(|text| RuleFile::parse(&name, &text));
        match checked {
            Ok(parsed) => exit::print(&format!("  SUCCESS: {} rules found\n\n", parsed.rules()))?,
            Err(faults) => {
                failed += 1;
                let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
                exit::say(&format!("  FAILED:\n{}\n\n", lines.join("\n")));
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::failed(format!("{failed} of {} files failed", files.len()))),
    }
}

fn pattern(pattern: &str) -> Result<Regex, Failure> {
    Regex::new(pattern).map_err(|error| Failure::usage(format!("--run {pattern:?}: {error}")))
}

fn test_file(path: &Path, options: &RunOptions) -> Report {
    let failed = |faults: Vec<Fault>| Report {
        failures: faults.iter().map(Fault::to_string).collect(),
        ..Report::default()
    };
    let name = path.display().to_string();
    let file = match read(path)
        .and_then(|text| TestFile::parse(&name, &text).map_err(|fault| vec![fault]))
    {
        Ok(file) => file,
        Err(faults) => return failed(faults),
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut loaded = Vec::new();
    for pattern in file.rule_files() {
        let found = glob::glob(folder, pattern);
        if found.is_empty() {
            exit::say(&format!("  WARNING: no file match pattern {pattern}\n"));
        }
        for path in found {
            match read(&path) {
                Ok(text) => loaded.push(LoadedFile { name: path.display().to_string(), text }),
                Err(faults) => return failed(faults),
            }
        }
    }
    file.run(&loaded, options)
}

/// The text of a file that is not larger than a rule file may be.
fn read(path: &Path) -> Result<String, Vec<Fault>> {
    glob::read(path, rules::FILE_BYTES_MAX)
        .map_err(|message| vec![Fault { file: path.display().to_string(), place: None, message }])
}

#[expect(clippy::disallowed_methods, reason = "a report that its user asks for, not data")]
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))
}
