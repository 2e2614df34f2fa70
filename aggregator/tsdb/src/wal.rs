//! The write-ahead log: one journal for all tenants, one sync for all who wait.
//!
//! Writers put records into a queue while they hold their tenant's lock, so records of one tenant
//! are in the order in which they were applied, and then wait for the sync that covers them. The
//! first to wait writes and syncs everything queued so far; those that come meanwhile wait for
//! their turn and mostly find it done. So the more writers, the larger the groups, and one alone
//! waits for nothing but the disk.

use std::sync::{
    Mutex, RwLock, RwLockReadGuard,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use disk::journal::{Frames, Journal, JournalError};

use crate::sync::{lock, read, write};

pub(crate) mod record;
pub(crate) mod replay;

/// Position in the log: everything submitted up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// The log of a store.
#[derive(Debug)]
pub(crate) struct Wal {
    queue: Mutex<Queue>,
    journal: Mutex<Committer>,
    /// What the numbers of series mean is told anew in each epoch, so that the segments of earlier
    /// ones can go.
    epoch: RwLock<u32>,
    durable: AtomicU64,
    failing: AtomicBool,
    bytes: AtomicU64,
    syncs: AtomicU64,
    failures: AtomicU64,
}

#[derive(Debug)]
struct Queue {
    frames: Frames,
    submitted: u64,
}

#[derive(Debug)]
struct Committer {
    journal: Journal,
    /// The buffer that is not being filled.
    spare: Frames,
}

impl Wal {
    pub(crate) fn new(journal: Journal) -> Self {
        let (frames, spare) = (journal.frames(), journal.frames());
        Self {
            queue: Mutex::new(Queue { frames, submitted: 0 }),
            bytes: AtomicU64::new(journal.bytes()),
            journal: Mutex::new(Committer { journal, spare }),
            epoch: RwLock::new(1),
            durable: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            syncs: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// The current epoch, which cannot end while the guard lives.
    pub(crate) fn epoch(&self) -> RwLockReadGuard<'_, u32> {
        read(&self.epoch)
    }

    /// Queues records. To be called under the lock of the tenant whose they are.
    pub(crate) fn submit(&self, fill: impl FnOnce(&mut Frames)) -> Ticket {
        let mut queue = lock(&self.queue);
        fill(&mut queue.frames);
        queue.submitted += 1;
        Ticket(queue.submitted)
    }

    /// The position after all that has been submitted.
    pub(crate) fn position(&self) -> Ticket {
        Ticket(lock(&self.queue).submitted)
    }

    /// Returns when everything up to a position is durable.
    pub(crate) fn commit(&self, ticket: Ticket) -> Result<(), JournalError> {
        if self.durable.load(Ordering::Acquire) >= ticket.0 {
            return Ok(());
        }
        let mut committer = lock(&self.journal);
        if self.durable.load(Ordering::Acquire) >= ticket.0 {
            return Ok(());
        }
        self.write(&mut committer)
    }

    fn write(&self, committer: &mut Committer) -> Result<(), JournalError> {
        let submitted = {
            let mut queue = lock(&self.queue);
            std::mem::swap(&mut queue.frames, &mut committer.spare);
            queue.submitted
        };
        let result = committer
            .journal
            .append_frames(&mut committer.spare)
            .and_then(|()| committer.journal.sync());
        self.bytes.store(committer.journal.bytes(), Ordering::Relaxed);
        self.failing.store(result.is_err(), Ordering::Relaxed);
        match &result {
            Ok(()) => {
                self.durable.store(submitted, Ordering::Release);
                self.syncs.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
        }
        result
    }

    /// Writes what waits, whoever waits for it.
    pub(crate) fn commit_all(&self) -> Result<(), JournalError> {
        let mut committer = lock(&self.journal);
        self.write(&mut committer)
    }

    /// Ends the epoch. Returns the first segment of the new one: what is submitted from now on is
    /// in it or behind it, and what was submitted before has been applied by the time that its
    /// tenant's lock can be had.
    pub(crate) fn rotate(&self) -> Result<u64, JournalError> {
        let mut committer = lock(&self.journal);
        // Most of the work is done before writers are held up.
        self.write(&mut committer)?;
        let mut epoch = write(&self.epoch);
        // With the epoch held nobody submits. What is queued belongs to the old one.
        self.write(&mut committer)?;
        *epoch += 1;
        Ok(committer.journal.rotate())
    }

    /// Removes the segments before one that [`Self::rotate`] gave.
    pub(crate) fn remove_before(&self, segment: u64) -> Result<usize, JournalError> {
        let mut committer = lock(&self.journal);
        let removed = committer.journal.remove_before(segment);
        self.bytes.store(committer.journal.bytes(), Ordering::Relaxed);
        removed
    }

    /// Whether the last write failed, so that more had better not be queued.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}
