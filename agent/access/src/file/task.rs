//! Looks at files when the kernel says that something happened beside them, and now and then anyway.

use std::{collections::BTreeSet, io, mem::MaybeUninit, path::Path, time::Duration};

use daemon::stop::Stop;
use rustix::{
    fd::OwnedFd,
    fs::inotify::{self, CreateFlags, WatchFlags},
};
use tokio::{io::unix::AsyncFd, time::Instant};

use super::Follower;
use crate::intake::Intake;

/// Without news, files are looked at this often.
const POLL: Duration = Duration::from_secs(1);
/// After a look, so long nothing is looked at: a busy log is read in larger pieces.
const SETTLE: Duration = Duration::from_millis(50);
const EVENT_BYTES: usize = 4096;

/// Followers with where they count.
type Files = Vec<(Follower, Intake)>;

/// Follows all files until `stop`.
pub(crate) async fn follow(mut files: Files, stop: Stop) {
    let watch = watch(&files).inspect_err(|error| {
        tracing::warn!(%error, "access logs are looked at every {POLL:?} only");
    });
    let watch = watch.ok();
    let begin = Instant::now();
    loop {
        let now = begin.elapsed();
        let looked = tokio::task::spawn_blocking(move || {
            let more = look(&mut files, now);
            (files, more)
        });
        let more;
        (files, more) = match looked.await {
            Ok(looked) => looked,
            Err(error) => {
                // Requests that are no longer counted must not look like no requests.
                tracing::error!(%error, "following access logs failed; the agent stops");
                return stop.stop();
            }
        };
        if more && !stop.is_stopping() {
            continue;
        }
        tokio::select! {
            () = stop.stopped() => return,
            () = tokio::time::sleep(POLL) => {}
            () = news(watch.as_ref()) => tokio::time::sleep(SETTLE).await,
        }
    }
}

/// Reads once from each file, so that none waits for another. Returns whether there is more.
fn look(files: &mut Files, now: Duration) -> bool {
    let (mut buffer, mut more) = (Vec::new(), false);
    for (follower, intake) in files {
        match follower.pump(now, &mut buffer, &mut |piece| intake.piece(piece)) {
            Ok(rest) => more |= rest,
            Err(error) => {
                let path = follower.path().display();
                tracing::warn!(%error, %path, "cannot read an access log");
            }
        }
    }
    more
}

#[expect(
    deprecated,
    reason = "sound for an owned descriptor; the replacement is an unsafe function"
)]
fn watch(files: &Files) -> io::Result<AsyncFd<OwnedFd>> {
    let descriptor = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let dirs: BTreeSet<&Path> = files.iter().filter_map(|(file, _)| file.path().parent()).collect();
    for dir in dirs {
        let flags = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO;
        inotify::add_watch(&descriptor, dir, flags | WatchFlags::ONLYDIR)?;
    }
    AsyncFd::new(descriptor)
}

/// Returns once something happened beside a file.
async fn news(watch: Option<&AsyncFd<OwnedFd>>) {
    let Some(watch) = watch else { return std::future::pending().await };
    match watch.readable().await {
        Ok(mut ready) => {
            let mut buffer = [MaybeUninit::uninit(); EVENT_BYTES];
            let mut events = inotify::Reader::new(watch.get_ref(), &mut buffer);
            while events.next().is_ok() {}
            ready.clear_ready();
        }
        Err(_) => std::future::pending().await,
    }
}
