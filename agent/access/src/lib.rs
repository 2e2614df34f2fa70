//! Hears of requests from proxies: access-log files, syslog datagrams, Envoy's access-log service.
//!
//! Each source has a task that reads, and an [`intake::Intake`] that parses what was read and
//! counts it in one [`counting::Counting`] for all. The places up to which files are counted lie
//! behind the same lock as the counts, so both are saved as of one moment: after a restart a file
//! is read on from exactly where its counts end.

pub mod config;
pub mod counting;
pub mod intake;
pub mod kept;
pub mod sources;

mod envoy;
mod file;
mod syslog;
