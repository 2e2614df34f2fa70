//! Tests that every line is read once, through rotations, cuts and restarts.

#![expect(clippy::disallowed_methods, reason = "the tests make the files that are followed")]

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use proptest::prelude::*;
use tempfile::TempDir;

use super::{Follower, GENERATIONS_MAX, QUIET};
use crate::{intake::LINE_SPACE, kept::KeptFile};

/// A log, who follows it, and the lines that came.
struct Log {
    dir: TempDir,
    follower: Follower,
    lines: Vec<String>,
    kept: KeptFile,
    too_long: u64,
    truncated: u64,
    lost_files: u64,
    now: Duration,
}

impl Log {
    /// With these lines in it before anyone looked.
    fn new(before: &str) -> Self {
        let dir = tempfile::tempdir().expect("is made");
        let path = dir.path().join("access.log");
        if !before.is_empty() {
            fs::write(&path, before).expect("is written");
        }
        let follower = Follower::new(&path, None);
        let (kept, now) = (follower.kept(), Duration::ZERO);
        let (lines, too_long, truncated, lost_files) = (Vec::new(), 0, 0, 0);
        Self { dir, follower, lines, kept, too_long, truncated, lost_files, now }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("access.log")
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.dir.path().join(format!("access.log{ending}"))
    }

    fn write(&self, text: &str) {
        append(&self.path(), text);
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.beside(from), self.beside(to)).expect("is renamed");
    }

    fn copy_and_cut(&self, to: &str) {
        fs::copy(self.path(), self.beside(to)).expect("is copied");
        OpenOptions::new().write(true).truncate(true).open(self.path()).expect("is cut");
    }

    fn pump(&mut self) {
        let Self { follower, lines, kept, too_long, truncated, lost_files, now, .. } = self;
        *now += Duration::from_secs(1);
        let mut buffer = Vec::new();
        let mut each = |piece: &crate::intake::Piece<'_>| {
            let text = std::str::from_utf8(piece.text).expect("is text");
            lines.extend(text.lines().map(str::to_owned));
            kept.marks = piece.marks.to_vec();
            *too_long += piece.too_long;
            *truncated += piece.truncated;
            *lost_files += piece.lost_files;
        };
        while follower.pump(*now, &mut buffer, &mut each).expect("is readable") {}
    }

    fn restart(&mut self) {
        let kept = serde_json::to_string(&self.kept).expect("is JSON");
        let kept = serde_json::from_str(&kept).expect("is JSON");
        self.follower = Follower::new(&self.path(), Some(&kept));
    }

    #[track_caller]
    fn expect(&mut self, lines: &[&str]) {
        self.pump();
        assert_eq!(std::mem::take(&mut self.lines), lines);
    }
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("opens");
    file.write_all(text.as_bytes()).expect("is written");
}

#[test]
fn what_was_there_before_is_not_counted() {
    let mut log = Log::new("old\nhalf");
    log.expect(&[]);
    log.write(" of it\nnew\n");
    log.expect(&["new"]);
    assert_eq!(log.too_long, 0);
    let mut log = Log::new("");
    log.expect(&[]);
    log.write("first\n");
    log.expect(&["first"]);
}

#[test]
fn lines_that_are_not_whole_wait() {
    let mut log = Log::new("");
    log.write("one\ntw");
    log.expect(&["one"]);
    log.expect(&[]);
    log.restart();
    log.write("o\nthree\n");
    log.expect(&["two", "three"]);
}

#[test]
fn a_renamed_log_is_read_to_its_end() {
    let mut log = Log::new("");
    log.write("a\n");
    log.expect(&["a"]);
    log.write("b\n");
    log.rename("", ".1");
    log.expect(&["b"]);
    log.write("d\n");
    // The writer has not opened the new one yet.
    append(&log.beside(".1"), "c\n");
    log.expect(&["c", "d"]);
    log.rename(".1", ".2");
    append(&log.beside(".2"), "e\n");
    log.expect(&["e"]);
    append(&log.beside(".2"), "f without an end");
    log.expect(&[]);
    log.now += QUIET;
    log.expect(&["f without an end"]);
    assert_eq!((log.kept.marks.len(), log.truncated, log.lost_files), (1, 0, 0));
}

#[test]
fn a_cut_log_is_found_in_its_copy() {
    let mut log = Log::new("");
    log.write("a\nb\n");
    log.expect(&["a", "b"]);
    log.write("c\n");
    log.copy_and_cut(".1");
    log.write("d\n");
    log.expect(&["c", "d"]);
    assert_eq!((log.truncated, log.lost_files), (1, 0));
    // Cut, and already longer than before.
    log.copy_and_cut(".1");
    log.write("this is more than what was there\n");
    log.expect(&["this is more than what was there"]);
    // Cut without a copy: what was not read by then is gone, and said to be.
    log.write("e\n");
    OpenOptions::new().write(true).truncate(true).open(log.path()).expect("is cut");
    log.write("f\n");
    log.expect(&["f"]);
    assert_eq!((log.truncated, log.lost_files), (3, 1));
}

#[test]
fn a_restart_goes_on_where_counting_ended() {
    for (rotate, expect) in [
        ((|_: &Log| ()) as fn(&Log), vec!["b", "c"]),
        (|log| log.rename("", ".1"), vec!["b", "c"]),
        (|log| log.copy_and_cut(".1"), vec!["b", "c"]),
        (
            |log| {
                log.rename("", ".1");
                log.write("between\n");
                let file = OpenOptions::new().write(true).open(log.path()).expect("opens");
                let later = SystemTime::now() + Duration::from_secs(1);
                file.set_modified(later).expect("is set");
                log.rename(".1", ".2");
                log.rename("", ".1");
            },
            vec!["b", "between", "c"],
        ),
    ] {
        let mut log = Log::new("before\n");
        append(&log.beside("-other"), "another log\n");
        log.write("a\n");
        log.expect(&["a"]);
        log.write("b\n");
        rotate(&log);
        append(&log.beside(".other"), "another log\n");
        log.restart();
        log.write("c\n");
        log.pump();
        log.lines.sort_by_key(|line| expect.iter().position(|known| line == known));
        assert_eq!(log.lines, expect);
        assert_eq!(log.lost_files, 0);
        log.lines.clear();
        log.restart();
        log.expect(&[]);
    }
}

#[test]
fn a_log_that_is_gone_is_told() {
    let mut log = Log::new("");
    log.write("a\n");
    log.expect(&["a"]);
    fs::remove_file(log.path()).expect("is removed");
    log.write("b\n");
    log.restart();
    log.expect(&["b"]);
    assert_eq!(log.lost_files, 1);
}

#[test]
fn long_lines_are_passed_over_and_counted() {
    let mut log = Log::new("");
    for length in [LINE_SPACE + 1, 300_000, 1_000_000] {
        log.write("before\n");
        log.write(&"x".repeat(length));
        log.pump();
        log.restart();
        log.write("rest\nafter\n");
        log.expect(&["before", "after"]);
    }
    assert_eq!(log.too_long, 3);
}

#[test]
fn renames_are_bounded() {
    let mut log = Log::new("");
    for number in 0..3 * GENERATIONS_MAX {
        log.write(&format!("{number}\n"));
        log.expect(&[&number.to_string()]);
        log.rename("", &format!(".{number}"));
    }
    assert_eq!(log.follower.generations.len(), GENERATIONS_MAX);
}

/// What happens to a log.
#[derive(Clone, Copy, Debug)]
enum Step {
    Write(usize),
    Rename,
    CopyAndCut,
    Look,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1usize..200).prop_map(Step::Write),
        1 => Just(Step::Rename),
        1 => Just(Step::CopyAndCut),
        3 => Just(Step::Look),
        2 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// One rotation between two looks: what nobody looked at for longer is another test's.
    #[test]
    fn every_line_is_read_once(steps in prop::collection::vec(step(), 1..40)) {
        let mut log = Log::new("before\n");
        let (mut written, mut rotations) = (Vec::new(), 0);
        log.write("first line\n");
        written.push("first line".to_owned());
        log.pump();
        for step in steps {
            match step {
                Step::Write(count) => {
                    for _ in 0..count {
                        let line = format!("line {} of this log, as long as lines are", written.len());
                        log.write(&format!("{line}\n"));
                        written.push(line);
                    }
                }
                Step::Rename | Step::CopyAndCut if log.path().exists() => {
                    let to = format!(".{rotations}");
                    for what in ["seen", "unseen"] {
                        let line = format!("{what} before rotation {rotations}");
                        log.write(&format!("{line}\n"));
                        written.push(line);
                        if what == "seen" {
                            log.pump();
                        }
                    }
                    if matches!(step, Step::Rename) { log.rename("", &to) } else { log.copy_and_cut(&to) }
                    rotations += 1;
                }
                Step::Rename | Step::CopyAndCut | Step::Look => log.pump(),
                Step::Restart => log.restart(),
            }
        }
        log.pump();
        log.lines.sort();
        written.sort();
        prop_assert_eq!(log.lines, written);
        prop_assert_eq!(log.lost_files, 0);
    }
}
