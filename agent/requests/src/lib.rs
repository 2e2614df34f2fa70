//! Counts requests and their latencies per app, route and code.
//!
//! A caller turns what it hears of a request (an access-log line through [`log`], or anything
//! else) into an [`entry::Entry`], gives it to a [`recorder::Recorder`], and once a tick has the
//! recorder write its running totals into a batch for each tenant. Nothing here does I/O or reads
//! a clock.

pub mod classic;
mod distinct;
pub mod entry;
pub mod exponential;
pub mod latency;
pub mod log;
pub mod owner;
pub mod recorder;
pub mod route;
pub mod saved;
mod series;
