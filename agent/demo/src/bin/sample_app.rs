//! Sample app and shim as a program of their own, for tests: the first argument says which.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(which) if which == "shim" => supervisor::shim::main(args),
        Some(which) if which == "sample-app" => demo::sample_app::main(args),
        _ => ExitCode::FAILURE,
    }
}
