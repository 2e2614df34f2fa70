//! Tests on a directory that looks like a cgroup tree.

use std::{
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use model::time::Timestamp;

use super::{Changes, LEVELS_MAX, WalkOptions, Walker};
use crate::hierarchy::{Hierarchy, InvalidGroup};

struct Tree {
    guard: tempfile::TempDir,
}

impl Tree {
    fn new(directories: &[&str]) -> Self {
        let tree = Self { guard: tempfile::tempdir().expect("there is room for a directory") };
        for directory in directories {
            tree.make(directory);
        }
        tree
    }

    fn path(&self, directory: &str) -> PathBuf {
        self.guard.path().join("cg").join(directory)
    }

    fn make(&self, directory: &str) {
        std::fs::create_dir_all(self.path(directory)).expect("can make a directory");
    }

    fn walker(&self, options: WalkOptions) -> Walker {
        let table = "cgroup2 /cg cgroup2 rw 0 0";
        let hierarchy = Hierarchy::from_mounts(table, self.guard.path()).expect("is mounted");
        Walker::new(hierarchy, options).expect("is a path")
    }
}

fn appeared(changes: &Changes) -> Vec<&str> {
    changes.appeared.iter().map(|found| found.group.path()).collect()
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn without_watches_changes_are_seen_at_the_interval() {
    let tree = Tree::new(&["a/b", "c"]);
    let mut walker =
        tree.walker(WalkOptions { watches_max: 0, rewalk_every: SECOND, ..WalkOptions::default() });
    let first = walker.poll(Timestamp(0)).expect("walks at once");
    assert_eq!(appeared(&first), ["/", "/a", "/a/b", "/c"]);
    assert!(!walker.is_watching());
    tree.make("d");
    std::fs::remove_dir(tree.path("a/b")).expect("can be removed");
    assert_eq!(walker.poll(Timestamp(999)), None);
    let second = walker.poll(Timestamp(1000)).expect("the interval has passed");
    assert_eq!(appeared(&second), ["/d"]);
    assert_eq!(second.vanished, ["/a/b"]);
    assert_eq!(walker.len(), 4);
    assert!(walker.poll(Timestamp(500)).is_some(), "a clock that went back does not stop it");
}

#[test]
fn watches_show_changes_at_once() {
    let tree = Tree::new(&["a"]);
    let mut walker = tree.walker(WalkOptions::default());
    assert!(walker.poll(Timestamp(0)).is_some());
    assert!(walker.is_watching());
    assert_eq!(walker.poll(Timestamp(1)), None);
    tree.make("a/b/c");
    let changes = walker.poll(Timestamp(2)).expect("something came");
    assert_eq!(appeared(&changes), ["/a/b", "/a/b/c"]);
    tree.make("a/b/c/d");
    let changes = walker.poll(Timestamp(3)).expect("also in what is new");
    assert_eq!(appeared(&changes), ["/a/b/c/d"]);
}

#[test]
fn too_few_watches_fall_back_to_the_interval() {
    let tree = Tree::new(&["a", "b", "c"]);
    let options = WalkOptions { watches_max: 2, rewalk_every: SECOND, ..WalkOptions::default() };
    let mut walker = tree.walker(options);
    assert_eq!(walker.poll(Timestamp(0)).expect("walks at once").appeared.len(), 4);
    assert!(!walker.is_watching());
    for directory in ["a", "b"] {
        std::fs::remove_dir(tree.path(directory)).expect("can be removed");
    }
    let changes = walker.poll(Timestamp(1000)).expect("the interval has passed");
    assert_eq!(changes.vanished, ["/a", "/b"]);
    assert!(walker.poll(Timestamp(2000)).expect("once more").is_empty());
    assert!(walker.is_watching(), "what is left can be watched");
}

#[test]
fn a_prefix_may_come_later() {
    let tree = Tree::new(&["other"]);
    let options = WalkOptions { prefix: "/kubepods/".to_owned(), ..WalkOptions::default() };
    let mut walker = tree.walker(options);
    assert_eq!(walker.poll(Timestamp(0)), Some(Changes::default()));
    tree.make("kubepods/pod1");
    let changes = walker.poll(Timestamp(1)).expect("it came");
    assert_eq!(appeared(&changes), ["/kubepods", "/kubepods/pod1"]);
}

#[test]
fn what_is_too_deep_or_unreadable_is_counted() {
    let deep = vec!["x"; LEVELS_MAX + 3].join("/");
    let tree = Tree::new(&[&deep]);
    let odd = Path::new(std::ffi::OsStr::from_bytes(b"\xff\xfe"));
    std::fs::create_dir(tree.path("").join(odd)).expect("can make a directory");
    let mut walker = tree.walker(WalkOptions::default());
    let changes = walker.poll(Timestamp(0)).expect("walks at once");
    assert_eq!(changes.appeared.len(), LEVELS_MAX + 1);
    assert_eq!(changes.dropped, 2);
}

#[test]
fn a_prefix_must_be_a_path() {
    let tree = Tree::new(&[]);
    let hierarchy =
        Hierarchy::from_mounts("cgroup2 /cg cgroup2 rw 0 0", tree.guard.path()).expect("is one");
    let options = WalkOptions { prefix: "../etc".to_owned(), ..WalkOptions::default() };
    assert_eq!(Walker::new(hierarchy, options).map(|_| ()).unwrap_err(), InvalidGroup);
}
