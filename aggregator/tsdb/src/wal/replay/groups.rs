//! Reading groups and their frames. Their samples are restored one by one: whoever sends frames
//! registers the groups again.

use codec::frame::{FrameError, apply, is_key, row_length};

use super::{
    super::record::{FrameRecord, Owner, read_frame, read_group},
    Orphan, Replay, Value,
};
use crate::head::{
    groups::{MEMBERS_MAX, REFUSED},
    partition::Data,
};

/// A group that the log has told of.
#[derive(Debug)]
pub(super) struct ReplayedGroup {
    /// Series by their numbers in the log.
    members: Vec<u32>,
    row: Vec<u64>,
    /// What the next frame is numbered.
    next: Option<u64>,
    /// A frame is missing, and no key frame has come since.
    is_broken: bool,
}

impl ReplayedGroup {
    fn accepted(&self) -> u64 {
        self.members.iter().filter(|member| **member != REFUSED).count() as u64
    }
}

impl Replay<'_> {
    pub(super) fn group(&mut self, owner: Owner, payload: &[u8]) -> Option<()> {
        let (number, members) = read_group(payload)?;
        if let Some(known) = self.owners.get_mut(&owner) {
            let row = vec![0; members.len()];
            let group = ReplayedGroup { members, row, next: None, is_broken: false };
            known.groups.entry(number).or_insert(group);
        }
        Some(())
    }

    pub(super) fn frame(&mut self, owner: Owner, payload: &[u8]) -> Option<()> {
        let FrameRecord { group: number, sequence, time, payload } = read_frame(payload)?;
        let group = self.owners.get_mut(&owner).and_then(|known| known.groups.get_mut(&number));
        let Some(group) = group else {
            let orphan = |payload: &[u8]| {
                let value = Value::Frame(payload.into());
                Orphan { owner, series: number, time, start: 0, value }
            };
            if !is_key(payload) || !self.orphans.keep(orphan(payload)) {
                self.counts.orphaned_samples += values_of(payload);
            }
            return Some(());
        };
        let missing = group.next.map_or(0, |next| sequence.saturating_sub(next));
        self.counts.orphaned_samples =
            self.counts.orphaned_samples.saturating_add(missing.saturating_mul(group.accepted()));
        group.next = Some(sequence.saturating_add(1));
        group.is_broken = (group.is_broken || missing > 0) && !is_key(payload);
        if group.is_broken {
            // It may seem to fit the row, whose checksum is short; the next key frame will do.
            self.counts.orphaned_samples += group.accepted();
            return Some(());
        }
        match apply(payload, &mut group.row) {
            Ok(_) => self.restore_row(owner, number, time),
            // One before it is missing; the next key frame will do.
            Err(FrameError::Base) => self.counts.orphaned_samples += group.accepted(),
            Err(_) => return None,
        }
        Some(())
    }

    /// Restores the samples of a frame that has been applied to its group's row.
    fn restore_row(&mut self, owner: Owner, number: u32, time: i64) {
        let (counts, orphans, sealer) = (&mut self.counts, &mut self.orphans, &mut self.sealer);
        let Some(known) = self.owners.get(&owner) else { return };
        let Some(group) = known.groups.get(&number) else { return };
        let mut data = known.partition.data();
        let Data { table, arena, newest, .. } = &mut *data;
        *newest = (*newest).max(time);
        for (member, bits) in group.members.iter().zip(&group.row) {
            if *member == REFUSED {
                continue;
            }
            let value = f64::from_bits(*bits);
            match known.series.get(*member).and_then(|found| table.get_mut(found)) {
                Some(series) => {
                    series.restore(time, value, 0, arena, sealer);
                    counts.samples += 1;
                }
                None => {
                    let value = Value::Float(value);
                    let kept =
                        orphans.keep(Orphan { owner, series: *member, time, start: 0, value });
                    counts.orphaned_samples += u64::from(!kept);
                }
            }
        }
    }

    /// Looks once more for the group of a key frame that had none.
    pub(super) fn adopt_frame(&mut self, orphan: &Orphan) {
        let Orphan { owner, series: number, time, value, .. } = orphan;
        let Value::Frame(payload) = value else { return };
        let known = self.owners.get_mut(owner).and_then(|known| known.groups.get_mut(number));
        if known.is_some_and(|group| apply(payload, &mut group.row).is_ok()) {
            self.restore_row(*owner, *number, *time);
        } else {
            self.counts.orphaned_samples += values_of(payload);
        }
    }
}

/// How many samples a frame has at most.
fn values_of(payload: &[u8]) -> u64 {
    row_length(payload).unwrap_or(0).min(MEMBERS_MAX as u64)
}

#[cfg(test)]
mod tests;
