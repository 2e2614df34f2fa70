//! Prometheus' own test scripts.

use std::{fs, path::PathBuf};

use promql::{Engine, EngineOptions, ParseOptions, format_query, parse, script};

/// The scripts, by file name. They are kept next to the repository; without them there is no proof
/// that this is PromQL, so their absence is a failure.
#[expect(clippy::disallowed_methods, reason = "scripts are files")]
pub(crate) fn all() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/promqltest");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) => panic!("no test scripts in {}: {error}", folder.display()),
    };
    let mut scripts = Vec::new();
    for entry in entries {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_some_and(|extension| extension == "test") {
            let text = fs::read_to_string(&path).expect("a script is text");
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            scripts.push((name.unwrap_or_default(), text));
        }
    }
    assert!(!scripts.is_empty(), "no *.test in {}", folder.display());
    scripts.sort();
    scripts
}

/// Every query of every script, once.
pub(crate) fn queries() -> Vec<String> {
    let mut queries = Vec::new();
    for (name, text) in all() {
        let commands = script::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        queries.extend(commands.into_iter().filter_map(|command| match command {
            script::Command::Eval(eval) => Some(eval.query),
            _ => None,
        }));
    }
    queries.sort();
    queries.dedup();
    queries
}

fn run_all(options: EngineOptions) {
    let engine = Engine::new(options);
    let (mut passed, mut failures) = (0, Vec::new());
    for (name, text) in all() {
        match script::run(&text, &engine) {
            Ok(outcome) => {
                passed += outcome.passed;
                for failure in outcome.failures {
                    let script::Failure { line, query, reason } = failure;
                    failures.push(format!("{name}:{line}: {query}\n    {reason}"));
                }
            }
            Err(error) => failures.push(format!("{name}: {error}")),
        }
    }
    assert!(failures.is_empty(), "{}\n{} failed", failures.join("\n"), failures.len());
    assert!(passed > 1000, "{passed} passed");
}

#[test]
fn every_script_passes() {
    run_all(script::engine_options());
}

#[test]
fn every_script_passes_in_parallel() {
    run_all(EngineOptions { parallelism: 3, ..script::engine_options() });
}

#[test]
fn every_query_survives_printing() {
    let mut parsed = 0;
    for query in queries() {
        let Ok(expr) = parse(&query, &ParseOptions::default()) else { continue };
        parsed += 1;
        for printed in [expr.to_string(), format_query(&expr)] {
            match parse(&printed, &ParseOptions::default()) {
                Ok(again) => assert_eq!(again, expr, "{query}"),
                Err(error) => panic!("{query} is printed as {printed}: {error}"),
            }
        }
    }
    assert!(parsed > 1000, "{parsed} parsed");
}
