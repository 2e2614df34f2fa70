//! Tests of how trees grow, and of sums over processes that come and go.

use proptest::prelude::*;

use super::{
    account::{Account, Change},
    table::ProcessTable,
};
use crate::parse::process::Stat;

fn process(pid: u32, parent: u32, group: u32) -> Stat {
    Stat { pid, parent, group, session: 1, start_ticks: u64::from(pid), ..Stat::default() }
}

fn pids(found: &[Stat]) -> Vec<u32> {
    found.iter().map(|process| process.pid).collect()
}

#[test]
fn a_tree_grows_by_children_group_and_session() {
    let table = ProcessTable::of(vec![
        process(1, 0, 1),
        process(10, 1, 10),
        process(5, 10, 10), // a child with a lower number, as after a wrap
        process(20, 5, 10), // its child
        process(30, 1, 10), // lost its parent, kept the group
        process(40, 1, 40), // a stranger
        process(50, 40, 40),
        Stat { session: 10, ..process(60, 1, 60) }, // a job of the root's session
    ]);
    let found = table.grow(10, &[(10, 10)]);
    let mut sorted = pids(&found);
    sorted.sort_unstable();
    assert_eq!(sorted, [5, 20, 30, 60]);
    let place = |pid| pids(&found).iter().position(|found| *found == pid);
    assert!(place(5) < place(20), "parents stand before children");
    let known = [(10, 10), (5, 5), (20, 20), (30, 30), (60, 60)];
    assert_eq!(pids(&table.grow(10, &known)), [] as [u32; 0]);
}

#[test]
fn another_process_under_the_same_number_has_no_children_here() {
    let table = ProcessTable::of(vec![process(10, 1, 10), process(20, 7, 7), process(30, 20, 7)]);
    assert_eq!(pids(&table.grow(10, &[(10, 10), (20, 19)])), [] as [u32; 0]);
    assert_eq!(pids(&table.grow(10, &[(10, 10), (20, 20)])), [30]);
}

#[test]
fn what_an_ended_child_used_is_counted_once() {
    let mut account = Account::default();
    let mut apply = |own, children, ended| {
        account.apply(Change { own, children, ended });
        account.total()
    };
    assert_eq!(apply(10, 0, 0), 10, "the child has used 10");
    assert_eq!(apply(2, 13, 10), 15, "it ended with 13, which its parent has now");
    assert_eq!(apply(5, 0, 0), 20);
    assert_eq!(apply(0, 0, 5), 20, "an end that no parent shows yet");
    assert_eq!(apply(0, 6, 0), 21, "one read later it does");
    assert_eq!(apply(4, 0, 0), 25);
    assert_eq!(apply(0, 0, 4), 25, "an end that no parent will ever show");
    assert_eq!(apply(0, 0, 0), 25);
    assert_eq!(apply(0, 3, 0), 28, "another child's time is not taken for it");
    assert_eq!(apply(u64::MAX, 1, 0), u64::MAX);
}

/// A parent with one child at a time, which starts, works, ends and is waited for at random.
#[derive(Clone, Copy, Debug)]
enum Event {
    ChildWorks(u8),
    ChildEnds,
    Read,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        any::<u8>().prop_map(Event::ChildWorks),
        Just(Event::ChildEnds),
        Just(Event::Read),
    ];
    prop::collection::vec(event, 0..200)
}

proptest! {
    #[test]
    fn the_sum_is_what_was_used_and_never_falls(events in events()) {
        let mut account = Account::default();
        // Used by ended children, by the living child, and what was counted of each.
        let (mut ended, mut alive, mut counted_ended, mut counted_alive) = (0u64, 0u64, 0u64, 0u64);
        // Counted of children that have ended since the last read.
        let mut gone = 0;
        let mut last = 0;
        for event in events {
            match event {
                Event::ChildWorks(time) => alive += u64::from(time),
                Event::ChildEnds => {
                    ended += alive;
                    gone += counted_alive;
                    (alive, counted_alive) = (0, 0);
                }
                Event::Read => {
                    account.apply(Change {
                        own: alive - counted_alive,
                        children: ended - counted_ended,
                        ended: gone,
                    });
                    (counted_alive, counted_ended, gone) = (alive, ended, 0);
                    prop_assert!(account.total() >= last);
                    prop_assert_eq!(account.total(), ended + alive);
                    last = account.total();
                }
            }
        }
    }
}
