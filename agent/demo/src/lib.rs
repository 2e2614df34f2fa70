//! Sample apps, their traffic and their faults: a small platform to watch, made of real processes,
//! real connections and real failures.
//!
//! - [`fleet`]: three tenants with two apps each, as specifications for the supervisor;
//! - [`sample_app`]: what runs in each of those processes;
//! - [`fault`]: what can go wrong in one, on demand;
//! - [`proxy`]: the reverse proxy in front of all, which reports every request;
//! - [`traffic`]: their users;
//! - [`plan`]: which fault comes when.

pub mod fault;
pub mod fleet;
pub mod plan;
pub mod proxy;
mod random;
pub mod sample_app;
pub mod traffic;
