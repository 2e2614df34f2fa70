//! Unit tests of rules, in promtool's format.
//!
//! [`TestFile::parse`] reads a file; [`TestFile::run`] loads its input series as time goes by,
//! evaluates the rules, and compares alerts and expressions with what the file expects.

mod compare;
mod format;
mod input;
mod report;
mod run;

use regex::Regex;

use crate::fault::Fault;

/// Most evaluations of all groups that one test may ask for.
pub const EVALUATIONS_MAX: i64 = 1_000_000;

/// A file of tests.
#[derive(Debug)]
pub struct TestFile {
    pub(crate) name: String,
    pub(crate) format: format::File,
}

/// A rule file that tests are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedFile {
    pub name: String,
    pub text: String,
}

/// What to run and to tell.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Only tests whose name matches.
    pub filter: Option<Regex>,
    /// Also dump all series at the end of each test.
    pub debug: bool,
    /// Tell what is missing and what is too much, line by line, instead of both wholly.
    pub diff: bool,
}

/// What the tests of a file came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Tests that ran, in order.
    pub tests: Vec<TestReport>,
    /// What was not as expected, each of one or more lines, in promtool's layout.
    pub failures: Vec<String>,
    /// What `debug` asked for.
    pub notes: Vec<String>,
}

/// What one test came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestReport {
    pub name: String,
    /// Those of its failures that are in [`Report::failures`].
    pub failures: Vec<String>,
}

impl TestFile {
    /// Reads a file of tests. `name` is what it is called in faults.
    pub fn parse(name: &str, text: &str) -> Result<Self, Fault> {
        let format = format::parse(name, text)?;
        Ok(Self { name: name.to_owned(), format })
    }

    /// The rule files, as patterns relative to the file of tests.
    pub fn rule_files(&self) -> &[String] {
        &self.format.rule_files
    }

    /// Runs the tests over the rule files that the patterns found.
    pub fn run(&self, files: &[LoadedFile], options: &RunOptions) -> Report {
        run::run(self, files, options)
    }
}
