//! Collects the metrics that apps expose, with the semantics of Prometheus' scraper.
//!
//! The core is pure: [`target`], [`pool`] (which targets there are), [`scraped`] (a
//! body to a batch, staleness, limits) take time and bytes as arguments. [`runner`] and [`fetch`]
//! are the shell: one task per target, one HTTP client per job.

pub mod config;
pub mod fetch;
pub mod group;
pub mod pool;
pub mod protocol;
pub mod runner;
pub mod scraped;
mod seen;
pub mod status;
pub mod target;

pub use relabel::labels;
