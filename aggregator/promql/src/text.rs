//! Numbers, durations and quoted strings as PromQL reads and writes them.

pub(crate) mod duration;
pub(crate) mod float;
pub(crate) mod labels;
pub(crate) mod number;
pub(crate) mod quote;
