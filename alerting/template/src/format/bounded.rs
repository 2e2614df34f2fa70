//! A text that stops growing at a limit.

use std::fmt;

/// Takes what is pushed until it is past `most` bytes, and nothing after that: who gets a text
/// that is longer than the limit refuses it. It never takes more memory than the limit and the
/// few bytes of one character.
#[derive(Debug)]
pub struct Bounded {
    text: String,
    most: usize,
}

/// Longest character in bytes: what may stand behind the limit.
const CHARACTER_BYTES: usize = 4;

impl Bounded {
    pub fn new(most: usize) -> Self {
        Self { text: String::new(), most }
    }

    /// Whether it is past the limit.
    pub fn is_over(&self) -> bool {
        self.text.len() > self.most
    }

    /// Bytes up to the limit.
    pub fn room(&self) -> usize {
        self.most.saturating_sub(self.text.len())
    }

    pub fn push(&mut self, character: char) {
        self.push_str(character.encode_utf8(&mut [0; CHARACTER_BYTES]));
    }

    pub fn push_str(&mut self, text: &str) {
        if self.is_over() {
            return;
        }
        let end = text.ceil_char_boundary(self.room().saturating_add(1));
        self.reserve(end);
        self.text.push_str(text.get(..end).unwrap_or_default());
    }

    /// The same character `count` times.
    pub(super) fn fill(&mut self, character: char, count: usize) {
        if self.is_over() {
            return;
        }
        let count = count.min(self.room().saturating_add(1));
        self.reserve(count.saturating_mul(character.len_utf8()));
        for _ in 0..count {
            self.push(character);
        }
    }

    /// Doubles as strings do, but not past the limit.
    fn reserve(&mut self, more: usize) {
        let wanted = self.text.len().saturating_add(more);
        if wanted > self.text.capacity() {
            let most = self.most.saturating_add(CHARACTER_BYTES);
            let capacity = wanted.max(self.text.capacity().saturating_mul(2)).min(most);
            self.text.reserve_exact(capacity - self.text.len());
        }
    }

    pub fn into_string(self) -> String {
        self.text
    }
}

/// Fails once it is past the limit, so that formatting ends there.
impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        if self.is_over() { Err(fmt::Error) } else { Ok(()) }
    }
}
