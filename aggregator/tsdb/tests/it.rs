//! The store against a plain model, on a disk that crashes, fills up and rots.

#[path = "it/expected.rs"]
mod expected;
#[path = "it/simulation.rs"]
mod simulation;
