//! inotify on the roots, reduced to one question: has any state file come, gone or changed?

use std::{mem::MaybeUninit, path::Path};

use rustix::{
    fd::OwnedFd,
    fs::inotify::{self, CreateFlags, WatchFlags},
    io::Errno,
};

/// Events are read in pieces of this size.
const EVENT_BYTES: usize = 4096;
/// Events taken in one drain: a flood must not hold up the tick.
const EVENTS_MAX: usize = 16_384;

#[derive(Debug)]
pub(super) struct Watch {
    descriptor: OwnedFd,
    /// Whether the last scan met a root that could not be watched.
    refused: bool,
}

impl Watch {
    /// `None` when the kernel gives no inotify instance.
    pub(super) fn new() -> Option<Self> {
        let descriptor = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
        Some(Self { descriptor, refused: false })
    }

    /// To be called before a scan, which adds every root.
    pub(super) fn begin(&mut self) {
        self.refused = false;
    }

    /// Watches a root; one that is watched already stays so, one made anew is watched again.
    pub(super) fn add(&mut self, root: &Path) {
        let flags = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::DELETE_SELF
            | WatchFlags::ONLYDIR;
        self.refused |= inotify::add_watch(&self.descriptor, root, flags).is_err();
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
                // Locks are opened for writing each time that runsc looks at a container.
                Ok(event) => {
                    let lock =
                        event.file_name().is_some_and(|name| name.to_bytes().ends_with(b".lock"));
                    changed |= !lock;
                }
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        changed
    }
}
