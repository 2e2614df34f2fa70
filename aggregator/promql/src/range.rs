//! Functions of range vectors: each looks at the samples of one series in a window that slides from
//! step to step.

pub(crate) mod call;
mod changes;
pub(crate) mod extended;
pub(crate) mod extended_histogram;
mod extremes;
mod histogram_over_time;
mod histogram_rate;
mod instant;
mod over_time;
pub(crate) mod quantile;
mod rate;
mod regression;
pub(crate) mod repeated;
pub(crate) mod samples;
mod start;
pub(crate) mod window;
