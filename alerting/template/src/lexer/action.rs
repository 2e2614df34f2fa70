//! The tokens within `{{` and `}}`.

use super::{Constant, Keyword, Kind, Lexer, is_space, is_word, number};
use crate::{error::Error, quote, value::Value};

impl Lexer<'_> {
    /// Everything up to and including `}}`.
    pub(super) fn inside(&mut self, open: usize) -> Result<(), Error> {
        loop {
            let at = self.at();
            if self.close() {
                self.push(at, Kind::Close);
                return Ok(());
            }
            let Some(first) = self.rest.chars().next() else {
                return Err(self.error(open, "unclosed action: write }} at its end"));
            };
            let kind = match first {
                _ if is_space(first) => {
                    self.take_while(is_space);
                    Kind::Space
                }
                '"' => self.string(at)?,
                '`' => self.raw_string(at)?,
                '\'' => self.rune(at)?,
                '$' => self.variable(at)?,
                '.' if !self.digit_follows() => self.field(at)?,
                '.' | '+' | '-' | '0'..='9' => self.number(at)?,
                _ if is_word(first) => self.word(at)?,
                _ => self.sign(at, first)?,
            };
            self.push(at, kind);
        }
    }

    fn digit_follows(&self) -> bool {
        self.rest.chars().nth(1).is_some_and(|second| second.is_ascii_digit())
    }

    fn sign(&mut self, at: usize, sign: char) -> Result<Kind, Error> {
        let signs = [
            (":=", Kind::Declare),
            ("=", Kind::Assign),
            ("|", Kind::Pipe),
            (",", Kind::Comma),
            ("(", Kind::LeftParen),
            (")", Kind::RightParen),
        ];
        for (text, kind) in signs {
            if self.accept(text) {
                return Ok(kind);
            }
        }
        if sign == ':' {
            return Err(self.error(at, "expected :="));
        }
        if sign.is_ascii_graphic() {
            self.take_one();
            return Ok(Kind::Other(sign));
        }
        Err(self.error(at, format!("unrecognized character in action: {sign:?}")))
    }

    fn take_one(&mut self) {
        let mut rest = self.rest.chars();
        rest.next();
        self.rest = rest.as_str();
    }

    /// The text of a literal in quotes of one line, quotes included.
    fn quoted(&mut self, at: usize, quote: char, what: &str) -> Result<&str, Error> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find_map(|(place, character)| {
            let ends = character == '\n' || (character == quote && !escaped);
            escaped = character == '\\' && !escaped;
            ends.then_some((place, character))
        });
        let Some((end, _)) = end.filter(|(_, character)| *character == quote) else {
            return Err(self.error(at, format!("unterminated {what}")));
        };
        let (text, rest) = self.rest.split_at_checked(end + 1).unwrap_or((self.rest, ""));
        self.rest = rest;
        Ok(text)
    }

    fn string(&mut self, at: usize) -> Result<Kind, Error> {
        let text = quote::unquote(self.quoted(at, '"', "quoted string")?);
        let text = text.ok_or_else(|| self.error(at, "invalid escape in quoted string"))?;
        Ok(Kind::Constant(Constant(text.into())))
    }

    fn raw_string(&mut self, at: usize) -> Result<Kind, Error> {
        self.accept("`");
        let Some((text, rest)) = self.rest.split_once('`') else {
            return Err(self.error(at, "unterminated raw quoted string"));
        };
        self.rest = rest;
        Ok(Kind::Constant(Constant(Value::string(text.replace('\r', "")))))
    }

    fn rune(&mut self, at: usize) -> Result<Kind, Error> {
        let rune = quote::unquote_rune(self.quoted(at, '\'', "character constant")?);
        let rune = rune.ok_or_else(|| self.error(at, "malformed character constant"))?;
        self.terminated(at)?;
        Ok(Kind::Constant(Constant(Value::Int(i64::from(u32::from(rune))))))
    }

    fn number(&mut self, at: usize) -> Result<Kind, Error> {
        let text = number::scan(self.rest);
        let value = number::parse(text)
            .ok_or_else(|| self.error(at, format!("bad number syntax: {text:?}")))?;
        self.accept(text);
        if self.rest.starts_with(|next| is_word(next) || next == '.') {
            return Err(self.error(at, format!("bad number syntax: {text:?} goes on")));
        }
        Ok(Kind::Constant(Constant(value)))
    }

    fn variable(&mut self, at: usize) -> Result<Kind, Error> {
        self.accept("$");
        let name = format!("${}", self.take_while(is_word));
        self.terminated(at)?;
        Ok(Kind::Variable(name))
    }

    fn field(&mut self, at: usize) -> Result<Kind, Error> {
        self.accept(".");
        let name = self.take_while(is_word).to_owned();
        if !name.is_empty() {
            self.terminated(at)?;
        }
        Ok(if name.is_empty() { Kind::Dot } else { Kind::Field(name) })
    }

    fn word(&mut self, at: usize) -> Result<Kind, Error> {
        let word = self.take_while(is_word).to_owned();
        self.terminated(at)?;
        Ok(match word.as_str() {
            "true" => Kind::Constant(Constant(Value::Bool(true))),
            "false" => Kind::Constant(Constant(Value::Bool(false))),
            "nil" => Kind::Nil,
            _ => Keyword::of(&word).map_or(Kind::Name(word), Kind::Keyword),
        })
    }

    /// What comes after a word must not continue it.
    fn terminated(&self, at: usize) -> Result<(), Error> {
        match self.rest.chars().next() {
            None => Ok(()),
            Some(next) if is_space(next) || ".,|:)(=".contains(next) => Ok(()),
            Some(_) if self.rest.starts_with("}}") => Ok(()),
            Some(next) => Err(self.error(at, format!("bad character {next:?} after this"))),
        }
    }
}
