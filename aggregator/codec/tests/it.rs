//! Tests of the crate from outside.

#[path = "it/golden.rs"]
mod golden;
