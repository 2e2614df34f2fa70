//! Taking a frame of a group into a tenant's head.

use codec::frame::{apply, encode_key, is_key, leads_to, row_length};

use super::{
    super::{
        groups::{Group, MEMBERS_MAX, REFUSED},
        partition::{Data, Partition},
        series::Pushed,
    },
    Appending, Context, Workspace, describe,
};
use crate::{
    outcome::{Appended, RejectReason},
    wal::{Ticket, record::FrameRecord},
};

/// A frame of a group, by the group's number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) group: u32,
    pub(crate) time: i64,
    pub(crate) payload: &'a [u8],
}

impl Frame<'_> {
    /// The answer when there is no such group, or the frame does not fit it.
    pub(crate) fn refused(&self) -> Appended {
        let mut appended = Appended::default();
        let count = row_length(self.payload).unwrap_or(0).clamp(1, MEMBERS_MAX as u64);
        let example = || "no such group, or a frame that does not follow its last".to_owned();
        appended.reject(RejectReason::UnknownGroup, count, example);
        appended
    }
}

/// Takes a frame. Durable once the log is committed up to the ticket. `None` when the tenant has
/// been deleted.
pub(crate) fn append_frame(
    partition: &Partition,
    frame: Frame<'_>,
    context: Context<'_>,
    work: &mut Workspace,
) -> Option<(Appended, Ticket)> {
    let epoch = context.wal.epoch();
    let mut data = partition.data();
    let data: &mut Data = &mut data;
    if data.deleted {
        return None;
    }
    let Some(group) = data.groups.get_mut(frame.group) else {
        let refused = frame.refused();
        data.count_rejected(&refused);
        return Some((refused, context.wal.position()));
    };
    if group.wants_registration(u32::try_from(context.now.0 / 1000).unwrap_or(0)) {
        let refused = frame.refused();
        data.count_rejected(&refused);
        return Some((refused, context.wal.position()));
    }
    let bytes = frame.payload.len() as u64;
    let (accepted, continues) = (group.accepted, group.continues(frame.time));
    let mut appending = Appending::new(partition, data, context, *epoch, (accepted, bytes));
    appending.begin(work);
    let is_known = if accepted == 0 {
        appending.count_refused(data, frame.group)
    } else if continues && appending.is_welcome(frame.time, accepted) {
        appending.continue_group(data, frame, work)
    } else {
        appending.enter_group(data, frame, work)
    };
    if !is_known {
        appending.appended = frame.refused();
    }
    Some(appending.finish(data, work))
}

impl Appending<'_> {
    /// Whether a whole frame may be stored.
    fn is_welcome(&self, time: i64, accepted: u64) -> bool {
        self.check_time(time).is_ok() && self.allowance >= accepted
    }

    /// Counts a frame of a group of which every member was refused: nothing of it is kept.
    fn count_refused(&mut self, data: &mut Data, number: u32) -> bool {
        let group = data.groups.get_mut(number);
        if let Some(group) = &group {
            self.count_frame(group);
        }
        group.map(|group| group.seen = self.seen).is_some()
    }

    /// Takes a frame of a group that is attached. `false` when the frame does not fit.
    fn continue_group(&mut self, data: &mut Data, frame: Frame<'_>, work: &mut Workspace) -> bool {
        // The groups are apart from what storing a frame changes.
        let mut groups = std::mem::take(&mut data.groups);
        let mut fits = false;
        if let Some(group) = groups.get_mut(frame.group)
            && apply(frame.payload, &mut group.row).is_ok()
        {
            fits = true;
            self.store_frame(data, group, frame, work);
        }
        data.groups = groups;
        fits
    }

    /// Takes a frame that comes again, or is the first for a while, or late, or not welcome as a
    /// whole. `false` when the frame does not fit.
    #[cold]
    fn enter_group(&mut self, data: &mut Data, frame: Frame<'_>, work: &mut Workspace) -> bool {
        let Some(mut group) = data.groups.take(frame.group) else { return false };
        let (is_known, is_kept) = self.enter(data, &mut group, frame, work);
        if is_kept {
            data.groups.put_back(group);
        } else {
            group.detach(&mut data.table, &mut data.arena, &mut work.sealer);
            data.groups.forget(&group);
        }
        is_known
    }

    /// Whether the frame fits, and whether the group stays.
    fn enter(
        &mut self,
        data: &mut Data,
        group: &mut Group,
        frame: Frame<'_>,
        work: &mut Workspace,
    ) -> (bool, bool) {
        let last = group.last.filter(|(time, _)| *time == frame.time);
        let comes_again = last.is_some() && leads_to(frame.payload, &group.row);
        if comes_again && last.is_some_and(|(_, whole)| whole) {
            self.count_frame(group);
            return (true, true);
        }
        let mut row = group.row.clone();
        if !comes_again && apply(frame.payload, &mut row).is_err() {
            return (false, true);
        }
        if group.is_attached() {
            group.rest(&mut data.table, &mut data.arena, &mut work.sealer);
        }
        let Some(newest) = self.free_members(data, group, work) else { return (false, false) };
        group.row = row;
        let is_later = newest.is_none_or(|newest| frame.time > newest);
        if group.has_rested() && is_later && self.is_welcome(frame.time, group.accepted) {
            group.attach(&mut data.table, &mut data.arena, &mut work.sealer);
            self.store_frame(data, group, frame, work);
        } else {
            self.store_singly(data, group, frame.time, work);
        }
        (true, true)
    }

    /// Takes the members out of other groups and finds the time of the last sample of any. `None`
    /// when a member is no longer there.
    fn free_members(
        &self,
        data: &mut Data,
        group: &Group,
        work: &mut Workspace,
    ) -> Option<Option<i64>> {
        let Data { table, arena, groups, .. } = data;
        let mut newest = None;
        for number in group.members.iter().filter(|number| **number != REFUSED) {
            if let Some(member) = table.get(*number)?.member() {
                groups.disturb(member, table, arena, &mut work.sealer);
            }
            newest = newest.max(table.get(*number)?.last_time());
        }
        Some(newest)
    }

    fn count_frame(&mut self, group: &Group) {
        self.appended.samples += group.accepted;
        self.allowance = self.allowance.saturating_sub(group.accepted);
        for refused in &group.refused {
            self.appended.reject(refused.reason, refused.count, || refused.example.clone());
        }
    }

    /// Keeps a frame, which has been applied to the row, as it is.
    fn store_frame(
        &mut self,
        data: &mut Data,
        group: &mut Group,
        frame: Frame<'_>,
        work: &mut Workspace,
    ) {
        group.seen = self.seen;
        let is_due = group.logged.is_due(self.epoch);
        if is_due {
            self.tell_members(data, group, work);
            work.groups.writer.group(group.number, &group.members);
        }
        let mut payload = frame.payload;
        if (is_due || group.wants_key()) && !is_key(payload) {
            work.key.clear();
            encode_key(&group.row, &mut work.key);
            payload = &work.key;
        }
        let (sequence, time) = (group.sequence, frame.time);
        let record = FrameRecord { group: group.number, sequence, time, payload };
        work.frames.writer.frame(record);
        group.push(time, payload, &mut data.table, &mut data.arena, &mut work.sealer);
        data.newest = data.newest.max(time);
        self.count_frame(group);
    }

    /// Tells the log what the numbers of the members mean.
    fn tell_members(&self, data: &mut Data, group: &Group, work: &mut Workspace) {
        for number in group.members.iter().filter(|number| **number != REFUSED) {
            if data.table.get_mut(*number).is_some_and(|series| series.logged.is_due(self.epoch)) {
                let labels = self.partition.labels(*number);
                work.series.writer.series(*number, labels.as_bytes());
                work.series.check_length(self.owner);
            }
        }
    }

    /// Takes the samples of a frame one by one.
    fn store_singly(
        &mut self,
        data: &mut Data,
        group: &mut Group,
        time: i64,
        work: &mut Workspace,
    ) {
        group.last = Some((time, false));
        group.seen = self.seen;
        self.tell_members(data, group, work);
        for (number, bits) in group.members.iter().zip(&group.row) {
            let Some(series) = data.table.get_mut(*number) else { continue };
            series.seen = self.seen;
            let value = f64::from_bits(*bits);
            let stored = self.admit(time).and_then(|()| {
                match series.push(time, value, 0, &mut data.arena, &mut work.sealer) {
                    Pushed::Stored => Ok(true),
                    Pushed::Same => Ok(false),
                    Pushed::Conflict => Err(RejectReason::DuplicateTimestamp),
                }
            });
            match stored {
                Ok(is_new) => {
                    self.appended.samples += 1;
                    if is_new {
                        data.newest = data.newest.max(time);
                        work.samples.writer.sample(*number, time, value, 0);
                        work.samples.check_length(self.owner);
                    }
                }
                Err(reason) => self.appended.reject(reason, 1, || {
                    describe(self.partition.labels(*number).as_bytes(), &format!("at {time}"))
                }),
            }
        }
        for refused in &group.refused {
            self.appended.reject(refused.reason, refused.count, || refused.example.clone());
        }
    }
}
