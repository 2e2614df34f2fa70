//! The first of many texts.

use std::collections::BTreeSet;

/// Collects texts, each once, and keeps those that come first in order.
#[derive(Debug)]
pub(super) struct Least {
    limit: usize,
    texts: BTreeSet<String>,
}

impl Least {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, texts: BTreeSet::new() }
    }

    pub(super) fn add(&mut self, text: &str) {
        let is_full = self.texts.len() >= self.limit;
        if is_full && self.texts.last().is_none_or(|last| last.as_str() <= text) {
            return;
        }
        if !self.texts.contains(text) {
            self.texts.insert(text.to_owned());
            if is_full {
                self.texts.pop_last();
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub(super) fn finish(self) -> Vec<String> {
        self.texts.into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
