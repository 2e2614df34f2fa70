//! Bytes to values and back: varints, typed chunks of samples, frames of a tick, checksums and capped
//! compression.
//! Bytes to values and back: varints, bit streams, typed chunks of samples, the chunks of
//! Prometheus, checksums and capped compression.
//!
//! Everything here is pure and total: any bytes decode to a value or to an error that says what is
//! wrong, within a bound on memory that the caller sets.

pub mod checksum;
pub mod chunk;
pub mod frame;
pub mod inflate;
pub mod varint;
pub mod xor;
