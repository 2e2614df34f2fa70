//! Frames: how our own agent hands its samples to an aggregator (`FORMAT.md` has every byte).
//!
//! A group of series is registered once; from then on a tick of the whole group is one frame: a
//! time and what changed since the frame before. So both ends keep state, which an *epoch*, chosen
//! at random by the sender, and a *sequence*, counted from 1 with each body, hold together. The
//! receiver takes the next sequence of an epoch it knows, or the first of a new one; the same
//! sequence again is a repetition, answered as before; anything else it answers with
//! [`STATUS_BEGIN_ANEW`], whereupon the sender begins a new epoch with the samples that are due.
//!
//! - [`Encoder`] is the sender's state: [`model::write::WriteBatch`] in, body out.
//! - [`Body`] reads a body and visits its messages without copying.
//! - [`Replay`] reads a sender's own bodies back, as a spool does.
//! - [`accept`] and [`verdict`] are the two ends of the negotiation.

mod decode;
mod encode;
mod format;
mod group;
mod labels;
mod limits;
mod negotiate;
mod registry;
mod replay;

pub use decode::{Body, Frame, FramesError, Group, Message, Messages, Options};
pub use encode::{EncodeStats, Encoder};
pub use labels::Members;
pub use limits::Limits;
pub use negotiate::{
    CONTENT_TYPE, HEADER_SEQUENCE, MEDIA_TYPE, PATH, STATUS_BEGIN_ANEW, Unsupported, Verdict,
    accept, verdict,
};
pub use replay::{Replay, ReplayError};

#[cfg(test)]
mod tests;
