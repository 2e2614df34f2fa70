//! Relabelling, as scrapers do it and as the aggregator explains it: label sets that are being
//! worked on, and the rules that rewrite, keep or drop them.

pub mod labels;
pub mod rules;

pub use labels::LabelSet;
pub use rules::{InvalidRule, Rule, apply};
