//! What agents say of the targets that they scrape: the newest report of each node, in memory.
//!
//! A report is by the token that it came with as well as by its node, so that no caller replaces what
//! another said, and each token has its own share of the memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{
    target::{REPORT_EVERY, TargetsReport},
    time::Timestamp,
};

/// A node that was not heard of for this long is silent: nobody knows how its targets are.
pub(crate) const SILENT_AFTER: Duration = REPORT_EVERY.saturating_mul(3);
/// A node that was not heard of for this long is forgotten.
pub(crate) const FORGOTTEN_AFTER: Duration = REPORT_EVERY.saturating_mul(6);
/// Nodes that one token may report on.
pub(crate) const NODES_PER_TOKEN_MAX: usize = 5_000;
/// What the reports of one token may take in memory.
pub(crate) const BYTES_PER_TOKEN_MAX: usize = 256 << 20;
/// Longest name of a node.
pub(crate) const NODE_BYTES_MAX: usize = 512;

/// All reports.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    /// By the token's name, and by node.
    by_token: Mutex<BTreeMap<String, BTreeMap<String, Held>>>,
}

#[derive(Debug)]
struct Held {
    at: Timestamp,
    bytes: usize,
    report: Arc<TargetsReport>,
}

/// A report, as it stands now.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) report: Arc<TargetsReport>,
    /// Whether its node has not been heard of lately.
    pub(crate) silent: bool,
}

/// Why a report is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReportRefused {
    #[error("the name of the node is longer than {NODE_BYTES_MAX} bytes")]
    Name,
    #[error("this token reports on {NODES_PER_TOKEN_MAX} nodes already")]
    Nodes,
    #[error("the reports of this token take {BYTES_PER_TOKEN_MAX} bytes already")]
    Bytes,
}

impl Reports {
    /// Keeps a report in place of the node's last one. `bytes` is what it takes in
    /// memory.
    pub(crate) fn put(
        &self,
        token: &str,
        node: &str,
        report: TargetsReport,
        bytes: usize,
        now: Timestamp,
    ) -> Result<(), ReportRefused> {
        if node.len() > NODE_BYTES_MAX {
            return Err(ReportRefused::Name);
        }
        let mut all = self.lock();
        forget(&mut all, now);
        let of_token = all.entry(token.to_owned()).or_default();
        if of_token.len() >= NODES_PER_TOKEN_MAX && !of_token.contains_key(node) {
            return Err(ReportRefused::Nodes);
        }
        let others = of_token.iter().filter(|(other, _)| *other != node);
        if others.map(|(_, held)| held.bytes).sum::<usize>() + bytes > BYTES_PER_TOKEN_MAX {
            return Err(ReportRefused::Bytes);
        }
        let held = Held { at: now, bytes, report: Arc::new(report) };
        let before = of_token.insert(node.to_owned(), held);
        // What may be large is given back without the lock.
        drop(all);
        drop(before);
        Ok(())
    }

    /// All reports by node.
    pub(crate) fn all(&self, now: Timestamp) -> Vec<Known> {
        let mut all = self.lock();
        forget(&mut all, now);
        let mut known: Vec<(&String, Known)> = all
            .values()
            .flatten()
            .map(|(node, held)| {
                let silent = now.since(held.at) > SILENT_AFTER;
                (node, Known { report: Arc::clone(&held.report), silent })
            })
            .collect();
        known.sort_by_key(|(node, _)| *node);
        known.into_iter().map(|(_, known)| known).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<String, Held>>> {
        self.by_token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget(all: &mut BTreeMap<String, BTreeMap<String, Held>>, now: Timestamp) {
    all.retain(|_token, nodes| {
        nodes.retain(|_node, held| now.since(held.at) <= FORGOTTEN_AFTER);
        !nodes.is_empty()
    });
}

#[cfg(test)]
mod tests;
