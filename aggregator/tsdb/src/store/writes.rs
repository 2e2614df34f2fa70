//! Writing to a store: batches of any series, and frames of registered groups.

use std::{
    fmt,
    sync::{Arc, Weak, atomic::Ordering},
};

use model::{tenant::TenantId, time::Timestamp, write::WriteBatch};

use super::{Inner, Store, WORKSPACES_KEPT};
use crate::{
    head::{
        append::{Context, Frame, Workspace, append, append_frame, register},
        partition::Partition,
    },
    outcome::{AppendError, Appended, AppendedAll, RejectReason},
    sync::lock,
    wal::Ticket,
};

/// A group of series that was registered. It is valid until the group is dropped, by
/// [`Store::drop_group`] or because no frame has come for a quarter of an hour, the tenant is deleted
/// or the store is closed.
#[derive(Clone)]
pub struct GroupHandle {
    partition: Weak<Partition>,
    number: u32,
    /// Of the process that registered it.
    run: u32,
}

impl fmt::Debug for GroupHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupHandle").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The answer to a registration.
#[derive(Clone, Debug)]
pub struct Registered {
    /// `None` when the tenant has too many groups, or the group too many members.
    pub group: Option<GroupHandle>,
    /// How many series were created, and how many members were refused and why. The samples of these
    /// are refused with the same reason in every frame.
    pub appended: Appended,
}

/// One part of a request.
#[derive(Clone, Copy, Debug)]
pub enum Write<'a> {
    /// Samples of any series.
    Batch { tenant: &'a TenantId, batch: &'a WriteBatch },
    /// One sample for each member of a group: `time` in milliseconds since the epoch, and a payload of
    /// [`codec::frame`] that follows the group's last frame (or is a key frame, as the first should
    /// be; before the first all values are zero).
    Frame { group: &'a GroupHandle, time: i64, payload: &'a [u8] },
}

impl Store {
    /// Stores a batch of one tenant and returns when it is durable. Callable from many threads,
    /// which share one write to the disk. Samples may be of any age within the retention; one
    /// that is stored already counts as stored.
    pub fn append(
        &self,
        tenant: &TenantId,
        batch: &WriteBatch,
        now: Timestamp,
    ) -> Result<Appended, AppendError> {
        Ok(self.append_all(&[Write::Batch { tenant, batch }], now)?.appended)
    }

    /// Stores all parts of a request with one sync of the log, and returns when they are durable.
    /// A frame that comes twice in a row counts as stored.
    pub fn append_all(
        &self,
        writes: &[Write<'_>],
        now: Timestamp,
    ) -> Result<AppendedAll, AppendError> {
        let inner = &*self.inner;
        inner.now.fetch_max(now.0, Ordering::Relaxed);
        inner.check_writable()?;
        let mut work = lock(&inner.workspaces).pop().unwrap_or_default();
        let mut last = None;
        let mut all = AppendedAll::default();
        for (at, write) in writes.iter().enumerate() {
            let (appended, ticket) = inner.write(write, now, &mut work);
            last = last.max(ticket);
            all.add(at, appended);
        }
        let mut workspaces = lock(&inner.workspaces);
        if workspaces.len() < WORKSPACES_KEPT {
            workspaces.push(work);
        }
        drop(workspaces);
        if let Some(ticket) = last {
            inner.wal.commit(ticket).map_err(|error| inner.append_error(&error))?;
        }
        inner.counters.count(&all.appended);
        Ok(all)
    }

    /// Registers a group of series of one tenant, given by their packed labels, whose samples will
    /// come as frames with one value for each in this order. Series that are new are created. Members
    /// that are refused keep their place.
    pub fn register_group(
        &self,
        tenant: &TenantId,
        labels: &[&[u8]],
        now: Timestamp,
    ) -> Result<Registered, AppendError> {
        let inner = &*self.inner;
        inner.now.fetch_max(now.0, Ordering::Relaxed);
        inner.check_writable()?;
        loop {
            let Some(partition) = inner.head.get_or_create(tenant) else {
                let mut appended = Appended::default();
                let count = labels.len() as u64;
                appended.reject(RejectReason::TenantLimit, count, || tenant.to_string());
                return Ok(Registered { group: None, appended });
            };
            if let Some((number, appended)) = register(&partition, labels, inner.context(now)) {
                let partition = Arc::downgrade(&partition);
                let group = number.map(|number| GroupHandle { partition, number, run: inner.run });
                return Ok(Registered { group, appended });
            }
            // The tenant was deleted in between; it begins anew.
        }
    }

    /// Drops a group; its series stay. Returns whether it was still there.
    pub fn drop_group(&self, group: &GroupHandle) -> bool {
        group.partition.upgrade().is_some_and(|partition| partition.drop_group(group.number))
    }
}

impl Inner {
    fn context(&self, now: Timestamp) -> Context<'_> {
        Context { wal: &self.wal, options: &self.options, run: self.run, now }
    }

    /// Takes one part of a request, which is durable once the log is committed up to the ticket.
    fn write(
        &self,
        write: &Write<'_>,
        now: Timestamp,
        work: &mut Workspace,
    ) -> (Appended, Option<Ticket>) {
        let done = match *write {
            Write::Batch { tenant, batch } => loop {
                let Some(partition) = self.head.get_or_create(tenant) else {
                    return (too_many_tenants(tenant, batch), None);
                };
                // If the tenant was deleted in between, it begins anew.
                if let Some(done) = append(&partition, batch, self.context(now), work) {
                    break done;
                }
            },
            Write::Frame { group, time, payload } => {
                let frame = Frame { group: group.number, time, payload };
                let partition = group.partition.upgrade().filter(|_| group.run == self.run);
                let done = partition
                    .and_then(|partition| append_frame(&partition, frame, self.context(now), work));
                match done {
                    Some(done) => done,
                    None => return (frame.refused(), None),
                }
            }
        };
        (done.0, Some(done.1))
    }
}

fn too_many_tenants(tenant: &TenantId, batch: &WriteBatch) -> Appended {
    let mut appended = Appended::default();
    let count = batch.sample_count() + batch.exemplar_count();
    appended.reject(RejectReason::TenantLimit, count as u64, || tenant.to_string());
    appended.metadata_dropped += batch.metadata().len() as u64;
    appended
}
