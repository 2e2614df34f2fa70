//! A sender's own bodies read back as the batches they were written from.
//!
//! What a spool needs: it keeps bodies on disk, and a destination that speaks another language, or
//! has forgotten the epoch, must be given the samples anew.

use std::collections::HashMap;

use codec::frame::FrameError;
use model::write::{Sample, WriteBatch};

use super::{
    decode::{Body, Frame, FramesError, Group, Message, Options},
    labels::LabelSets,
};
use crate::{
    limits::Limits,
    remote_write::{self, DecodeError, DecodeOptions, Version},
};

/// Why a body cannot be read back. Bodies that follow it in the epoch cannot either.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Body(#[from] FramesError),
    #[error("body {found} of the epoch follows body {last}")]
    OutOfStep { last: u64, found: u64 },
    #[error("group {0} is not registered")]
    NoGroup(u32),
    #[error("frame of group {group}: {error}")]
    Frame { group: u32, error: FrameError },
    #[error("remote write within the frames: {0}")]
    Batch(#[from] DecodeError),
}

/// What the bodies of one epoch have led to. Memory grows with the groups that they registered.
#[derive(Debug, Default)]
pub struct Replay {
    epoch: u64,
    sequence: u64,
    groups: HashMap<u32, Row>,
}

#[derive(Debug)]
struct Row {
    labels: LabelSets,
    values: Vec<u64>,
}

impl Replay {
    /// Appends what a body holds to `out`. An epoch is read from its first body on, without a gap.
    /// A series that has more than a frame holds may come twice, with the same sample. Returns how
    /// many samples were left out because their series are not valid.
    pub fn read(&mut self, body: &[u8], out: &mut WriteBatch) -> Result<u64, ReplayError> {
        let mut skipped = 0;
        let body = Body::read(body)?;
        if body.sequence == 1 {
            self.groups.clear();
        } else if body.epoch != self.epoch || body.sequence != self.sequence.wrapping_add(1) {
            let last = if body.epoch == self.epoch { self.sequence } else { 0 };
            return Err(ReplayError::OutOfStep { last, found: body.sequence });
        }
        (self.epoch, self.sequence) = (body.epoch, body.sequence);
        let mut messages = body.messages(Options::default());
        while let Some(message) = messages.next_message()? {
            match message {
                Message::Group(group) => self.register(group),
                Message::Frame(frame) => self.apply(&frame, out)?,
                Message::Drop(number) => {
                    self.groups.remove(&number);
                }
                Message::Batch(request) => {
                    // What was written by ourselves may be as large as it was.
                    let options = DecodeOptions { limits: Limits::NONE, ..Default::default() };
                    skipped += remote_write::decode(Version::V2, request, &options, out)?
                        .skipped
                        .samples();
                }
            }
        }
        Ok(skipped)
    }

    fn register(&mut self, group: Group<'_>) {
        let mut labels = LabelSets::default();
        for packed in group.members {
            labels.push(packed);
        }
        let values = vec![0; labels.len()];
        self.groups.insert(group.number, Row { labels, values });
    }

    fn apply(&mut self, frame: &Frame<'_>, out: &mut WriteBatch) -> Result<(), ReplayError> {
        let group = frame.group;
        let row = self.groups.get_mut(&group).ok_or(ReplayError::NoGroup(group))?;
        codec::frame::apply(frame.payload, &mut row.values)
            .map_err(|error| ReplayError::Frame { group, error })?;
        for (packed, bits) in row.labels.members().zip(&row.values) {
            out.begin_packed(packed);
            out.push_sample(Sample { time: frame.time, value: f64::from_bits(*bits), start: 0 });
        }
        Ok(())
    }
}
