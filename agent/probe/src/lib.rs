//! Health probes: schedule, judgement, and the probers themselves.
//!
//! The pure part decides: [`spec`] what to ask, [`schedule`] when, [`queue`] in which order,
//! [`judge`] what the answers mean. The edge asks: [`prober::Prober`] is a tokio task that runs
//! many probes at once, with at most one in flight per target, and reports
//! [`prober::Report`]s on a bounded channel: measurements, which [`series::write()`] turns into
//! blackbox_exporter's metrics, and transitions, which are events for the timeline.
//!
//! A failure that may be the prober's own (no file descriptors, no route, its own stall) is
//! [`outcome::Verdict::Unknown`] and never counts against a target.

mod connect;
pub mod guard;
mod http;
pub mod judge;
pub mod outcome;
pub mod prober;
pub mod queue;
mod report;
mod runner;
pub mod schedule;
pub mod series;
pub mod spec;
