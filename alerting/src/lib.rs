//! The alerting daemon: follows the timeline, decides by `remediation`, records each decision and
//! sends its command.
//!
//! It keeps nothing of its own: everything it must remember is on the timeline, which it replays
//! when it starts. It talks to the aggregator through the control API and to nobody else, so it
//! runs in the aggregator's process, beside it, or elsewhere, all the same.

pub mod config;
mod metrics;
pub mod remediate;

pub use remediate::{StartError, run};
