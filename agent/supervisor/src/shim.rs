//! The child's side of a start: waits to be placed, ties its life to its parent's, then becomes the
//! program.
//!
//! A forked child must not run much of its own before `exec`, and cannot be put into a cgroup before
//! it exists. So the supervisor starts this shim, which waits on its standard input (one end of a
//! socket pair) until it has been placed and limited, and only then executes the program. Copies of
//! that socket close on `exec`, so the supervisor learns whether it succeeded: end of file means it
//! did, a number is the error. The standard library reports its own `exec` failures the same way.

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream, unix::process::CommandExt},
    process::{Command, ExitCode},
};

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

/// Wrong arguments, a dead parent, or the parent gave up: nothing was executed.
const EXIT_NOT_STARTED: u8 = 125;
/// The program could not be executed, as shells have it.
const EXIT_NOT_EXECUTED: u8 = 126;
/// The program does not exist, as shells have it.
const EXIT_NOT_FOUND: u8 = 127;

/// To be called first of all in a process of its own, before threads, runtimes and logging.
/// Arguments: the parent's pid, the program, its arguments. Returns only when the program could not
/// be executed.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let parent = args.next().and_then(|pid| pid.to_str().and_then(|pid| pid.parse::<i32>().ok()));
    let (Some(parent), Some(program)) = (parent, args.next()) else {
        complain("expected a parent's process id and a program");
        return ExitCode::from(EXIT_NOT_STARTED);
    };
    let mut gate = match wait_at_gate(parent) {
        Ok(gate) => gate,
        Err(error) => {
            complain(&format!("not started: {error}"));
            return ExitCode::from(EXIT_NOT_STARTED);
        }
    };
    let error = Command::new(program).args(args).exec();
    let errno = error.raw_os_error().unwrap_or(0);
    if let Err(error) = gate.write_all(format!("{errno}\n").as_bytes()) {
        complain(&format!("the failure to execute could not be reported: {error}"));
    }
    let missing = error.kind() == io::ErrorKind::NotFound;
    ExitCode::from(if missing { EXIT_NOT_FOUND } else { EXIT_NOT_EXECUTED })
}

/// Binds this process to `parent`, waits until it says go, and leaves `/dev/null` as standard input.
/// The stream returned closes on `exec`.
fn wait_at_gate(parent: i32) -> io::Result<UnixStream> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // A parent that died before the line above sends no signal any more.
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(parent) {
        return Err(io::Error::other("the parent is gone"));
    }
    let gate: OwnedFd = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?;
    let mut gate = UnixStream::from(gate);
    let null = std::fs::OpenOptions::new().read(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    let mut go = [0_u8; 1];
    gate.read_exact(&mut go)?;
    Ok(gate)
}

/// Standard error is what the supervisor records; there is nobody to tell when even that fails.
fn complain(what: &str) {
    io::stderr().write_all(format!("shim: {what}\n").as_bytes()).ok();
}
