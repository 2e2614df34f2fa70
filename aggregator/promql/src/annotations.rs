//! Warnings and infos about a result, worded as Prometheus words them.
//!
//! The same message arises at many steps and series; it is kept once, with the place where it
//! arose last.

mod message;

use std::collections::HashMap;

use crate::span::Span;

pub(crate) use message::{Fixed, HistogramOp, Note};

/// Most different notes that one query keeps; further ones are counted.
const NOTES_MAX: usize = 1000;

/// Notes in order of their first appearance.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    entries: Vec<Entry>,
    /// Places in `entries` by the note's key.
    known: HashMap<String, usize>,
    omitted: u64,
}

#[derive(Debug)]
struct Entry {
    note: Note,
    span: Span,
}

impl Notes {
    pub(crate) fn add(&mut self, note: Note, span: Span) {
        let key = note.key();
        if let Some(entry) = self.known.get(&key).and_then(|at| self.entries.get_mut(*at)) {
            entry.note.merge(note);
            entry.span = span;
        } else if self.entries.len() < NOTES_MAX {
            self.known.insert(key, self.entries.len());
            self.entries.push(Entry { note, span });
        } else {
            self.omitted += 1;
        }
    }

    /// Takes over the notes of a part that was evaluated on its own.
    pub(crate) fn merge(&mut self, other: Self) {
        for entry in other.entries {
            self.add(entry.note, entry.span);
        }
        self.omitted += other.omitted;
    }

    /// Warnings and infos.
    pub(crate) fn into_texts(self) -> (Vec<String>, Vec<String>) {
        let (mut warnings, mut infos) = (Vec::new(), Vec::new());
        for Entry { note, span } in self.entries {
            let list = if note.is_warning() { &mut warnings } else { &mut infos };
            list.push(note.text(span));
        }
        if self.omitted > 0 {
            warnings.push(format!("{} more annotations omitted", self.omitted));
        }
        (warnings, infos)
    }
}

#[cfg(test)]
mod tests;
