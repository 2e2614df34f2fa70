//! Tests of judgement, as scripts: each letter is an answer, and below it is what follows.

use proptest::prelude::*;

use super::*;
use crate::outcome::Class;

/// Answers: `+` success, `-` failure on the grid, `r` failure of a recheck, `?` unknown,
/// `n` a new run. What follows: `F` failed, `R` recovered, `.` nothing.
#[track_caller]
fn check(failure_threshold: u32, success_threshold: u32, answers: &str, expect: &str) {
    let mut judge = Judge::new(failure_threshold, success_threshold, false);
    assert_eq!(run(&mut judge, answers), expect, "for {answers}");
}

fn run(judge: &mut Judge, answers: &str) -> String {
    let mut said = String::new();
    for (second, answer) in (0..).zip(answers.chars()) {
        let now = Timestamp(second * 1000);
        let verdict = match answer {
            '+' => Verdict::Success,
            '-' | 'r' => Verdict::Failure(Class::Timeout),
            '?' => Verdict::Unknown,
            _ => {
                judge.new_run();
                said.push('.');
                continue;
            }
        };
        said.push(match judge.hear(verdict, answer != 'r', now).change {
            None => '.',
            Some(Change::Failed { .. }) => 'F',
            Some(Change::Recovered { .. }) => 'R',
        });
    }
    said
}

#[test]
fn thresholds_are_counted_in_a_row() {
    check(3, 1, "+--+--+---", ".........F");
    check(3, 1, "+---+---+", "...FR..FR");
    check(1, 1, "+-+-+", ".FRFR");
    check(2, 3, "+--++-++++", "..F.....R.");
}

#[test]
fn the_first_success_is_no_news_and_the_first_failures_are() {
    check(3, 1, "+++", "...");
    check(3, 1, "---+", "..FR");
    check(0, 0, "-+", "FR");
}

#[test]
fn failing_is_said_once() {
    check(2, 1, "+------", "..F....");
}

#[test]
fn what_is_unknown_changes_nothing() {
    check(3, 1, "+-?-?-", ".....F");
    check(3, 1, "???????", ".......");
    check(2, 2, "+--+?+", "..F..R");
}

#[test]
fn rechecks_count_once_it_was_well_but_not_while_it_starts() {
    check(3, 1, "+-rr", "...F");
    check(3, 1, "rrrrrrrr-r-", "...........");
    check(3, 1, "rr-rr-rr-", "........F");
    check(3, 1, "rrrr+-rr", ".......F");
}

#[test]
fn a_new_run_starts_afresh_and_its_first_success_is_news() {
    check(3, 1, "+--n--+", "......R");
    check(3, 1, "+---n+", "...F.R");
    check(3, 1, "+n+", "..R");
    check(3, 1, "+n---+", "....FR");
    check(3, 2, "+n++", "...R");
}

#[test]
fn a_known_failure_is_not_told_twice() {
    let mut judge = Judge::new(2, 1, true);
    assert_eq!(run(&mut judge, "---+"), "...R");
}

#[test]
fn numbers_are_those_of_the_row() {
    let mut judge = Judge::new(3, 1, false);
    let mut hear = |verdict, millis| judge.hear(verdict, true, Timestamp(millis)).change;
    let failure = Verdict::Failure(Class::Refused);
    hear(Verdict::Success, 0);
    hear(failure, 1000);
    hear(failure, 1250);
    let failed = hear(failure, 1500);
    assert_eq!(failed, Some(Change::Failed { failures: 3, first: Timestamp(1000) }));
    hear(failure, 2000);
    let recovered = hear(Verdict::Success, 9000);
    let failing_since = Some(Timestamp(1000));
    assert_eq!(recovered, Some(Change::Recovered { successes: 1, failing_since }));
}

#[test]
fn it_asks_again_soon_while_undecided() {
    let mut judge = Judge::new(3, 2, false);
    let mut recheck = |verdict| judge.hear(verdict, true, Timestamp(0)).recheck;
    let failure = Verdict::Failure(Class::Timeout);
    assert!(recheck(failure), "still starting");
    assert!(recheck(Verdict::Success), "one of two");
    assert!(!recheck(Verdict::Success), "well");
    assert!(recheck(failure), "a first failure");
    assert!(!recheck(Verdict::Unknown), "asking again will not help the prober");
    assert!(recheck(failure));
    assert!(!recheck(failure), "decided");
    assert!(!recheck(failure), "still");
    assert!(recheck(Verdict::Success), "perhaps recovering");
    assert!(!recheck(Verdict::Success), "recovered");
}

#[test]
fn flapping_makes_recovery_harder() {
    let mut judge = Judge::new(1, 1, false);
    assert_eq!(run(&mut judge, "+-+-+-+-+-+++"), ".FRFRFR".to_owned() + "F..." + ".R", "{judge:?}");
}

#[test]
fn old_flaps_are_forgotten() {
    let mut judge = Judge::new(1, 1, false);
    assert_eq!(run(&mut judge, "+-+-+-+"), ".FRFRFR");
    let later = Timestamp(0).saturating_add(FLAP_WINDOW * 2);
    let failed = judge.hear(Verdict::Failure(Class::Timeout), true, later);
    assert!(failed.change.is_some() && !failed.flapping);
    assert!(judge.hear(Verdict::Success, true, later).change.is_some());
}

proptest! {
    #[test]
    fn failures_and_recoveries_alternate(
        answers in "[+\\-r?n]{0,200}",
        failure_threshold in 0u32..5,
        success_threshold in 0u32..4,
        failing: bool,
    ) {
        let mut judge = Judge::new(failure_threshold, success_threshold, failing);
        let said = run(&mut judge, &answers);
        let mut last = if failing { 'F' } else { '.' };
        let mut announced = false;
        for (answer, said) in answers.chars().zip(said.chars()) {
            if answer == 'n' {
                (last, announced) = ('.', true);
            }
            match said {
                'F' => {
                    prop_assert_ne!(last, 'F');
                    prop_assert!(answer == '-' || answer == 'r');
                }
                'R' => {
                    prop_assert!(last == 'F' || (last == '.' && announced));
                    prop_assert_eq!(answer, '+');
                }
                _ => continue,
            }
            last = said;
        }
    }
}
