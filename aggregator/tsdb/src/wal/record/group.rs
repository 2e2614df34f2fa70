//! Records of groups of series, and of their frames.

use codec::varint;

use super::{Writer, take_u32};
use crate::head::groups::{MEMBERS_MAX, REFUSED};

/// What a frame's record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameRecord<'a> {
    pub(crate) group: u32,
    /// Counts the records of the group's frames, so that a missing one is noticed.
    pub(crate) sequence: u64,
    pub(crate) time: i64,
    pub(crate) payload: &'a [u8],
}

impl Writer {
    /// Says which series the members of a group are, as steps from the number after the last.
    pub(crate) fn group(&mut self, group: u32, members: &[u32]) {
        varint::put_u64(&mut self.bytes, u64::from(group));
        varint::put_u64(&mut self.bytes, members.len() as u64);
        let mut next = 0;
        for member in members {
            if *member == REFUSED {
                self.bytes.push(1);
            } else {
                let step = i64::from(*member) - next;
                varint::put_u64(&mut self.bytes, varint::zigzag(step) << 1);
                next = i64::from(*member) + 1;
            }
        }
    }

    pub(crate) fn frame(&mut self, frame: FrameRecord<'_>) {
        varint::put_u64(&mut self.bytes, u64::from(frame.group));
        varint::put_u64(&mut self.bytes, frame.sequence);
        varint::put_i64(&mut self.bytes, frame.time);
        self.bytes.extend_from_slice(frame.payload);
    }
}

/// Reads the number of a group and its members; those that were refused are [`REFUSED`].
pub(crate) fn read_group(mut input: &[u8]) -> Option<(u32, Vec<u32>)> {
    let group = take_u32(&mut input)?;
    let count = usize::try_from(varint::take_u64(&mut input)?).ok()?;
    if count > MEMBERS_MAX || count > input.len() {
        return None;
    }
    let mut members = Vec::with_capacity(count);
    let mut next = 0i64;
    for _ in 0..count {
        let step = varint::take_u64(&mut input)?;
        if step == 1 {
            members.push(REFUSED);
            continue;
        }
        let number = next.checked_add(varint::unzigzag(step >> 1))?;
        members.push(u32::try_from(number).ok()?);
        next = number + 1;
    }
    input.is_empty().then_some((group, members))
}

pub(crate) fn read_frame(mut payload: &[u8]) -> Option<FrameRecord<'_>> {
    let group = take_u32(&mut payload)?;
    let sequence = varint::take_u64(&mut payload)?;
    let time = varint::take_i64(&mut payload)?;
    Some(FrameRecord { group, sequence, time, payload })
}
