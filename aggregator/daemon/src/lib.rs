//! What every daemon needs, written once: configuration, logs and traces, metrics, admin
//! endpoints, the clock, and a graceful stop.
//!
//! A daemon starts as follows: [`config::load`] reads its one typed file, [`telemetry::init`] turns
//! logs (and, when asked for, OTLP traces) on, [`serve::bind`] takes the port, [`serve::run`] serves
//! until [`stop::Stop`] says otherwise. Everything here may wait and do I/O; the cores below may not.

pub mod admin;
pub mod alertmanager;
pub mod clock;
pub mod config;
pub mod control;
pub mod glob;
pub mod http;
pub mod metrics;
pub mod serve;
pub mod stop;
pub mod telemetry;
