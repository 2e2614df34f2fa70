//! A series as a member of a group, whose frames bring its samples.

use super::{
    super::sealed::{Arena, Sealer},
    Series, expect_sealed,
};

/// Which group a series is in, and which of its members it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) group: u32,
    pub(crate) column: u32,
}

impl Series {
    /// What the series is a member of while its samples come with frames.
    pub(crate) fn member(&self) -> Option<Member> {
        let packed = self.stream.last_value;
        let member = Member { group: (packed >> 32) as u32, column: packed as u32 };
        self.in_group.then_some(member)
    }

    /// The time of the last sample, of a series that is in no group.
    pub(crate) fn last_time(&self) -> Option<i64> {
        let float = self.has_floats.then_some(self.stream.last_time);
        let extra = self.extra.as_deref();
        let histogram = extra.and_then(|extra| extra.last_histogram.as_ref()).map(|last| last.0);
        float.max(histogram)
    }

    /// From now on samples come with the frames of a group, the first of them at once.
    pub(crate) fn join(&mut self, member: Member, arena: &mut Arena, sealer: &mut Sealer) {
        self.seal_stream(arena, sealer);
        self.stream.last_value = u64::from(member.group) << 32 | u64::from(member.column);
        self.in_group = true;
        self.has_floats = true;
    }

    /// Samples come one by one again. The group has sealed what its frames brought, and tells the
    /// last of it.
    pub(crate) fn leave(&mut self, last_time: i64, last_value: u64, seen: u32) {
        self.stream.last_time = last_time;
        self.stream.last_value = last_value;
        self.in_group = false;
        self.seen = self.seen.max(seen);
    }

    /// Takes the samples of a sealed window, whose times have a number in the arena.
    pub(crate) fn take_window(
        &mut self,
        times: u32,
        values: &[f64],
        arena: &mut Arena,
        sealer: &mut Sealer,
    ) {
        let sealed = arena.seal_values(&mut self.sealed, times, values, sealer);
        expect_sealed(&sealed);
    }
}
