//! Splits a template into tokens.

mod action;
mod number;

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Source};
use crate::value::Value;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// What stands outside of actions, trimmed.
    Text(String),
    /// `{{`
    Open,
    /// `}}`
    Close,
    Space,
    Constant(Constant),
    Nil,
    Dot,
    /// `.name`, without the dot.
    Field(String),
    /// `$name`, with the dollar.
    Variable(String),
    Name(String),
    Keyword(Keyword),
    Assign,
    Declare,
    Comma,
    Pipe,
    LeftParen,
    RightParen,
    Other(char),
    End,
}

/// A literal. Values do not compare; no two literals count as equal.
#[derive(Clone, Debug)]
pub(crate) struct Constant(pub(crate) Value);

impl PartialEq for Constant {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

impl Keyword {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "block" => Self::Block,
            "break" => Self::Break,
            "continue" => Self::Continue,
            "define" => Self::Define,
            "else" => Self::Else,
            "end" => Self::End,
            "if" => Self::If,
            "range" => Self::Range,
            "template" => Self::Template,
            "with" => Self::With,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    /// Byte in the text.
    pub(crate) at: usize,
    pub(crate) kind: Kind,
}

/// The tokens of a text; the last one is `End`.
pub(crate) fn tokens(source: &Arc<Source>) -> Result<Vec<Token>, Error> {
    let mut lexer = Lexer { source, rest: &source.text, tokens: Vec::new(), trim: false };
    lexer.run()?;
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    source: &'a Arc<Source>,
    rest: &'a str,
    tokens: Vec<Token>,
    /// The last action ended with a trim marker.
    trim: bool,
}

impl<'a> Lexer<'a> {
    fn at(&self) -> usize {
        self.source.text.len() - self.rest.len()
    }

    fn push(&mut self, at: usize, kind: Kind) {
        self.tokens.push(Token { at, kind });
    }

    fn error(&self, at: usize, message: impl Into<String>) -> Error {
        self.source.error(at, ErrorKind::Syntax, message)
    }

    /// Takes the text off the front, if it is there.
    fn accept(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|character| !wanted(character)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn run(&mut self) -> Result<(), Error> {
        loop {
            let at = self.at();
            let (mut text, rest) = match self.rest.find("{{") {
                Some(end) => self.rest.split_at_checked(end).unwrap_or((self.rest, "")),
                None => (self.rest, ""),
            };
            self.rest = rest;
            if std::mem::take(&mut self.trim) {
                text = text.trim_start_matches(is_space);
            }
            if self.marker_follows() {
                text = text.trim_end_matches(is_space);
            }
            if !text.is_empty() {
                self.push(at, Kind::Text(text.to_owned()));
            }
            if self.rest.is_empty() {
                let at = self.at();
                self.push(at, Kind::End);
                return Ok(());
            }
            self.action()?;
        }
    }

    /// Whether an action with a trim marker comes: `{{- `.
    fn marker_follows(&self) -> bool {
        self.rest.strip_prefix("{{-").is_some_and(|after| after.starts_with(is_space))
    }

    fn action(&mut self) -> Result<(), Error> {
        let open = self.at();
        let marked = self.marker_follows();
        self.accept("{{");
        if marked {
            self.accept("-");
        }
        let before = self.rest;
        if marked {
            self.take_while(is_space);
        }
        if self.rest.starts_with("/*") {
            return self.comment(open);
        }
        self.rest = before;
        self.push(open, Kind::Open);
        self.inside(open)
    }

    fn comment(&mut self, open: usize) -> Result<(), Error> {
        let Some((_, rest)) = self.rest.split_once("*/") else {
            return Err(self.error(open, "unclosed comment: write */}} at its end"));
        };
        self.rest = rest;
        if self.close() {
            return Ok(());
        }
        Err(self.error(open, "comment ends before closing delimiter: only }} may follow */"))
    }

    /// Takes `}}` or ` -}}`.
    fn close(&mut self) -> bool {
        if let Some((first, rest)) = self.rest.split_at_checked(1)
            && first.starts_with(is_space)
        {
            if let Some(rest) = rest.trim_start_matches(is_space).strip_prefix("-}}") {
                self.rest = rest;
                self.trim = true;
                return true;
            }
            return false;
        }
        self.accept("}}")
    }
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}
