//! Tests with directories of our own: what is seen, when, and what survives a bad write.

use std::path::Path;

use model::time::Timestamp;

use super::{Census, RESCAN, RESCAN_UNWATCHED, Roots};

fn write(root: &Path, container: &str, sandbox: &str, pid: u32) {
    let text =
        format!(r#"{{"id": "{container}", "sandbox": {{"id": "{sandbox}", "pid": {pid}}}}}"#);
    put(root, container, sandbox, &text);
}

#[expect(clippy::disallowed_methods, reason = "what runsc would write")]
fn put(root: &Path, container: &str, sandbox: &str, text: &str) {
    std::fs::write(root.join(format!("{container}_sandbox:{sandbox}.state")), text)
        .expect("writes");
}

fn names(census: &Census) -> Vec<(&str, u32, usize)> {
    let sandboxes = census.sandboxes.values();
    sandboxes.map(|one| (one.id.as_str(), one.pid, one.containers.len())).collect()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp(i64::try_from(seconds * 1000).expect("fits"))
}

#[test]
fn changes_are_heard_of_and_silence_costs_nothing() {
    let (one, two) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
    write(one.path(), "s", "s", 7);
    write(one.path(), "a", "s", 7);
    let mut roots = Roots::new(vec![one.path().into(), two.path().into()]);
    let census = roots.poll(at(0)).expect("the first look");
    assert_eq!(names(&census), [("s", 7, 2)]);
    assert_eq!(roots.poll(at(1)), None);
    put(one.path(), "a", "s.lock", "");
    write(two.path(), "t", "t", 9);
    assert_eq!(names(&roots.poll(at(2)).expect("heard")), [("s", 7, 2), ("t", 9, 1)]);
    std::fs::remove_file(one.path().join("a_sandbox:s.state")).expect("removes");
    assert_eq!(names(&roots.poll(at(3)).expect("heard")), [("s", 7, 1), ("t", 9, 1)]);
    assert_eq!(roots.poll(at(3 + RESCAN.as_secs() - 1)), None);
    assert!(roots.poll(at(3 + RESCAN.as_secs())).is_some(), "a look now and then");
}

#[test]
fn a_root_that_is_not_there_yet_is_looked_for() {
    let dir = tempfile::tempdir().expect("dir");
    let root = dir.path().join("later");
    let mut roots = Roots::new(vec![root.clone()]);
    assert_eq!(names(&roots.poll(at(0)).expect("the first look")), []);
    std::fs::create_dir(&root).expect("makes");
    write(&root, "s", "s", 7);
    assert_eq!(roots.poll(at(1)), None);
    let census = roots.poll(at(RESCAN_UNWATCHED.as_secs())).expect("looks again");
    assert_eq!(names(&census), [("s", 7, 1)]);
}

#[test]
fn a_file_in_the_middle_of_being_written_keeps_what_it_said() {
    let dir = tempfile::tempdir().expect("dir");
    write(dir.path(), "s", "s", 7);
    let mut roots = Roots::new(vec![dir.path().into()]);
    roots.poll(at(0)).expect("the first look");
    put(dir.path(), "s", "s", "{\"id");
    let census = roots.poll(at(1)).expect("heard");
    assert_eq!((names(&census), census.malformed), (vec![("s", 7, 1)], 1));
    put(dir.path(), "s", "s", r#"{"id": "s", "status": "stopped", "sandbox": null}"#);
    let census = roots.poll(at(2)).expect("heard");
    assert_eq!((names(&census), census.malformed), (vec![], 0));
}
