//! The node agent: watches what runs here, pushes what it sees, and restarts what it is told to.
//!
//! Once an interval every source is read into one batch, which a bounded queue hands to one sender.
//! News (an exit, a probe that changed its mind) goes to the timeline at once, on its own way.
//! Commands come by long polling; each is carried out only for the run that it names.

mod agent;
pub mod alone;
mod commands;
pub mod config;
mod containers;
mod events;
mod metrics;
mod notify;
mod outbox;
mod probes;
mod push;
mod scraping;
mod sources;
mod targets;
mod traffic;

pub use agent::{Agent, StartError, Supervision, Workload};
pub use notify::Notify;
pub use probes::LocalProbe;
pub use scraping::Reload;
pub use traffic::Access;
