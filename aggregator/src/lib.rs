//! The aggregator: authenticated ingest, the metric store, PromQL over HTTP, the timeline, commands
//! for nodes, and the web page.
//!
//! [`run()`] serves on a port until it is told to stop, and answers `/-/ready` while the store opens.
//! Everything that a request may reach it reaches through the [`tenancy::access::Access`] of its
//! token.

mod api;
mod auth;
mod background;
pub mod check;
mod commands;
pub mod config;
mod encoding;
mod front;
mod ingest;
mod metrics;
mod notifications;
mod page;
mod rulers;
mod run;
mod search;
pub mod snapshot;
mod state;
mod targets;
pub mod timeline;

pub use background::Reload;
pub use run::{Host, StartError, run};
