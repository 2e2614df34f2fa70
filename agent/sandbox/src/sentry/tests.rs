//! Tests with a process of our own that carries a sandbox's name.

use std::process::{Command, Stdio};

use super::Sentry;

#[test]
fn a_process_is_known_by_its_command_line_and_its_end_is_seen() {
    let mut command = Command::new("sh");
    command.args(["-c", "read line", "box-7"]).stdin(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    let pid = child.id();
    assert!(Sentry::open(pid, "box-8").is_none(), "another's");
    assert!(Sentry::open(pid, "box").is_none(), "a part of a word");
    // The kernel sets the command line a moment after the new program has begun.
    let sentry =
        std::iter::repeat_with(|| Sentry::open(pid, "box-7")).take(100_000).flatten().next();
    let sentry = sentry.expect("is there");
    assert!(sentry.is_alive());
    child.kill().expect("is killed");
    child.wait().expect("has ended");
    assert!(!sentry.is_alive());
    assert!(Sentry::open(pid, "box-7").is_none());
}

#[test]
fn numbers_that_are_no_process_are_none() {
    for pid in [0, u32::MAX, i32::MAX.unsigned_abs()] {
        assert!(Sentry::open(pid, "x").is_none(), "{pid}");
    }
}
