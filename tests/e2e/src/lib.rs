//! The system from outside: the built command, real processes, real peers.
//!
//! The tests are in `tests/`; this library holds what they share. They need the release binary
//! (`TIDEWATCH_BIN`, or `target/release/tidewatch`) and, unless `TIDEWATCH_WITHOUT_PEERS` is set,
//! Debian's prometheus, promtool, prometheus-alertmanager and chromium. A missing peer fails the test
//! that needs it.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests and measurements use the real clock and the real disk from outside"
)]

pub mod peers;
pub mod process;
pub mod server;
pub mod write;
