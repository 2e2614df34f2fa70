//! A mount that hangs, played by a thread that waits.

use std::{sync::Mutex, time::Duration};

use super::{Filesystems, HUNG_MAX, Space, is_wanted, statvfs};
use crate::parse::node::Mount;

const SPACE: Space = Space { size: 5, free: 4, available: 3, files: 2, files_free: 1 };
/// Held by the test for as long as `/hang` is to hang.
static SERVER: Mutex<()> = Mutex::new(());

fn mount(mountpoint: &str, fstype: &str) -> Mount {
    Mount {
        device: "server:/export".to_owned(),
        mountpoint: mountpoint.to_owned(),
        fstype: fstype.to_owned(),
        read_only: false,
    }
}

fn hanging(place: &str) -> Option<Space> {
    if place.starts_with("/hang") {
        drop(SERVER.lock());
    }
    Some(SPACE)
}

#[test]
fn a_mount_that_hangs_delays_one_write_and_no_more() {
    let mut filesystems =
        Filesystems { ask: hanging, patience: Duration::from_millis(1), hung: Vec::new() };
    let mounts = || vec![mount("/hang", "nfs"), mount("/home", "ext4")];
    let gone = SERVER.lock().expect("no other holds it");
    assert_eq!(filesystems.ask(mounts()), [(mount("/hang", "nfs"), None)], "it has begun to hang");
    filesystems.patience = Duration::from_secs(600);
    let expect = [(mount("/hang", "nfs"), None), (mount("/home", "ext4"), Some(SPACE))];
    assert_eq!(filesystems.ask(mounts()), expect, "the other is asked alone");
    drop(gone);
    let (_, back) = &filesystems.hung[0];
    while !back.load(std::sync::atomic::Ordering::Acquire) {
        std::thread::yield_now();
    }
    let whole = [(mount("/hang", "nfs"), Some(SPACE)), (mount("/home", "ext4"), Some(SPACE))];
    assert_eq!(filesystems.ask(mounts()), whole, "it is back");
    // Threads that hang are bounded.
    let gone = SERVER.lock().expect("no other holds it");
    filesystems.patience = Duration::from_millis(1);
    for number in 0..HUNG_MAX {
        filesystems.ask(vec![mount(&format!("/hang{number}"), "nfs")]);
    }
    assert_eq!(filesystems.hung.len(), HUNG_MAX);
    assert_eq!(filesystems.ask(vec![mount("/home", "ext4")]), [(mount("/home", "ext4"), None)]);
    assert_eq!(filesystems.hung.len(), HUNG_MAX);
    drop(gone);
}

#[test]
fn what_is_told_of() {
    for (mountpoint, fstype, wanted) in [
        ("/", "ext4", true),
        ("/run", "tmpfs", true),
        ("/device", "xfs", true),
        ("/dev/shm", "tmpfs", false),
        ("/sys", "sysfs", false),
        ("/var/lib/docker/overlay2/a/merged", "ext4", false),
        ("/x", "overlay", false),
    ] {
        assert_eq!(is_wanted(&mount(mountpoint, fstype)), wanted, "{mountpoint} {fstype}");
    }
    assert!(statvfs("/").is_some_and(|space| space.free <= space.size));
    assert_eq!(statvfs("/nothing is here"), None);
}
