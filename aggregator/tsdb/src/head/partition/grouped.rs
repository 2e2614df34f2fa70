//! What a partition does with its groups, one after the other.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use super::{
    super::{
        groups::{Group, Groups, Shared, Window},
        sealed::Sealer,
        series::Member,
    },
    Data, Partition,
};

/// Open frames that a selection has met, each window once for all members.
#[derive(Debug, Default)]
pub(super) struct Windows {
    by_group: BTreeMap<u32, (Arc<Window>, usize, Vec<u32>)>,
}

impl Windows {
    /// Takes a member's part along. Returns the group and which of its selected members it is, or
    /// nothing if it has no open frames in a range of time.
    pub(super) fn take(
        &mut self,
        member: Member,
        groups: &Groups,
        start: i64,
        end: i64,
    ) -> Option<(u32, u32)> {
        let taken = match self.by_group.entry(member.group) {
            std::collections::btree_map::Entry::Occupied(taken) => taken.into_mut(),
            std::collections::btree_map::Entry::Vacant(vacant) => {
                let (window, members) = groups.window(member, start, end)?;
                vacant.insert((Arc::clone(window), members, Vec::new()))
            }
        };
        taken.2.push(member.column);
        Some((member.group, taken.2.len() as u32 - 1))
    }

    pub(super) fn share(self) -> BTreeMap<u32, Arc<Shared>> {
        let share = |(group, (window, members, wanted))| {
            (group, Arc::new(Shared { window, members, wanted, decoded: OnceLock::new() }))
        };
        self.by_group.into_iter().map(share).collect()
    }
}

impl Partition {
    /// Visits all groups, each under a hold of the lock of its own. Those for which `visit` says so
    /// are dropped; their members become series like others. Returns how many were.
    fn visit_groups(&self, mut visit: impl FnMut(&mut Group, &mut Data) -> bool) -> u64 {
        let numbers = self.data().groups.numbers();
        let mut dropped = 0;
        for number in numbers {
            let mut data = self.data();
            let Some(mut group) = data.groups.take(number) else { continue };
            if visit(&mut group, &mut data) {
                data.groups.forget(&group);
                dropped += 1;
            } else {
                data.groups.put_back(group);
            }
        }
        dropped
    }

    /// Seals the open frames of all groups.
    pub(crate) fn seal_groups(&self, sealer: &mut Sealer) {
        self.visit_groups(|group, data| {
            group.seal_with_others(&mut data.table, &mut data.arena, sealer);
            false
        });
    }

    /// Detaches the groups without open frames, so that nothing remembers their last samples.
    pub(super) fn detach_sealed(&self) {
        let mut sealer = Sealer::default();
        self.visit_groups(|group, data| {
            if group.is_sealed() {
                group.detach(&mut data.table, &mut data.arena, &mut sealer);
                group.doubt_last();
            }
            false
        });
    }

    /// Drops the groups whose last frame came before `oldest`, in seconds since the epoch. Returns
    /// how many.
    pub(crate) fn drop_idle_groups(&self, oldest: u32) -> u64 {
        let mut sealer = Sealer::default();
        self.visit_groups(|group, data| {
            let is_idle = group.seen < oldest;
            if is_idle {
                group.detach(&mut data.table, &mut data.arena, &mut sealer);
            }
            is_idle
        })
    }

    /// Drops a group. Returns whether there was one of this number.
    pub(crate) fn drop_group(&self, number: u32) -> bool {
        let mut data = self.data();
        let data: &mut Data = &mut data;
        let Some(mut group) = data.groups.take(number) else { return false };
        group.detach(&mut data.table, &mut data.arena, &mut Sealer::default());
        data.groups.forget(&group);
        true
    }
}
