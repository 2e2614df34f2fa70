//! A full disk: writes are refused and said to be, queries answer, and all is well again once there
//! is room, without a restart.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use e2e::{
    peers,
    process::{free_port, wait_until},
    server::{ACME, Server, client},
    write::{batch, now, send},
};
use wire::remote_write::Version;

/// A small file system in memory, unmounted when dropped.
struct Small(PathBuf);

impl Small {
    /// `None` where mounting is not permitted.
    fn mount(mib: u32) -> Option<Self> {
        let dir = tempfile::tempdir().expect("is created").keep();
        let options = format!("size={mib}m");
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(&dir)
            .status()
            .expect("mount runs");
        let small = Self(dir);
        status.success().then_some(small)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
        drop(std::fs::remove_dir(&self.0));
    }
}

fn fill(path: &Path, mib: usize) {
    std::fs::write(path, vec![0; mib << 20]).expect("fits");
}

#[test]
fn a_full_disk_refuses_writes_and_recovers_by_itself() {
    if peers::left_out("a small file system to fill") {
        return;
    }
    let small = Small::mount(400).expect("may mount a file system: run as root");
    let dir = tempfile::tempdir_in(&small.0).expect("is created");
    let server = Server::start_in(dir, free_port(), "");
    let write = |value: f64| {
        let batch = batch(&[("__name__", "kept")], &[(now(), value)]);
        send(&server, ACME, Version::V2, &batch).status().as_u16()
    };
    assert_eq!(write(1.0), 204);

    let filler = small.0.join("filler");
    fill(&filler, 250);
    let refused = wait_until("writes to be refused", || (write(2.0) == 503).then_some(()));
    assert!(refused.is_some(), "a full disk takes writes");
    assert!(server.value(ACME, "kept").is_some(), "queries answer while the disk is full");
    let metrics =
        client().get(server.url("/metrics")).send().expect("answers").text().expect("is text");
    assert!(metrics.contains("tsdb_disk_full 1"), "the metric says so");

    std::fs::remove_file(&filler).expect("is removed");
    let taken = wait_until("writes to be taken again", || (write(3.0) == 204).then_some(()));
    assert!(taken.is_some(), "there is room and writes are still refused");
    assert_eq!(server.value(ACME, "kept").as_deref(), Some("3"));
}
