//! The agent's spool: what was collected, on disk until every destination has taken it.
//!
//! Ticks are numbered by their collector, ascending for ever. [`Spool`] appends them, [`Reader`]
//! reads them back from any number on (each destination has its own), [`Cursors`] remembers what
//! each destination has taken. Once it has more bytes than it may, the oldest ticks go, and
//! [`Dropped`] says whose samples they held.
//!
//! ```text
//! directory      0000000000.log …     a `disk::journal`; each segment can be read alone
//!                DESTINATION.cursor   magic "TWCURS1\n" (8)  next tick (8)  CRC32C of both (4)
//! record kind 1  tick number (8)  body of `wire::frames` with whole label sets
//! ```
//! Numbers are little endian. The bodies of a segment are one epoch of frames, so a tick costs what
//! has changed since the one before it, and a damaged record costs the rest of its segment.
//!
//! Promises: a tick whose [`Spool::sync`] succeeded is read back after a crash, unless it was
//! dropped and told; a full or failing disk costs only the ticks that could not be written, and
//! writing goes on by itself once there is room; memory is bounded by one segment a reader.
//! Synchronous, without a clock: a thread of the agent's does the waiting.

mod cursor;
mod read;
mod segments;
mod write;

pub use cursor::Cursors;
pub use read::{Read, Reader};
pub use write::{Dropped, Opened, Options, Spool, SpoolError, samples_by_tenant};

#[cfg(test)]
mod tests;
