//! Finds the groups under a prefix, and notices when they come and go.
//!
//! Each directory of a tree is watched by inotify, so that a start is seen at the next look and
//! looking costs one system call. Where watches run short the tree is walked again at an interval.

mod watch;

use std::{collections::BTreeSet, path::Path, time::Duration};

use model::time::Timestamp;

use crate::{
    hierarchy::{Group, Hierarchy, InvalidGroup},
    identity::{Identity, classify},
    kernel::directories,
    walk::watch::Watch,
};

/// Groups followed at most; more are counted and left out.
pub const GROUPS_MAX: usize = 16_384;
/// Levels below the prefix.
pub const LEVELS_MAX: usize = 16;

/// What to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkOptions {
    /// Groups at and below this path; `/` for all.
    pub prefix: String,
    /// The tree is walked at least this often, whatever the watches say.
    pub rewalk_every: Duration,
    /// Directories watched at most; 0 for walking only.
    pub watches_max: usize,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self { prefix: "/".to_owned(), rewalk_every: Duration::from_secs(60), watches_max: 4096 }
    }
}

/// A group that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub group: Group,
    pub identity: Identity,
}

/// What a walk found new, and what it missed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In order of path: parents come before what is in them.
    pub appeared: Vec<Found>,
    /// Paths of groups that are gone.
    pub vanished: Vec<String>,
    /// Groups left out because of [`GROUPS_MAX`], [`LEVELS_MAX`] or a name that is not UTF-8.
    pub dropped: usize,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.appeared.is_empty() && self.vanished.is_empty()
    }
}

/// Follows the population of groups.
#[derive(Debug)]
pub struct Walker {
    hierarchy: Hierarchy,
    options: WalkOptions,
    known: BTreeSet<String>,
    watch: Option<Watch>,
    walked: Option<Timestamp>,
}

impl Walker {
    pub fn new(hierarchy: Hierarchy, options: WalkOptions) -> Result<Self, InvalidGroup> {
        hierarchy.group(&options.prefix)?;
        let watch = if options.watches_max > 0 { Watch::new(options.watches_max) } else { None };
        Ok(Self { hierarchy, options, known: BTreeSet::new(), watch, walked: None })
    }

    pub fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// Groups known now.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether every directory is watched, so that changes show at the next poll.
    pub fn is_watching(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::is_complete)
    }

    /// Walks when a watch reports a change or the interval has passed; the first call always
    /// walks. `None` when there was no reason to.
    pub fn poll(&mut self, now: Timestamp) -> Option<Changes> {
        let changed = self.watch.as_mut().is_some_and(Watch::drain);
        let due = self.walked.is_none_or(|walked| {
            let next = walked.saturating_add(self.options.rewalk_every);
            now >= next || now < walked
        });
        if !changed && !due {
            return None;
        }
        self.walked = Some(now);
        Some(self.walk())
    }

    /// Takes a group for unknown, so that it appears again at the next walk, which is soon: for one
    /// that could not be read, and may have been made anew at the same path.
    pub fn forget(&mut self, path: &str) {
        if self.known.remove(path) {
            self.walked = None;
        }
    }

    fn walk(&mut self) -> Changes {
        let mut survey = Survey::default();
        if let Some(watch) = &mut self.watch {
            watch.begin();
        }
        let prefix = self.options.prefix.trim_matches('/');
        let path = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        for tree in self.hierarchy.trees() {
            let top = tree.join(prefix);
            // The prefix itself comes and goes in the directory above.
            if let (Some(watch), Some(above), false) =
                (self.watch.as_mut(), top.parent(), prefix.is_empty())
            {
                watch.add(above);
            }
            survey.visit(&top, &path, 0, self.watch.as_mut());
        }
        if let Some(watch) = &mut self.watch {
            watch.end();
        }
        let mut changes = Changes { dropped: survey.dropped, ..Changes::default() };
        let seen = survey.seen;
        for path in seen.difference(&self.known) {
            if let Ok(group) = self.hierarchy.group(path) {
                changes.appeared.push(Found { group, identity: classify(path) });
            }
        }
        changes.vanished = self.known.difference(&seen).cloned().collect();
        self.known = seen;
        changes
    }
}

/// One walk under way.
#[derive(Debug, Default)]
struct Survey {
    seen: BTreeSet<String>,
    dropped: usize,
}

impl Survey {
    /// Visits a directory and those in it. The watch is set before the directory is read, so that
    /// nothing made in between is missed.
    fn visit(&mut self, directory: &Path, path: &str, level: usize, mut watch: Option<&mut Watch>) {
        if let Some(watch) = watch.as_deref_mut() {
            watch.add(directory);
        }
        let Ok((names, unreadable)) = directories(directory) else { return };
        self.dropped += unreadable;
        let own = if path.is_empty() { "/" } else { path };
        if !self.seen.contains(own) {
            if self.seen.len() >= GROUPS_MAX {
                self.dropped += 1;
                return;
            }
            self.seen.insert(own.to_owned());
        }
        if level == LEVELS_MAX {
            self.dropped += names.len();
            return;
        }
        for name in names {
            let path = format!("{path}/{name}");
            self.visit(&directory.join(&name), &path, level + 1, watch.as_deref_mut());
        }
    }
}

#[cfg(test)]
mod tests;
