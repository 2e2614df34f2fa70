//! Runs Prometheus' test scripts: `promqltest FILE…`. Prints what failed, and a total last.

use std::process::ExitCode;

use promql::{Engine, script};

#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
#[expect(clippy::disallowed_methods, reason = "reads the scripts it is given, nothing else")]
fn main() -> ExitCode {
    let engine = Engine::new(script::engine_options());
    let (mut passed, mut failed) = (0, 0);
    for file in std::env::args().skip(1) {
        let outcome = match std::fs::read_to_string(&file) {
            Ok(text) => script::run(&text, &engine).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match outcome {
            Ok(outcome) => {
                passed += outcome.passed;
                failed += outcome.failures.len();
                for failure in outcome.failures {
                    println!("{file}:{}: {}", failure.line, failure.query);
                    println!("    {}", failure.reason);
                }
            }
            Err(error) => {
                failed += 1;
                println!("{file}: {error}");
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
