//! inotify on directories, reduced to one question: has any group come or gone?

use std::{
    collections::BTreeMap,
    mem::MaybeUninit,
    path::{Path, PathBuf},
};

use rustix::{
    fd::OwnedFd,
    fs::inotify::{self, CreateFlags, WatchFlags},
    io::Errno,
};

/// Events are read in pieces of this size.
const EVENT_BYTES: usize = 4096;
/// Events taken in one drain: a flood must not hold up the tick.
const EVENTS_MAX: usize = 16_384;

/// Watched directories of all trees.
#[derive(Debug)]
pub(super) struct Watch {
    descriptor: OwnedFd,
    watches_max: usize,
    /// Each with its number and the walk that last saw it. The kernel does not end a watch when a
    /// cgroup is removed, as it does for other directories, so that is done here.
    watched: BTreeMap<PathBuf, (i32, u64)>,
    walk: u64,
    /// Whether the last walk met a directory that could not be watched.
    refused: bool,
}

impl Watch {
    /// `None` when the kernel gives no inotify instance.
    pub(super) fn new(watches_max: usize) -> Option<Self> {
        let descriptor = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
        Some(Self { descriptor, watches_max, watched: BTreeMap::new(), walk: 0, refused: false })
    }

    /// To be called before a walk, which adds every directory there is.
    pub(super) fn begin(&mut self) {
        self.walk += 1;
        self.refused = false;
    }

    /// Watches a directory for groups made and removed in it. One that was removed and made again
    /// since the last walk is a new directory to the kernel, so each is set again in each walk.
    pub(super) fn add(&mut self, directory: &Path) {
        let full = self.watched.len() >= self.watches_max;
        let known = self.watched.get_mut(directory);
        if full && known.is_none() {
            self.refused = true;
            return;
        }
        let flags = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::ONLYDIR;
        match (inotify::add_watch(&self.descriptor, directory, flags), known) {
            (Ok(number), Some(known)) => {
                if known.0 != number {
                    forget(&self.descriptor, known.0);
                }
                *known = (number, self.walk);
            }
            (Ok(number), None) => {
                self.watched.insert(directory.to_path_buf(), (number, self.walk));
            }
            (Err(Errno::NOENT | Errno::NOTDIR), _) => {}
            (Err(_), _) => self.refused = true,
        }
    }

    /// To be called after a walk: ends the watches of directories that it did not meet.
    pub(super) fn end(&mut self) {
        let Self { descriptor, walk, watched, .. } = self;
        watched.retain(|_, (number, seen)| {
            let kept = seen == walk;
            if !kept {
                forget(descriptor, *number);
            }
            kept
        });
    }

    pub(super) fn is_complete(&self) -> bool {
        !self.refused
    }

    /// Whether anything happened since the last call.
    pub(super) fn drain(&mut self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); EVENT_BYTES];
        let mut events = inotify::Reader::new(&self.descriptor, &mut buffer);
        let mut changed = false;
        for _ in 0..EVENTS_MAX {
            match events.next() {
                Ok(event) => {
                    // Ending a watch is an event as well, but one of our own making.
                    changed |= !event.events().contains(inotify::ReadFlags::IGNORED);
                }
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        changed
    }
}

fn forget(descriptor: &OwnedFd, number: i32) {
    // Refused only when the kernel has ended the watch already.
    inotify::remove_watch(descriptor, number).unwrap_or_default();
}
