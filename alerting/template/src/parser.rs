//! Turns tokens into trees.
//!
//! A recursive descent parser; its depth is limited, and with it that of whatever walks the trees.

mod control;
mod pipeline;

use std::sync::Arc;

use crate::{
    ast::{Node, Nodes},
    error::{Error, ErrorKind, Source},
    lexer::{Keyword, Kind, Token},
    options::Known,
};

/// The templates of a text: first those that it defines, last the text itself.
pub(crate) fn parse(
    source: &Arc<Source>,
    tokens: Vec<Token>,
    known: &Known<'_>,
) -> Result<Vec<(String, Nodes)>, Error> {
    let mut variables = vec!["$".to_owned()];
    variables.extend(known.variables.iter().map(|name| (*name).to_owned()));
    let mut parser = Parser {
        source,
        known,
        tokens,
        next: 0,
        variables,
        ranges: 0,
        depth: 0,
        defined: Vec::new(),
    };
    let (nodes, end) = parser.nodes(true)?;
    if let Some((at, word)) = end {
        let word = word.as_str();
        return Err(parser.error(at, format!("unexpected {{{{{word}}}}}: nothing is open here")));
    }
    let mut defined = parser.defined;
    defined.push((source.name.clone(), nodes));
    Ok(defined)
}

/// Whether a template does nothing but print white space.
pub(crate) fn is_empty(nodes: &Nodes) -> bool {
    nodes.iter().all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
}

struct Parser<'a> {
    source: &'a Arc<Source>,
    known: &'a Known<'a>,
    tokens: Vec<Token>,
    next: usize,
    /// Those in scope, innermost last.
    variables: Vec<String>,
    /// How many `range` are open.
    ranges: u32,
    depth: u32,
    defined: Vec<(String, Nodes)>,
}

/// What ends a list of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    Else,
    End,
}

impl Stop {
    fn as_str(self) -> &'static str {
        match self {
            Self::Else => "else",
            Self::End => "end",
        }
    }
}

impl Parser<'_> {
    fn error(&self, at: usize, message: impl Into<String>) -> Error {
        self.source.error(at, ErrorKind::Syntax, message)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.source.text.len(), |token| token.at)
    }

    fn kind(&self) -> &Kind {
        self.tokens.get(self.next).map_or(&Kind::End, |token| &token.kind)
    }

    fn take(&mut self) -> Kind {
        let kind = self.kind().clone();
        self.next += 1;
        kind
    }

    fn accept(&mut self, wanted: &Kind) -> bool {
        let found = self.kind() == wanted;
        self.next += usize::from(found);
        found
    }

    fn skip_space(&mut self) {
        self.accept(&Kind::Space);
    }

    fn unexpected(&self, context: &str) -> Error {
        self.error(self.at(), format!("unexpected {} in {context}", describe(self.kind())))
    }

    fn close(&mut self, context: &str) -> Result<(), Error> {
        self.skip_space();
        if self.accept(&Kind::Close) { Ok(()) } else { Err(self.unexpected(context)) }
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let most = self.known.options.limits.depth;
        if self.depth >= most {
            let message = format!("nested deeper than {most}");
            return Err(self.source.error(self.at(), ErrorKind::Limit, message));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Nodes up to the end of the text, or to an `else` or `end` whose keyword has been taken.
    fn nodes(&mut self, top: bool) -> Result<(Nodes, Option<(usize, Stop)>), Error> {
        let mut nodes = Vec::new();
        loop {
            let at = self.at();
            match self.take() {
                Kind::End => return Ok((nodes, None)),
                Kind::Text(text) => nodes.push(Node::Text(text)),
                Kind::Open => {
                    self.skip_space();
                    match self.keyword() {
                        Some(Keyword::Else) => return Ok((nodes, Some((at, Stop::Else)))),
                        Some(Keyword::End) => {
                            self.close("end")?;
                            return Ok((nodes, Some((at, Stop::End))));
                        }
                        Some(Keyword::Define) if top => self.define(at)?,
                        Some(Keyword::Define) => {
                            return Err(
                                self.error(at, "{{define}} must stand outside of all others")
                            );
                        }
                        Some(keyword) => nodes.push(self.control(at, keyword)?),
                        None => nodes.push(self.action()?),
                    }
                }
                _ => return Err(self.error(at, "unexpected token outside of an action")),
            }
        }
    }

    /// Takes a keyword, if one is next.
    fn keyword(&mut self) -> Option<Keyword> {
        let Kind::Keyword(keyword) = *self.kind() else { return None };
        self.next += 1;
        Some(keyword)
    }

    /// A pipeline whose value is printed.
    fn action(&mut self) -> Result<Node, Error> {
        let pipe = self.pipeline("command", &Kind::Close)?;
        Ok(Node::Action(pipe))
    }
}

/// A token as its author would call it.
fn describe(kind: &Kind) -> String {
    match kind {
        Kind::Text(_) => "text".to_owned(),
        Kind::Open => "{{".to_owned(),
        Kind::Close => "}}".to_owned(),
        Kind::Space => "space".to_owned(),
        Kind::Constant(constant) => format!("{:?}", crate::format::display(&constant.0)),
        Kind::Nil => "nil".to_owned(),
        Kind::Dot => "<.>".to_owned(),
        Kind::Field(name) => format!("<.{name}>"),
        Kind::Variable(name) | Kind::Name(name) => format!("<{name}>"),
        Kind::Keyword(keyword) => format!("{{{{{}}}}}", format!("{keyword:?}").to_lowercase()),
        Kind::Assign => "\"=\"".to_owned(),
        Kind::Declare => "\":=\"".to_owned(),
        Kind::Comma => "\",\"".to_owned(),
        Kind::Pipe => "\"|\"".to_owned(),
        Kind::LeftParen => "\"(\"".to_owned(),
        Kind::RightParen => "\")\"".to_owned(),
        Kind::Other(character) => format!("{character:?}"),
        Kind::End => "end of text".to_owned(),
    }
}
