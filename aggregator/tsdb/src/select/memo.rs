//! What was found for regular expressions lately: dashboards ask for the same ones all the time.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use crate::sync::lock;

/// It is cheap to try fewer values than this again.
pub(crate) const WORTH_REMEMBERING: usize = 64;
/// Entries that one index remembers.
const ENTRIES_MAX: usize = 32;
/// Bytes that one index remembers.
const BYTES_MAX: usize = 1 << 20;

/// Remembers what was found for a label name and a pattern. The entry that was used least lately
/// goes first.
#[derive(Debug)]
pub(crate) struct Memo<T> {
    entries: Mutex<VecDeque<Entry<T>>>,
}

#[derive(Debug)]
struct Entry<T> {
    name: Box<str>,
    pattern: Box<str>,
    found: Arc<T>,
    bytes: usize,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { entries: Mutex::default() }
    }
}

impl<T> Memo<T> {
    pub(crate) fn get(&self, name: &str, pattern: &str) -> Option<Arc<T>> {
        let mut entries = lock(&self.entries);
        let is_it = |entry: &Entry<T>| *entry.name == *name && *entry.pattern == *pattern;
        let entry = entries.iter().position(is_it).and_then(|at| entries.remove(at))?;
        let found = Arc::clone(&entry.found);
        entries.push_back(entry);
        Some(found)
    }

    /// `bytes` is the memory that the value takes.
    pub(crate) fn put(&self, name: &str, pattern: &str, found: Arc<T>, bytes: usize) {
        let bytes = bytes + name.len() + pattern.len() + size_of::<Entry<T>>();
        let mut entries = lock(&self.entries);
        entries.retain(|entry| *entry.name != *name || *entry.pattern != *pattern);
        if bytes > BYTES_MAX {
            return;
        }
        entries.push_back(Entry { name: name.into(), pattern: pattern.into(), found, bytes });
        while entries.len() > ENTRIES_MAX
            || entries.iter().map(|entry| entry.bytes).sum::<usize>() > BYTES_MAX
        {
            entries.pop_front();
        }
    }

    pub(crate) fn clear(&self) {
        lock(&self.entries).clear();
    }

    /// Memory in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        lock(&self.entries).iter().map(|entry| entry.bytes).sum()
    }
}

#[cfg(test)]
mod tests;
