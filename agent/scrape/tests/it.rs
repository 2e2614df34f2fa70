//! The shell: real requests to targets of the test's own.

#[path = "it/fetch.rs"]
mod fetch;
#[path = "it/runner.rs"]
mod runner;
#[path = "it/targets.rs"]
mod targets;
#[path = "it/tls.rs"]
mod tls;
