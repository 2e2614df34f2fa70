//! Groups of series that tick together, whose samples come as frames.
//!
//! A group is *attached* while its frames are kept as they are: one window of them for all members,
//! sealed member by member when it is full. It is so from a frame on that is later than all that any
//! member has. Whatever else happens to a member detaches the group first: the window is sealed, and
//! its members are series like others until the frames have gone undisturbed for a while.

use std::{collections::BTreeMap, sync::Arc};

use model::write::{Sample, SeriesWrite};

use super::{
    logged::Logged,
    sealed::{Arena, Sealer},
    series::Member,
    table::Table,
};
use crate::{
    cardinality::Census,
    outcome::{RejectReason, Rejected},
};

mod window;

pub(crate) use window::{Shared, Window};

/// Stands for a member that was refused.
pub(crate) const REFUSED: u32 = u32::MAX;

/// Most members of a group.
pub(crate) const MEMBERS_MAX: usize = 65_536;
/// Most groups of a tenant.
pub(crate) const GROUPS_MAX: usize = 65_536;
/// Most members of all groups of a tenant.
pub(crate) const TENANT_MEMBERS_MAX: usize = 16 << 20;
/// A group without a frame for so many seconds is dropped.
pub(crate) const IDLE_SECONDS: u32 = 900;

/// Seconds after which a group that has members refused for a passing reason is to be registered again.
const AGAIN_SECONDS: u32 = 300;

/// Frames of a window before it is sealed.
const WINDOW_FRAMES: usize = 120;
/// Frames of the shortest window that begins when all others do.
const FIRST_WINDOW_MIN: usize = 30;
/// Most values of a window whose room is used again.
const MATRIX_KEPT: usize = 128 << 10;
/// Of so many frames in the log one is a key frame: what a damaged record can cost.
const KEY_EVERY: u32 = 60;
/// Frames that are taken sample by sample after a group was disturbed, so that whoever does it
/// again and again does not make many small chunks.
const REST_FRAMES: u32 = 60;

/// The groups of a tenant by number. Numbers are not used again.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// Boxed, as the nodes of the map have room for several.
    by_number: BTreeMap<u32, Box<Group>>,
    next: u32,
    members: usize,
}

/// A group.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) number: u32,
    /// Numbers of the series, or [`REFUSED`].
    pub(crate) members: Box<[u32]>,
    /// Members that were not refused.
    pub(crate) accepted: u64,
    /// Members that were, and why.
    pub(crate) refused: Vec<Rejected>,
    /// When it was registered, in seconds since the epoch.
    registered: u32,
    /// Values of the last frame, as bits; as long as the group is attached it was stored.
    pub(crate) row: Vec<u64>,
    window: Arc<Window>,
    /// Whether the members' samples are in the window.
    attached: bool,
    /// When the last frame was, and whether all of it was stored.
    pub(crate) last: Option<(i64, bool)>,
    rest: u32,
    /// When the last frame came, in seconds since the epoch.
    pub(crate) seen: u32,
    pub(crate) logged: Logged,
    pub(crate) sequence: u64,
    since_key: u32,
    /// Frames of the window before it is sealed.
    window_frames: usize,
}

/// Frames of a window that begins when those of other groups do. They are not the same for all, so
/// that windows are not all full, and sealed, at once.
fn first_window(number: u32) -> usize {
    // The fractional parts of multiples of the golden ratio lie evenly (Knuth, The Art of Computer
    // Programming, volume 3, 6.4).
    let place = u64::from(number.wrapping_mul(0x9e37_79b9));
    let lengths = (WINDOW_FRAMES - FIRST_WINDOW_MIN + 1) as u64;
    FIRST_WINDOW_MIN + ((place * lengths) >> 32) as usize
}

impl Groups {
    /// Whether there is room for a group of so many members.
    pub(crate) fn has_room(&self, members: usize) -> bool {
        self.by_number.len() < GROUPS_MAX && self.members + members <= TENANT_MEMBERS_MAX
    }

    /// Adds a group and returns its number.
    pub(crate) fn add(&mut self, members: Vec<u32>, refused: Vec<Rejected>, seen: u32) -> u32 {
        let number = self.next;
        self.next += 1;
        self.members += members.len();
        let accepted = members.iter().filter(|member| **member != REFUSED).count() as u64;
        let row = vec![0; members.len()];
        let group = Box::new(Group {
            number,
            members: members.into(),
            accepted,
            refused,
            registered: seen,
            row,
            window: Arc::default(),
            attached: false,
            last: None,
            rest: 0,
            seen,
            logged: Logged::default(),
            sequence: 0,
            since_key: 0,
            window_frames: first_window(number),
        });
        self.by_number.insert(number, group);
        number
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Group> {
        self.by_number.get_mut(&number).map(Box::as_mut)
    }

    /// Takes a group out, to be put back.
    pub(crate) fn take(&mut self, number: u32) -> Option<Box<Group>> {
        self.by_number.remove(&number)
    }

    pub(crate) fn put_back(&mut self, group: Box<Group>) {
        self.by_number.insert(group.number, group);
    }

    /// Forgets a group that was taken out and detached.
    pub(crate) fn forget(&mut self, group: &Group) {
        self.members -= group.members.len();
    }

    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.by_number.keys().copied().collect()
    }

    /// The open frames that a member's samples are in, if they overlap a range of time.
    pub(crate) fn window(
        &self,
        member: Member,
        start: i64,
        end: i64,
    ) -> Option<(&Arc<Window>, usize)> {
        let group = self.by_number.get(&member.group)?;
        group.window.overlaps(start, end).then_some((&group.window, group.members.len()))
    }

    /// Counts the open frames, those of each member by themselves.
    pub(crate) fn count_open(&self, census: &mut Census) {
        for group in self.by_number.values().filter(|group| group.attached) {
            if let Some((first, last)) = group.window.ends() {
                census.chunks(group.accepted, first, last);
            }
        }
    }

    /// Whether all that is written to a member is the sample that its last frame brought, as when an
    /// exemplar or a description comes with it.
    pub(crate) fn repeats(&self, member: Member, series: &SeriesWrite<'_>) -> bool {
        let Some(group) = self.by_number.get(&member.group) else { return false };
        let value = group.row.get(member.column as usize);
        let is_last = |sample: &Sample| {
            group.last == Some((sample.time, true)) && value == Some(&sample.value.to_bits())
        };
        series.histograms.is_empty() && series.samples.iter().all(is_last)
    }

    /// Detaches the group of a series to which something else is about to happen.
    #[cold]
    pub(crate) fn disturb(
        &mut self,
        member: Member,
        table: &mut Table,
        arena: &mut Arena,
        sealer: &mut Sealer,
    ) {
        if let Some(group) = self.by_number.get_mut(&member.group) {
            group.rest(table, arena, sealer);
        }
    }

    /// Memory in bytes beside that of windows.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.by_number.len() * (size_of::<Group>() + size_of::<(u32, Box<Group>)>())
            + self.members * (size_of::<u32>() + size_of::<u64>())
    }
}

impl Group {
    pub(crate) fn is_attached(&self) -> bool {
        self.attached
    }

    /// Whether members were refused for a reason that may have passed since: a rate, or a limit on
    /// series that others have made room for.
    pub(crate) fn wants_registration(&self, now: u32) -> bool {
        let passes = |refused: &Rejected| {
            refused.reason.is_temporary() || refused.reason == RejectReason::SeriesLimit
        };
        now.saturating_sub(self.registered) >= AGAIN_SECONDS && self.refused.iter().any(passes)
    }

    /// Whether a frame of this time can be kept as it is.
    #[inline]
    pub(crate) fn continues(&self, time: i64) -> bool {
        self.attached && self.last.is_some_and(|(last, _)| time > last)
    }

    /// Whether the group has rested long enough to be attached; counts the frames.
    pub(crate) fn has_rested(&mut self) -> bool {
        let rested = self.rest == 0;
        self.rest = self.rest.saturating_sub(1);
        rested
    }

    /// Whether the next frame in the log has to be a key frame.
    pub(crate) fn wants_key(&self) -> bool {
        self.window.len() == 0 || self.since_key >= KEY_EVERY
    }

    /// Makes the members' samples come with frames. All of them must exist and be in no group.
    pub(crate) fn attach(&mut self, table: &mut Table, arena: &mut Arena, sealer: &mut Sealer) {
        for (column, number) in (0..).zip(&self.members) {
            if let Some(series) = table.get_mut(*number) {
                series.join(Member { group: self.number, column }, arena, sealer);
            }
        }
        self.attached = true;
    }

    /// Keeps a frame that has been applied to the row, and seals the window when it is full.
    pub(crate) fn push(
        &mut self,
        time: i64,
        payload: &[u8],
        table: &mut Table,
        arena: &mut Arena,
        sealer: &mut Sealer,
    ) {
        let is_key = codec::frame::is_key(payload);
        self.since_key = if is_key { 0 } else { self.since_key + 1 };
        self.last = Some((time, true));
        self.sequence += 1;
        // Copied first if a query holds on to it.
        let window = Arc::make_mut(&mut self.window);
        arena.other_bytes += window.push(time, payload);
        if window.len() >= self.window_frames {
            self.seal(table, arena, sealer);
            self.window_frames = WINDOW_FRAMES;
        }
    }

    /// Seals a window that others seal at the same time, as for a block.
    pub(crate) fn seal_with_others(
        &mut self,
        table: &mut Table,
        arena: &mut Arena,
        sealer: &mut Sealer,
    ) {
        self.seal(table, arena, sealer);
        self.window_frames = first_window(self.number);
    }

    /// Seals the window into the members' chunks. The group stays attached.
    pub(crate) fn seal(&mut self, table: &mut Table, arena: &mut Arena, sealer: &mut Sealer) {
        let count = self.window.len();
        if count == 0 {
            return;
        }
        let mut matrix = std::mem::take(&mut sealer.matrix);
        self.window.columns(self.members.len(), &mut matrix);
        let times = arena.share_times(&self.window.times, sealer);
        // The only error is a wrong count of samples, which a window never has.
        debug_assert!(times.is_ok(), "{times:?}");
        if let Ok(times) = times {
            for (number, values) in self.members.iter().zip(matrix.chunks_exact(count)) {
                if let Some(series) = table.get_mut(*number) {
                    series.take_window(times, values, arena, sealer);
                }
            }
            arena.release(times);
        }
        // The window of a large group need not be remembered for ever, by each thread that seals.
        if matrix.capacity() <= MATRIX_KEPT {
            sealer.matrix = matrix;
        }
        arena.other_bytes -= self.window.bytes();
        match Arc::get_mut(&mut self.window) {
            Some(window) => window.clear(),
            None => self.window = Arc::default(),
        }
    }

    /// Detaches the group for a while.
    pub(crate) fn rest(&mut self, table: &mut Table, arena: &mut Arena, sealer: &mut Sealer) {
        self.rest = REST_FRAMES;
        self.detach(table, arena, sealer);
    }

    /// Makes the members series like others.
    pub(crate) fn detach(&mut self, table: &mut Table, arena: &mut Arena, sealer: &mut Sealer) {
        if !self.attached {
            return;
        }
        self.seal(table, arena, sealer);
        self.attached = false;
        let time = self.last.map_or(i64::MIN, |(time, _)| time);
        for (number, value) in self.members.iter().zip(&self.row) {
            if let Some(series) = table.get_mut(*number) {
                series.leave(time, *value, self.seen);
            }
        }
    }

    /// Has the last frame, should it come again, taken sample by sample.
    pub(crate) fn doubt_last(&mut self) {
        if let Some((_, whole)) = &mut self.last {
            *whole = false;
        }
    }

    /// Whether nothing waits to be sealed.
    pub(crate) fn is_sealed(&self) -> bool {
        self.window.len() == 0
    }
}

#[cfg(test)]
mod tests;
