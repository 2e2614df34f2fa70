//! End-to-end tests: see each module.

#![expect(
    clippy::disallowed_methods,
    reason = "tests and measurements use the real clock and the real disk from outside"
)]

mod admin;
mod agent;
mod alertmanager;
mod api;
mod crash;
mod demo;
mod differential;
mod disk_full;
mod encodings;
mod federation;
mod frames;
mod grafana;
mod isolation;
mod limits;
mod node_agent;
mod otlp;
mod page;
mod prometheus;
mod receiver;
mod reload;
mod remote_read;
mod rules;
mod scrape;
mod telemetry;
mod usage;
