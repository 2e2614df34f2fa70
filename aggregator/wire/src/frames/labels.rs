//! Label sets of a group: each as what differs from the one before.
//!
//! Neighbours share nearly all their labels, so the packed bytes of two are mostly the same at the
//! front and at the end.

use codec::varint::put_u64;

use crate::protobuf::reader::{Corrupt, Reader};

/// Appends one label set: how many bytes of `previous` it begins and ends with, and those between.
pub(super) fn put(out: &mut Vec<u8>, previous: &[u8], packed: &[u8]) {
    let both = previous.iter().zip(packed);
    let prefix = both.take_while(|(a, b)| a == b).count();
    let room = previous.len().min(packed.len()) - prefix;
    let both = previous.iter().rev().zip(packed.iter().rev()).take(room);
    let suffix = both.take_while(|(a, b)| a == b).count();
    put_u64(out, prefix as u64);
    put_u64(out, suffix as u64);
    let between = packed.get(prefix..packed.len() - suffix).unwrap_or_default();
    put_u64(out, between.len() as u64);
    out.extend_from_slice(between);
}

/// Packed label sets, in one allocation.
#[derive(Debug, Default)]
pub(super) struct LabelSets {
    packed: Vec<u8>,
    ends: Vec<usize>,
}

/// Why a label set cannot be read.
#[derive(Debug)]
pub(super) enum Fault {
    Corrupt(Corrupt),
    /// All sets together are longer than they may be.
    TooLong,
}

impl LabelSets {
    pub(super) fn clear(&mut self) {
        self.packed.clear();
        self.ends.clear();
    }

    pub(super) fn push(&mut self, packed: &[u8]) {
        self.packed.extend_from_slice(packed);
        self.ends.push(self.packed.len());
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, number: usize) -> Option<&[u8]> {
        let end = *self.ends.get(number)?;
        self.packed.get(self.start(number)..end)
    }

    fn start(&self, number: usize) -> usize {
        let before = number.checked_sub(1).and_then(|before| self.ends.get(before));
        before.copied().unwrap_or(0)
    }

    pub(super) fn members(&self) -> Members<'_> {
        Members { sets: self, next: 0 }
    }

    /// Bytes of all sets together.
    pub(super) fn bytes(&self) -> usize {
        self.packed.len()
    }

    /// Reads one that [`put`] wrote. All sets together may have `room` bytes.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>, room: usize) -> Result<(), Fault> {
        let before = *reader;
        let prefix = length(reader)?;
        let suffix = length(reader)?;
        let between = reader.bytes().map_err(Fault::Corrupt)?.rest();
        let previous = self.start(self.ends.len().saturating_sub(1))..self.packed.len();
        if prefix.checked_add(suffix).is_none_or(|shared| shared > previous.len()) {
            let what = "label set shares more with the one before than that has";
            return Err(Fault::Corrupt(before.corrupt(what)));
        }
        let length = prefix + between.len() + suffix;
        if self.packed.len() + length > room {
            return Err(Fault::TooLong);
        }
        self.packed.extend_from_within(previous.start..previous.start + prefix);
        self.packed.extend_from_slice(between);
        self.packed.extend_from_within(previous.end - suffix..previous.end);
        self.ends.push(self.packed.len());
        Ok(())
    }
}

fn length(reader: &mut Reader<'_>) -> Result<usize, Fault> {
    let before = *reader;
    let length = reader.varint().map_err(Fault::Corrupt)?;
    usize::try_from(length).map_err(|_error| Fault::Corrupt(before.corrupt("length is too large")))
}

/// The label sets of a group, in its order, each in the packed form of
/// [`model::labels::Labels::as_bytes`].
#[derive(Clone, Debug)]
pub struct Members<'m> {
    sets: &'m LabelSets,
    next: usize,
}

impl<'m> Iterator for Members<'m> {
    type Item = &'m [u8];

    fn next(&mut self) -> Option<&'m [u8]> {
        let packed = self.sets.get(self.next)?;
        self.next += 1;
        Some(packed)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.sets.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Members<'_> {}
