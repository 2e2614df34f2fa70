//! Log records of one kind in the making.

use disk::journal::Frames;

use crate::wal::record::{Owner, Writer};

/// A record that has grown to this length is closed and another begun.
const RECORD_BYTES: usize = 1 << 20;

/// Records of one kind, closed ones and one being written.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) writer: Writer,
    closed: Vec<Vec<u8>>,
}

impl Records {
    pub(super) fn begin(&mut self, owner: Owner) {
        self.closed.clear();
        self.writer.begin(owner);
    }

    /// Called after each entry.
    pub(super) fn check_length(&mut self, owner: Owner) {
        if self.writer.bytes().len() >= RECORD_BYTES {
            self.closed.push(self.writer.bytes().to_vec());
            self.writer.begin(owner);
        }
    }

    pub(super) fn frame(&self, kind: u8, frames: &mut Frames) {
        self.closed.iter().for_each(|payload| frames.push(kind, payload));
        if !self.writer.is_empty() {
            frames.push(kind, self.writer.bytes());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.closed.is_empty() && self.writer.is_empty()
    }
}
