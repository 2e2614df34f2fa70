//! Reading series. What each record brings goes to the tables at once, so that samples find their
//! series, and to the indexes by another thread, which has about as much to do.

use std::sync::{Arc, mpsc::Receiver};

use super::{Owner, Replay, record};
use crate::head::partition::Partition;

/// Records of series that may wait for the index.
pub(super) const TASKS_MAX: usize = 16;

/// Series that are in a table but not in the index, as their labels make no sense or there is no
/// room for them.
pub(super) type Unindexed = Vec<(Arc<Partition>, u32)>;

/// A record of series, some of which are to be added to the index.
#[derive(Debug)]
pub(super) struct Task {
    partition: Arc<Partition>,
    payload: Vec<u8>,
    /// Where in the payload the series begin.
    start: usize,
    /// Which of them, counted from 0, ascending.
    added: Vec<u32>,
}

impl Replay<'_> {
    pub(super) fn series(&mut self, owner: Owner, payload: Vec<u8>, start: usize) -> Option<()> {
        let Some(known) = self.owners.get_mut(&owner) else { return Some(()) };
        let told = payload.get(start..)?;
        let mut has_news = false;
        let numbers = &known.series;
        let understood =
            record::read_numbers(told, |number| has_news |= numbers.get(number).is_none());
        if !has_news {
            // The second time that they are told.
            return understood;
        }
        let numbers = &mut known.series;
        let (mut added, mut at) = (Vec::new(), 0);
        let mut data = known.partition.data();
        let table = &mut data.table;
        let understood = record::read_series(told, |entry| {
            if numbers.get(entry.number).is_none() {
                let key = known.partition.hash(entry.labels);
                let found = table.find(key).or_else(|| {
                    // The index numbers them likewise: nothing has been removed from either.
                    let next = u32::try_from(table.len()).ok().filter(|next| *next < u32::MAX)?;
                    table.push(next, key);
                    added.push(at);
                    Some(next)
                });
                numbers.set(entry.number, found);
            }
            at += 1;
        });
        drop(data);
        if !added.is_empty() {
            let task = Task { partition: Arc::clone(&known.partition), payload, start, added };
            // A thread that is gone has panicked, which `run` reports.
            drop(self.indexing.send(task));
        }
        understood
    }
}

/// Adds series to indexes.
pub(super) fn index(tasks: &Receiver<Task>) -> Unindexed {
    let mut unindexed = Vec::new();
    for task in tasks {
        let told = task.payload.get(task.start..).unwrap_or_default();
        let (mut added, mut at) = (task.added.iter().copied().peekable(), 0);
        task.partition.index_bulk(|bulk| {
            // What could not be understood has not been added to the table either.
            record::read_series(told, |entry| {
                if added.next_if_eq(&at).is_none() {
                    bulk.pass(entry.shared);
                } else {
                    let (number, is_indexed) = bulk.add(entry.labels, entry.shared);
                    if !is_indexed {
                        unindexed.push((Arc::clone(&task.partition), number));
                    }
                }
                at += 1;
            })
        });
    }
    unindexed
}

#[cfg(test)]
mod tests;
