//! Notes are kept once each, and never more than so many.

use super::{NOTES_MAX, Note, Notes};
use crate::span::Span;

fn at(line: u32, column: u32) -> Span {
    Span { line, column, ..Span::default() }
}

fn non_counter(metric: impl Into<String>) -> Note {
    Note::PossibleNonCounter { metric: metric.into() }
}

#[test]
fn the_same_note_is_kept_once() {
    let mut notes = Notes::default();
    notes.add(non_counter("a"), at(1, 6));
    notes.add(Note::InvalidQuantile(1.5), at(2, 3));
    notes.add(non_counter("a"), at(1, 6));
    let (warnings, infos) = notes.into_texts();
    assert_eq!(
        warnings,
        ["PromQL warning: quantile value should be between 0 and 1, got 1.5 (2:3)"]
    );
    assert_eq!(
        infos,
        [
            "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"a\" (1:6)"
        ]
    );
}

#[test]
fn merging_is_like_adding() {
    let (mut left, mut right) = (Notes::default(), Notes::default());
    left.add(non_counter("a"), at(1, 1));
    right.add(non_counter("a"), at(1, 1));
    right.add(non_counter("b"), at(1, 9));
    left.merge(right);
    assert_eq!(left.into_texts().1.len(), 2);
}

#[test]
fn further_notes_are_counted() {
    let mut notes = Notes::default();
    for number in 0..NOTES_MAX + 7 {
        notes.add(non_counter(number.to_string()), at(1, 1));
    }
    let (warnings, infos) = notes.into_texts();
    assert_eq!(infos.len(), NOTES_MAX);
    assert_eq!(warnings, ["7 more annotations omitted"]);
}
