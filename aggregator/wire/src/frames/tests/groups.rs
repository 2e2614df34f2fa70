//! Tests of what is registered, kept and dropped.

use model::{
    columns::stale_nan,
    write::{Sample, WriteBatch},
};

use super::{Link, TIME, floats, tick};

#[test]
fn a_group_is_registered_once() {
    let mut link = Link::default();
    let series = ["t/a/x", "t/a/y", "t/b/x", "u/b/x"];
    assert_eq!(
        link.log(&tick(0, &series)),
        "group 0 of 2, group 1 of 1, group 2 of 1, frame 0, frame 1, frame 2"
    );
    for number in 1..4 {
        let batch = tick(number, &series);
        let (samples, rest, stats) = link.send(&batch);
        assert_eq!(samples, floats(&batch));
        assert!(rest.is_empty());
        assert_eq!((stats.groups_registered, stats.groups_dropped), (0, 0));
        assert_eq!(link.receiver.log.join(", "), "frame 0, frame 1, frame 2");
    }
    // In another order it is the same groups.
    let batch = tick(4, &["u/b/x", "t/b/x", "t/a/y", "t/a/x"]);
    assert_eq!(link.send(&batch).0, floats(&batch));
    assert_eq!(link.receiver.log.join(", "), "frame 2, frame 1, frame 0");
}

#[test]
fn a_change_of_one_app_leaves_the_others_alone() {
    let mut link = Link::default();
    link.log(&tick(0, &["t/a/x", "t/b/x", "t/c/x"]));
    // One starts amid the others, and one gains a series.
    assert_eq!(
        link.log(&tick(1, &["t/a/x", "t/n/x", "t/n/y", "t/b/x", "t/b/z", "t/c/x"])),
        "group 3 of 2, group 4 of 1, frame 0, frame 1, frame 2, frame 3, frame 4"
    );
    // One loses a series.
    assert_eq!(
        link.log(&tick(2, &["t/a/x", "t/n/y", "t/b/x", "t/b/z", "t/c/x"])),
        "drop 3, group 3 of 1, frame 0, frame 1, frame 4, frame 2, frame 3"
    );
}

/// An agent reads some files each tick and the rest only each tenth.
#[test]
fn what_comes_rarely_has_a_group_of_its_own() {
    let mut link = Link::default();
    let (fast, full) = (["t/a/x", "t/b/x"], ["t/a/x", "t/a/slow", "t/b/x", "t/b/slow"]);
    link.log(&tick(0, &full));
    let parted = link.log(&tick(1, &fast));
    assert_eq!(parted, "drop 0, drop 1, group 1 of 1, group 0 of 1, frame 1, frame 0");
    link.log(&tick(2, &full));
    for number in 3..40 {
        let batch = if number % 10 == 0 { tick(number, &full) } else { tick(number, &fast) };
        let (samples, _, stats) = link.send(&batch);
        assert_eq!(samples, floats(&batch));
        assert_eq!((stats.groups_registered, stats.groups_dropped), (0, 0), "tick {number}");
    }
}

#[test]
fn a_group_that_stays_silent_is_dropped() {
    let mut link = Link::default();
    link.log(&tick(0, &["t/a/x", "t/b/x"]));
    let mut silent = 0;
    while link.log(&tick(silent + 1, &["t/a/x"])) == "frame 0" {
        silent += 1;
        assert!(silent < 1000, "never dropped");
    }
    assert_eq!(silent, 600, "ten minutes, a tick each second");
    assert_eq!(link.receiver.log.join(", "), "drop 1, frame 0");
    assert_eq!(link.receiver.rows.len(), 1);
    // It comes back, under the number that is free.
    assert_eq!(link.log(&tick(700, &["t/a/x", "t/b/x"])), "group 1 of 1, frame 0, frame 1");
}

/// Each scrape is a body of its own, so how many there are says nothing of the time.
#[test]
fn many_bodies_at_a_time_drop_nothing() {
    let names: Vec<_> = (0..300).map(|number| format!("t/a{number}/x")).collect();
    let mut link = Link::default();
    for round in 0..20 {
        for (number, name) in names.iter().enumerate() {
            let log = link.log(&tick(round * 15, &[name]));
            let registers =
                if round == 0 { format!("group {number} of 1, ") } else { String::new() };
            assert_eq!(log, format!("{registers}frame {number}"), "round {round}");
        }
    }
}

/// However long a group was silent, what comes for it is sent.
#[test]
fn a_group_is_not_dropped_with_the_body_that_it_has_a_frame_in() {
    for silent in (100..160).chain(590..620) {
        let mut link = Link::default();
        link.log(&tick(0, &["t/a/x"]));
        for number in 0..silent {
            link.log(&tick(number + 1, &["t/b/x"]));
        }
        let batch = tick(silent + 1, &["t/a/x"]);
        assert_eq!(link.send(&batch).0, floats(&batch), "after {silent}");
    }
    // The only one there is, after a day.
    let mut link = Link::default();
    link.log(&tick(0, &["t/a/x"]));
    assert_eq!(link.log(&tick(86_400, &["t/a/x"])), "frame 0");
}

/// A target with a clock of its own neither keeps nor drops the groups of others.
#[test]
fn times_that_are_far_off_change_little() {
    let mut link = Link::default();
    for number in 0..400 {
        // A day behind, and years ahead.
        link.log(&tick(number * 15 - 86_400, &["t/late/x"]));
        link.log(&tick(number * 15 + 1_000_000_000, &["t/early/x"]));
        let log = link.log(&tick(number * 15, &["t/a/x", "t/b/x"]));
        assert_eq!(log.contains("group"), number == 0, "{number}: {log}");
    }
    // One time amiss is forgotten, so that what is silent is dropped as before.
    let mut link = Link::default();
    link.log(&tick(0, &["t/a/x", "t/b/x"]));
    link.log(&tick(i64::from(i32::MAX), &["t/a/x"]));
    link.log(&tick(500, &["t/a/x"]));
    assert_eq!(link.receiver.rows.len(), 2);
    link.log(&tick(700, &["t/a/x"]));
    assert_eq!(link.receiver.log.join(", "), "drop 1, frame 0");
}

#[test]
fn a_group_that_ends_is_dropped_at_once() {
    let mut link = Link::default();
    link.log(&tick(0, &["t/a/x", "t/a/y", "t/b/x"]));
    let mut batch = WriteBatch::default();
    for (app, metric) in [("a", "x"), ("a", "y"), ("b", "x")] {
        batch
            .begin_series(&mut [("__name__", metric), ("app", app), ("tenant", "t")])
            .expect("is valid");
        let value = if app == "a" { stale_nan() } else { 1.0 };
        batch.push_sample(Sample { time: TIME + 1000, value, start: 0 });
    }
    assert_eq!(link.send(&batch).0, floats(&batch));
    assert_eq!(link.receiver.log.join(", "), "frame 0, frame 1, drop 0");
}

#[test]
fn a_group_is_never_larger_than_its_limit() {
    let names: Vec<_> = (0..2500).map(|number| format!("t/a/m{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut link = Link::default();
    assert!(
        link.log(&tick(0, &names)).starts_with("group 0 of 1024, group 1 of 1024, group 2 of 452,")
    );
    // One more at the front changes none of them.
    let more: Vec<_> = std::iter::once("t/a/first").chain(names).collect();
    let batch = tick(1, &more);
    assert_eq!(link.send(&batch).0, floats(&batch));
    assert_eq!(link.receiver.log.join(", "), "group 3 of 1, frame 0, frame 1, frame 2, frame 3");
}

#[test]
fn samples_of_several_times_are_frames_of_several_groups() {
    let mut link = Link::default();
    for number in 0..3 {
        let mut batch = WriteBatch::default();
        for (metric, late) in [("x", 0), ("y", 0), ("probe", 37), ("z", 0)] {
            batch
                .begin_series(&mut [("__name__", metric), ("app", "a"), ("tenant", "t")])
                .expect("is valid");
            let time = TIME + number * 1000 + late;
            batch.push_sample(Sample { time, value: number as f64, start: 0 });
        }
        assert_eq!(link.send(&batch).0, floats(&batch));
        assert_eq!(link.receiver.rows.len(), 3);
        assert_eq!(link.receiver.log.len(), if number == 0 { 6 } else { 3 });
    }
}

#[test]
fn a_new_epoch_registers_everything_again() {
    let mut link = Link::default();
    link.log(&tick(0, &["t/a/x"]));
    link.log(&tick(1, &["t/a/x"]));
    assert_eq!(link.encoder.sequence(), 2);
    link.encoder.reset(8);
    link.receiver = super::Receiver::default();
    assert_eq!(link.log(&tick(2, &["t/a/x"])), "group 0 of 1, frame 0");
    let body = super::Body::read(&link.body).expect("is read");
    assert_eq!((body.epoch, body.sequence), (8, 1));
}

/// The same batches give the same bytes.
#[test]
fn bodies_depend_on_nothing_but_batches() {
    let (mut one, mut other) = (Link::default(), Link::default());
    let names: Vec<_> =
        (0..300).map(|number| format!("t{}/a{}/m{number}", number % 3, number % 7)).collect();
    for number in 0..20 {
        let some = names.iter().enumerate().filter(|(index, _)| (index + number) % 5 != 0);
        let some: Vec<_> = some.map(|(_, name)| name.as_str()).collect();
        let batch = tick(number as i64, &some);
        one.send(&batch);
        other.send(&batch);
        assert_eq!(one.body, other.body);
    }
}
