//! Prometheus remote write, versions 1.0 and 2.0: headers, decoding and encoding.
//!
//! Sources: "Prometheus Remote-Write 1.0 specification" and "… 2.0 specification"; the messages
//! are those of Prometheus' `prompb/remote.proto`, `prompb/types.proto` and
//! `prompb/io/prometheus/write/v2/types.proto`. Each decoder's module lists the field numbers.
//!
//! [`decode()`] reads a decompressed body into [`model::write::WriteBatch`]es that a [`Partition`]
//! hands out, borrowing every string from the body; [`encode()`] is the way back.

mod decode;
pub(crate) mod encode;
pub(crate) mod fields;
pub(crate) mod histogram;
mod negotiate;
mod template;
mod v1;
mod v2;

pub use decode::{DecodeError, decode};
pub(crate) use encode::{Descriptions, encode_v2};
pub use encode::{EncodeStats, encode};
pub(crate) use negotiate::shorten;
pub use negotiate::{Unsupported, Version, negotiate};

pub use crate::decode::{DecodeOptions, DecodeStats, Partition, Refused};

/// Says which version a request speaks ([`Version::header`]).
pub const HEADER_VERSION: &str = "X-Prometheus-Remote-Write-Version";
/// Response headers of 2.0: how much of the request was stored. An absent header means zero.
pub const HEADER_SAMPLES_WRITTEN: &str = "X-Prometheus-Remote-Write-Samples-Written";
pub const HEADER_HISTOGRAMS_WRITTEN: &str = "X-Prometheus-Remote-Write-Histograms-Written";
pub const HEADER_EXEMPLARS_WRITTEN: &str = "X-Prometheus-Remote-Write-Exemplars-Written";
/// Which attempt this is, counted from 1, on a request that is sent again.
pub const HEADER_RETRY_ATTEMPT: &str = "Retry-Attempt";

#[cfg(test)]
pub(crate) mod tests;
