//! The engine as a whole: scripts, a second parser, laws that answers keep, and limits.

#[path = "it/differential.rs"]
mod differential;
#[path = "it/grammars.rs"]
mod grammars;
#[path = "it/laws.rs"]
mod laws;
#[path = "it/limits.rs"]
mod limits;
#[path = "it/mutation.rs"]
mod mutation;
#[path = "it/properties.rs"]
mod properties;
#[path = "it/random.rs"]
mod random;
#[path = "it/scripts.rs"]
mod scripts;
#[path = "it/watched.rs"]
mod watched;
