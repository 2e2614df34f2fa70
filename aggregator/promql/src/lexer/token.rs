//! What the lexer produces.

use std::fmt;

use crate::{
    ast::{AggregateOp, BinaryOp},
    span::Span,
    text::quote::Quoted,
};

/// A piece of the query with its place.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    End,
    /// The text is not PromQL from here on; the message says why.
    Error(String),
    Comma,
    Colon,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    /// `=`
    Assign,
    /// `=~`
    Matches,
    /// `!~`
    NotMatches,
    At,
    Op(BinaryOp),
    Aggregate(AggregateOp),
    Keyword(Keyword),
    Identifier,
    /// An identifier with a colon.
    MetricIdentifier,
    Number,
    Duration,
    String,
}

/// Words with a meaning of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Offset,
    Smoothed,
    Anchored,
    By,
    Without,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Fill,
    FillLeft,
    FillRight,
    Bool,
    Start,
    End,
    Step,
    Range,
    MaxOf,
    MinOf,
}

const KEYWORDS: [(&str, Keyword); 19] = [
    ("offset", Keyword::Offset),
    ("smoothed", Keyword::Smoothed),
    ("anchored", Keyword::Anchored),
    ("by", Keyword::By),
    ("without", Keyword::Without),
    ("on", Keyword::On),
    ("ignoring", Keyword::Ignoring),
    ("group_left", Keyword::GroupLeft),
    ("group_right", Keyword::GroupRight),
    ("fill", Keyword::Fill),
    ("fill_left", Keyword::FillLeft),
    ("fill_right", Keyword::FillRight),
    ("bool", Keyword::Bool),
    ("start", Keyword::Start),
    ("end", Keyword::End),
    ("step", Keyword::Step),
    ("range", Keyword::Range),
    ("max_of", Keyword::MaxOf),
    ("min_of", Keyword::MinOf),
];

impl Keyword {
    /// Those that are functions or stand for a time: messages show them like identifiers.
    fn is_function(self) -> bool {
        matches!(
            self,
            Self::Start | Self::End | Self::Step | Self::Range | Self::MaxOf | Self::MinOf
        )
    }

    /// Those allowed in a duration.
    pub(crate) fn in_duration(self) -> bool {
        matches!(self, Self::Step | Self::Range | Self::MaxOf | Self::MinOf)
    }
}

/// The meaning of a word that may be a keyword, in any case of letters.
pub(crate) fn word(text: &str) -> Option<Kind> {
    let lower = text.to_ascii_lowercase();
    let op = match lower.as_str() {
        "and" => BinaryOp::And,
        "or" => BinaryOp::Or,
        "unless" => BinaryOp::Unless,
        "atan2" => BinaryOp::Atan2,
        "inf" | "nan" => return Some(Kind::Number),
        other => {
            let aggregate = AggregateOp::ALL.iter().find(|(name, _)| *name == other);
            let keyword = KEYWORDS.iter().find(|(name, _)| *name == other);
            return match (aggregate, keyword) {
                (Some((_, op)), _) => Some(Kind::Aggregate(*op)),
                (_, Some((_, keyword))) => Some(Kind::Keyword(*keyword)),
                _ => None,
            };
        }
    };
    Some(Kind::Op(op))
}

/// A token as error messages describe it.
pub(crate) struct Description<'a> {
    pub(crate) kind: &'a Kind,
    pub(crate) text: &'a str,
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.kind {
            Kind::End => return f.write_str("end of input"),
            Kind::Error(message) => return f.write_str(message),
            Kind::Keyword(keyword) if !keyword.is_function() => {
                return write!(f, "<{}>", self.text);
            }
            Kind::Op(_) | Kind::Matches | Kind::NotMatches | Kind::At => {
                return write!(f, "<op:{}>", self.text);
            }
            Kind::Aggregate(_) => return write!(f, "<aggr:{}>", self.text),
            // A name is shown whole.
            Kind::Identifier => return write!(f, "identifier {}", Quoted(self.text)),
            Kind::MetricIdentifier => {
                return write!(f, "metric identifier {}", Quoted(self.text));
            }
            Kind::Number => "number ",
            Kind::Duration => "duration ",
            Kind::String => "string ",
            _ => "",
        };
        f.write_str(class)?;
        match self.text.char_indices().nth(10) {
            Some((end, _)) if self.text.len() > 10 => {
                write!(f, "{}...", Quoted(self.text.get(..end).unwrap_or_default()))
            }
            _ => write!(f, "{}", Quoted(self.text)),
        }
    }
}
