//! Tests of owners' names and of who counts as dead.

use super::*;

#[test]
fn name_and_owner_are_one_to_one() {
    let owner = Owner { namespace: 4_026_531_836, pid: 42, started: 9_000, number: 3 };
    assert_eq!(owner.directory(), "tidewatch-4026531836-42-9000-3");
    assert_eq!(Owner::parse(&owner.directory()), Some(owner));
}

#[test]
fn foreign_names_have_no_owner() {
    for name in ["", "tidewatch", "tidewatch-", "tidewatch-1-2-3", "tidewatch-1-2-3-4-5", "docker"]
    {
        assert_eq!(Owner::parse(name), None, "{name}");
    }
    assert_eq!(Owner::parse("tidewatch-1-two-3-4"), None);
}

#[test]
fn start_time_is_found_behind_any_command_name() {
    let fields = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
    assert_eq!(start_time_of(&format!("7 (sh) {fields}")), Some(4711));
    assert_eq!(start_time_of(&format!("7 (a) R 1 (b) {fields}")), Some(4711));
    assert_eq!(start_time_of("7 (sh) S 1 2"), None);
    assert_eq!(start_time_of(""), None);
}

#[test]
fn only_the_certainly_dead_are_dead() {
    let me = Owner::current(0).unwrap();
    assert!(!me.is_dead(me));
    assert!(!Owner { number: 9, ..me }.is_dead(me), "another supervisor of this process");
    let parent = std::os::unix::process::parent_id();
    let started = start_time(parent).unwrap();
    let alive = Owner { pid: parent, started, ..me };
    assert!(!alive.is_dead(me));
    assert!(Owner { started: started + 1, ..alive }.is_dead(me), "its id was reused");
    let no_such_process = Owner { pid: u32::MAX, ..me };
    assert!(no_such_process.is_dead(me));
    assert!(
        !Owner { namespace: me.namespace + 1, ..no_such_process }.is_dead(me),
        "not ours to judge"
    );
}
