//! The engine as a whole: scripts, a second parser, laws that answers keep, and limits.

#[path = "it/differential.rs"]
mod differential;
#[path = "it/laws.rs"]
mod laws;
#[path = "it/limits.rs"]
mod limits;
#[path = "it/queries.rs"]
mod queries;
#[path = "it/scripts.rs"]
mod scripts;
#[path = "it/watched.rs"]
mod watched;
