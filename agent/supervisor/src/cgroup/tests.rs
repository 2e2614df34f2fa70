//! Tests of names; the directories themselves are tested on real processes.

use super::*;

#[test]
fn components_stay_in_their_directory() {
    let check = |text: &str, expect: &str| assert_eq!(component(text, 8), expect);
    check("shop-0", "shop-0");
    check("../../x", ".._.._x");
    check("a/b c", "a_b_c");
    check("größe", "gr__e");
    check("0123456789", "01234567");
}

#[test]
fn counters_are_found_by_their_whole_name() {
    let text = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
    assert_eq!(file::counter(text, "oom_kill"), Some(3));
    assert_eq!(file::counter(text, "oom"), None);
    assert_eq!(file::counter("oom_kill x", "oom_kill"), None);
}
