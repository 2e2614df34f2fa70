//! Walks over the characters of a query and keeps count of lines.

use crate::span::Span;

#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    source: &'a str,
    /// Start of the current token.
    start: usize,
    /// Next character.
    position: usize,
    /// Width of the last character read.
    width: usize,
    /// Line of `start`, and where it begins.
    line: u32,
    line_start: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self { source, start: 0, position: 0, width: 0, line: 1, line_start: 0 }
    }

    fn rest(&self) -> &'a str {
        self.source.get(self.position..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.width = next.map_or(0, char::len_utf8);
        self.position += self.width;
        next
    }

    /// Undoes the last [`Self::next`], once.
    pub(crate) fn back(&mut self) {
        self.position -= self.width;
        self.width = 0;
    }

    /// Reads one character of a set.
    pub(crate) fn accept(&mut self, set: &str) -> bool {
        let found = self.peek().is_some_and(|character| set.contains(character));
        if found {
            self.next();
        }
        found
    }

    pub(crate) fn skip_while(&mut self, mut wanted: impl FnMut(char) -> bool) {
        while self.peek().is_some_and(&mut wanted) {
            self.next();
        }
    }

    /// Skips spaces and starts the next token after them.
    pub(crate) fn skip_spaces(&mut self) {
        self.skip_while(is_space);
        self.take();
    }

    /// Skips a comment.
    pub(crate) fn skip_line(&mut self) {
        self.skip_while(|character| character != '\n' && character != '\r');
        self.take();
    }

    /// The text read since the start of the token.
    pub(crate) fn text(&self) -> &'a str {
        self.source.get(self.start..self.position).unwrap_or_default()
    }

    /// Ends the token: its place, and the next one starts here.
    pub(crate) fn take(&mut self) -> Span {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let span = Span {
            start: narrow(self.start),
            end: narrow(self.position),
            line: if self.source.is_empty() { 0 } else { self.line },
            column: narrow(self.start - self.line_start + 1),
        };
        for (at, byte) in self.text().bytes().enumerate() {
            if byte == b'\n' {
                self.line += 1;
                self.line_start = self.start + at + 1;
            }
        }
        self.start = self.position;
        span
    }

    pub(crate) fn at_start(&self) -> bool {
        self.start == self.position
    }

    /// Whether the next character other than space opens a parenthesis.
    pub(crate) fn paren_follows(&self) -> bool {
        self.rest().chars().find(|character| !is_space(*character)) == Some('(')
    }
}

pub(crate) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

pub(crate) fn is_alpha(character: char) -> bool {
    character == '_' || character.is_ascii_alphabetic()
}

pub(crate) fn is_alphanumeric(character: char) -> bool {
    is_alpha(character) || character.is_ascii_digit()
}
