//! The house's own rules, each a function from what the tree holds to a list of violations.
//!
//! Nothing here reads a file: `tests/it.rs` reads the tree and asks every rule. A violation is one
//! line for a person, with the path or crate first.

pub mod document;
pub mod files;
pub mod licences;
pub mod links;
pub mod manifests;
pub mod packages;
pub mod purity;
pub mod walls;
