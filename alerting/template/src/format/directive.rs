//! Splits a format into text and verbs with their flags, width and precision.

use super::{Bounded, one::Argument};
use crate::value::Value;

/// Largest width and precision; Go's own limit is far above what an output may have here.
const SIZE_MAX: usize = 1_000_000;

/// A verb with what stands between it and the `%`.
#[derive(Clone, Debug)]
pub(super) struct Directive {
    pub(super) verb: char,
    pub(super) plus: bool,
    pub(super) minus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    /// An argument number was given and is no number of an argument.
    pub(super) bad_index: bool,
}

impl Directive {
    pub(super) fn plain(verb: char) -> Self {
        Self {
            verb,
            plus: false,
            minus: false,
            sharp: false,
            space: false,
            zero: false,
            width: None,
            precision: None,
            bad_index: false,
        }
    }

    /// `text` with spaces, or zeros, up to the width.
    pub(super) fn pad(&self, out: &mut Bounded, text: &str) {
        let missing = self.width.unwrap_or(0).saturating_sub(text.chars().count());
        if self.minus {
            out.push_str(text);
            out.fill(' ', missing);
        } else {
            out.fill(if self.zero { '0' } else { ' ' }, missing);
            out.push_str(text);
        }
    }
}

/// A part of a format.
pub(super) enum Piece<'a> {
    Text(&'a str),
    /// Something that is wrong with the format.
    Note(String),
    /// What is wrong with the flags of a verb, and the verb.
    Verb {
        note: String,
        directive: Directive,
    },
}

pub(super) struct Reader<'a> {
    rest: &'a str,
    args: &'a [Value],
    next: usize,
    /// Arguments were numbered, so that some may be left over.
    reordered: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(format: &'a str, args: &'a [Value]) -> Self {
        Self { rest: format, args, next: 0, reordered: false }
    }

    pub(super) fn next(&mut self) -> Option<Piece<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.find('%').unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        if !text.is_empty() {
            return Some(Piece::Text(text));
        }
        self.accept('%');
        Some(self.verb())
    }

    fn accept(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// What follows a `%`.
    fn verb(&mut self) -> Piece<'a> {
        let mut directive = Directive::plain('v');
        let mut note = String::new();
        loop {
            match self.rest.chars().next() {
                Some('+') => directive.plus = true,
                Some('-') => directive.minus = true,
                Some('#') => directive.sharp = true,
                Some(' ') => directive.space = true,
                Some('0') => directive.zero = true,
                _ => break,
            }
            self.skip();
        }
        self.index(&mut directive);
        directive.width = self.size(&mut directive, "%!(BADWIDTH)", &mut note, true);
        if self.accept('.') {
            self.index(&mut directive);
            let size = self.size(&mut directive, "%!(BADPREC)", &mut note, false);
            directive.precision = size.or(Some(0)).filter(|_| note != "%!(BADPREC)");
        }
        self.index(&mut directive);
        let Some(verb) = self.rest.chars().next() else {
            return Piece::Note(note + "%!(NOVERB)");
        };
        self.skip();
        if verb == '%' {
            return Piece::Note(note + "%");
        }
        directive.verb = verb;
        // With `%v` the flag asks for names of fields, not for a sign.
        directive.plus &= verb != 'v';
        Piece::Verb { note, directive }
    }

    fn skip(&mut self) {
        let mut rest = self.rest.chars();
        rest.next();
        self.rest = rest.as_str();
    }

    /// `*` or digits. A negative width pads on the right.
    fn size(
        &mut self,
        directive: &mut Directive,
        bad: &str,
        note: &mut String,
        is_width: bool,
    ) -> Option<usize> {
        if self.accept('*') {
            let given = self.args.get(self.next);
            self.next += 1;
            let size = match given {
                Some(Value::Int(size)) if *size < 0 && is_width => {
                    directive.minus = true;
                    usize::try_from(size.unsigned_abs()).ok()
                }
                Some(Value::Int(size)) => usize::try_from(*size).ok(),
                _ => None,
            };
            let size = size.filter(|size| *size <= SIZE_MAX);
            if size.is_none() {
                note.push_str(bad);
            }
            return size;
        }
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (text, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        text.parse().ok().filter(|size| *size <= SIZE_MAX)
    }

    /// `[3]`: the number of the next argument, from 1.
    fn index(&mut self, directive: &mut Directive) {
        let Some(after) = self.rest.strip_prefix('[') else { return };
        self.reordered = true;
        let Some((number, rest)) = after.split_once(']') else {
            directive.bad_index = true;
            self.rest = after;
            return;
        };
        self.rest = rest;
        match number.parse::<usize>() {
            Ok(number) if number >= 1 && number <= self.args.len() => self.next = number - 1,
            _ => directive.bad_index = true,
        }
    }

    /// The argument of a verb.
    pub(super) fn argument(&mut self, directive: &Directive) -> Argument<'a> {
        if directive.bad_index {
            return Argument::BadIndex;
        }
        let argument = self.args.get(self.next);
        self.next += 1;
        argument.map_or(Argument::Missing, Argument::Value)
    }

    /// Arguments that no verb took.
    pub(super) fn extra(&self) -> &'a [Value] {
        if self.reordered { &[] } else { self.args.get(self.next..).unwrap_or_default() }
    }
}
