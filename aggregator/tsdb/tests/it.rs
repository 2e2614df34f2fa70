//! The store against a plain model, on a disk that crashes, fills up and rots.

#[cfg(test)]
#[path = "it/expected.rs"]
mod expected;
#[cfg(test)]
#[path = "it/simulation.rs"]
mod simulation;
