//! The shim as a program of its own, for tests and for supervisors that cannot execute themselves.

use std::process::ExitCode;

fn main() -> ExitCode {
    supervisor::shim::main(std::env::args_os().skip(1))
}
