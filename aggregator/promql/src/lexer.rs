//! Splits a query into tokens.
//!
//! What a character means depends on where it stands: inside braces every word is a label name,
//! inside brackets there are durations only. The lexer never fails: text it cannot read becomes one
//! last [`Kind::Error`] token, so that errors are reported in order of their place.

pub(crate) mod cursor;
mod number;
mod string;
pub(crate) mod token;

use crate::{
    ast::BinaryOp,
    text::quote::{Quoted, QuotedChar},
};
use cursor::{Cursor, is_alpha, is_alphanumeric, is_space};
use token::{Keyword, Kind, Token, word};

/// Tokens of a query, ending in [`Kind::End`] or [`Kind::Error`].
pub(crate) fn tokens(query: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        cursor: Cursor::new(query),
        tokens: Vec::with_capacity(query.len() / 4),
        parens: 0,
        in_braces: false,
        in_brackets: false,
        before_duration: false,
        got_colon: false,
        got_duration: false,
    };
    let end = loop {
        match lexer.next() {
            Ok(false) => {}
            Ok(true) => break Kind::End,
            Err(message) => break Kind::Error(message),
        }
    };
    lexer.push(end);
    lexer.tokens
}

struct Lexer<'a> {
    cursor: Cursor<'a>,
    tokens: Vec<Token>,
    parens: u32,
    in_braces: bool,
    in_brackets: bool,
    /// In brackets, before the first number.
    before_duration: bool,
    got_colon: bool,
    got_duration: bool,
}

type Step = Result<bool, String>;

impl Lexer<'_> {
    fn push(&mut self, kind: Kind) {
        let span = self.cursor.take();
        self.tokens.push(Token { kind, span });
    }

    /// Reads one token, or one stretch of space. True at the end of the text.
    fn next(&mut self) -> Step {
        if self.before_duration {
            return self.next_in_duration();
        }
        if self.cursor.peek() == Some('#') {
            self.cursor.skip_line();
            return Ok(false);
        }
        if self.in_braces {
            return self.next_in_braces();
        }
        let Some(character) = self.cursor.next() else {
            if self.parens != 0 {
                return Err("unclosed left parenthesis".to_owned());
            }
            if self.in_brackets {
                return Err("unclosed left bracket".to_owned());
            }
            return Ok(true);
        };
        match character {
            ',' => self.push(Kind::Comma),
            space if is_space(space) => self.cursor.skip_spaces(),
            '=' => return self.equals(),
            '!' => return self.bang(),
            '<' => self.compare(BinaryOp::Less, BinaryOp::LessEqual, BinaryOp::TrimUpper),
            '>' => self.compare(BinaryOp::Greater, BinaryOp::GreaterEqual, BinaryOp::TrimLower),
            '.' if self.cursor.peek().is_some_and(|next| next.is_ascii_digit()) => {
                self.cursor.back();
                return self.number();
            }
            digit if digit.is_ascii_digit() => {
                self.cursor.back();
                return self.number();
            }
            '"' | '\'' | '`' => return self.string(character),
            letter if is_alpha(letter) || letter == ':' => return self.word(letter),
            '(' | ')' => return self.paren(character),
            '{' => {
                self.push(Kind::LeftBrace);
                self.in_braces = true;
            }
            '[' if self.in_brackets => return Err("unexpected left bracket '['".to_owned()),
            '[' => self.open_bracket(),
            ']' if !self.in_brackets => return Err("unexpected right bracket ']'".to_owned()),
            ']' => {
                self.push(Kind::RightBracket);
                self.in_brackets = false;
            }
            '@' => self.push(Kind::At),
            other => match arithmetic(other) {
                Some(op) => self.push(Kind::Op(op)),
                None => return Err(format!("unexpected character: {}", QuotedChar(other))),
            },
        }
        Ok(false)
    }

    fn equals(&mut self) -> Step {
        match self.cursor.peek() {
            Some('=') => {
                self.cursor.next();
                self.push(Kind::Op(BinaryOp::Equal));
            }
            Some('~') => return Err("unexpected character after '=': '~'".to_owned()),
            _ => self.push(Kind::Assign),
        }
        Ok(false)
    }

    fn bang(&mut self) -> Step {
        match self.cursor.next() {
            Some('=') => self.push(Kind::Op(BinaryOp::NotEqual)),
            other => {
                let found = QuotedChar(other.unwrap_or(char::REPLACEMENT_CHARACTER));
                return Err(format!("unexpected character after '!': {found}"));
            }
        }
        Ok(false)
    }

    fn compare(&mut self, plain: BinaryOp, or_equal: BinaryOp, trim: BinaryOp) {
        let op = match self.cursor.peek() {
            Some('=') => or_equal,
            Some('/') => trim,
            _ => plain,
        };
        if op != plain {
            self.cursor.next();
        }
        self.push(Kind::Op(op));
    }

    fn paren(&mut self, character: char) -> Step {
        if character == '(' {
            self.push(Kind::LeftParen);
            self.parens += 1;
            return Ok(false);
        }
        match self.parens.checked_sub(1) {
            Some(parens) => {
                self.push(Kind::RightParen);
                self.parens = parens;
                Ok(false)
            }
            None => {
                self.cursor.take();
                Err("unexpected right parenthesis ')'".to_owned())
            }
        }
    }

    fn open_bracket(&mut self) {
        self.push(Kind::LeftBracket);
        self.cursor.skip_spaces();
        self.got_colon = false;
        self.in_brackets = true;
        self.before_duration = true;
    }

    /// A word outside braces: a keyword, a name or, in brackets, a function of durations.
    fn word(&mut self, first: char) -> Step {
        if self.in_brackets {
            if first == ':' {
                if self.got_colon {
                    return Err("unexpected colon ':'".to_owned());
                }
                self.push(Kind::Colon);
                self.got_colon = true;
                return Ok(false);
            }
            if self.duration_keyword() {
                return Ok(false);
            }
            return Err(format!("unexpected character: {}, expected ':'", QuotedChar(first)));
        }
        self.cursor.skip_while(|character| is_alphanumeric(character) || character == ':');
        let text = self.cursor.text();
        let kind = match word(text) {
            // A metric may be called so: it is a modifier only before a parenthesis.
            Some(Kind::Keyword(Keyword::Fill | Keyword::FillLeft | Keyword::FillRight))
                if !self.cursor.paren_follows() =>
            {
                Kind::Identifier
            }
            Some(kind) => kind,
            None if text.contains(':') => Kind::MetricIdentifier,
            None => Kind::Identifier,
        };
        self.push(kind);
        Ok(false)
    }

    fn duration_keyword(&mut self) -> bool {
        self.cursor.skip_while(is_alpha);
        match word(self.cursor.text()) {
            Some(kind @ Kind::Keyword(keyword)) if keyword.in_duration() => {
                self.push(kind);
                true
            }
            _ => false,
        }
    }

    fn number(&mut self) -> Step {
        match number::scan(&mut self.cursor) {
            Some(kind) => {
                self.push(kind);
                Ok(false)
            }
            None => {
                let text = Quoted(self.cursor.text());
                Err(format!("bad number or duration syntax: {text}"))
            }
        }
    }

    fn string(&mut self, quote: char) -> Step {
        string::scan(&mut self.cursor, quote)?;
        self.push(Kind::String);
        Ok(false)
    }

    fn next_in_braces(&mut self) -> Step {
        let Some(character) = self.cursor.next() else {
            return Err("unexpected end of input inside braces".to_owned());
        };
        match character {
            space if is_space(space) => self.cursor.skip_spaces(),
            letter if is_alpha(letter) => {
                self.cursor.skip_while(is_alphanumeric);
                self.push(Kind::Identifier);
            }
            ',' => self.push(Kind::Comma),
            '"' | '\'' | '`' => return self.string(character),
            '=' => {
                let regex = self.cursor.peek() == Some('~');
                if regex {
                    self.cursor.next();
                }
                self.push(if regex { Kind::Matches } else { Kind::Assign });
            }
            '!' => match self.cursor.next() {
                Some('~') => self.push(Kind::NotMatches),
                Some('=') => self.push(Kind::Op(BinaryOp::NotEqual)),
                other => {
                    let found = QuotedChar(other.unwrap_or(char::REPLACEMENT_CHARACTER));
                    return Err(format!("unexpected character after '!' inside braces: {found}"));
                }
            },
            '{' => return Err("unexpected left brace '{'".to_owned()),
            '}' => {
                self.push(Kind::RightBrace);
                self.in_braces = false;
            }
            other => {
                return Err(format!("unexpected character inside braces: {}", QuotedChar(other)));
            }
        }
        Ok(false)
    }

    /// Inside brackets, up to and including the first number.
    fn next_in_duration(&mut self) -> Step {
        let Some(character) = self.cursor.next() else {
            return Err("unexpected end of input in duration expression".to_owned());
        };
        let unexpected = || {
            Err(format!("unexpected character in duration expression: {}", QuotedChar(character)))
        };
        match character {
            ']' => {
                self.push(Kind::RightBracket);
                self.in_brackets = false;
                self.before_duration = false;
                self.got_colon = false;
            }
            ':' => {
                if !self.got_duration || self.got_colon {
                    self.cursor.take();
                    return Err(if self.got_duration {
                        "unexpected repeated colon in duration expression".to_owned()
                    } else {
                        "unexpected colon before duration in duration expression".to_owned()
                    });
                }
                self.push(Kind::Colon);
                self.got_colon = true;
            }
            '(' | ')' => return self.paren(character),
            space if is_space(space) => self.cursor.skip_spaces(),
            ',' => self.push(Kind::Comma),
            's' | 'S' | 'r' | 'R' | 'm' | 'M' => {
                if !self.duration_keyword() {
                    return unexpected();
                }
            }
            '.' if !self.cursor.peek().is_some_and(|next| next.is_ascii_digit()) => {
                return unexpected();
            }
            digit if digit.is_ascii_digit() || digit == '.' => {
                self.cursor.back();
                self.got_duration = true;
                self.before_duration = false;
                return self.number();
            }
            other => match arithmetic(other) {
                Some(op) => self.push(Kind::Op(op)),
                None => return unexpected(),
            },
        }
        Ok(false)
    }
}

fn arithmetic(character: char) -> Option<BinaryOp> {
    Some(match character {
        '+' => BinaryOp::Add,
        '-' => BinaryOp::Sub,
        '*' => BinaryOp::Mul,
        '/' => BinaryOp::Div,
        '%' => BinaryOp::Mod,
        '^' => BinaryOp::Pow,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
