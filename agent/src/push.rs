//! Pushing what was collected: a bounded queue, a spool on disk behind it, and for each destination a
//! sender that tries until it is taken. Destinations do not wait for each other.
//!
//! Each tick becomes one body, written when it is sent. Frames are sent until a receiver shows that
//! it does not know them, then remote write 2.0 until it shows the same of that (415, or an answer
//! without counts), then 1.0; frames are tried again later.
//! What the receiver cannot take now (no answer, 429, 5xx) is sent again with growing waits, or
//! when the receiver's `Retry-After` says; what it will never take (other 4xx) is dropped. Nothing
//! is dropped uncounted.

mod line;
mod losses;
mod protocol;
mod queue;
mod sender;
mod spooler;
mod start;

pub(crate) use queue::Queue;
pub(crate) use start::PushStartError;
pub(crate) use start::{Pushing, start};
