//! The tokens of a query, read one by one.

use super::ParseError;
use crate::{
    lexer::{
        self,
        token::{Description, Kind, Token},
    },
    span::Span,
    text::quote,
};

pub(super) struct Stream<'a> {
    query: &'a str,
    tokens: Vec<Token>,
    at: usize,
    /// End of the last token taken.
    end: u32,
    /// What an error is in, where nothing nearer is known.
    pub(super) context: &'static str,
}

impl<'a> Stream<'a> {
    pub(super) fn new(query: &'a str) -> Self {
        Self { query, tokens: lexer::tokens(query), at: 0, end: 0, context: "" }
    }

    /// An upper bound of the height of the tree.
    pub(super) fn height_max(&self) -> usize {
        let grows = |token: &&Token| {
            matches!(token.kind, Kind::LeftParen | Kind::LeftBracket | Kind::Op(_))
        };
        self.tokens.iter().filter(grows).count()
    }

    /// The next token; the last one repeats for ever.
    fn token(&self) -> &Token {
        let last = self.tokens.len().saturating_sub(1);
        &self.tokens[self.at.min(last)]
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.token().kind
    }

    /// The kind of the token after the next.
    pub(super) fn second(&self) -> &Kind {
        self.tokens.get(self.at + 1).map_or(&Kind::End, |token| &token.kind)
    }

    pub(super) fn span(&self) -> Span {
        self.token().span
    }

    pub(super) fn text(&self) -> &'a str {
        let span = self.span();
        self.query.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// End of the last token taken.
    pub(super) fn end(&self) -> u32 {
        self.end
    }

    /// Takes the next token.
    pub(super) fn take(&mut self) -> Span {
        let span = self.span();
        self.end = span.end;
        self.at += 1;
        span
    }

    /// Takes the next token if it is of this kind.
    pub(super) fn accept(&mut self, kind: &Kind) -> Option<Span> {
        (self.kind() == kind).then(|| self.take())
    }

    /// Takes the next token, which must be of this kind.
    pub(super) fn expect(
        &mut self,
        kind: &Kind,
        context: &str,
        expected: &str,
    ) -> Result<Span, ParseError> {
        self.accept(kind).ok_or_else(|| self.unexpected(context, expected))
    }

    /// The error that the next token is.
    pub(super) fn unexpected(&self, context: &str, expected: &str) -> ParseError {
        let token = self.token();
        if let Kind::Error(message) = &token.kind {
            return ParseError::new(token.span, message.clone());
        }
        let mut message =
            format!("unexpected {}", Description { kind: &token.kind, text: self.text() });
        let context = if context.is_empty() { self.context } else { context };
        if !context.is_empty() {
            message = format!("{message} in {context}");
        }
        if !expected.is_empty() {
            message = format!("{message}, expected {expected}");
        }
        ParseError::new(token.span, message)
    }

    /// The error to report where the tokens so far are wrong: that of the next token comes first if
    /// it cannot be read.
    pub(super) fn or_unreadable(&self, error: ParseError) -> ParseError {
        match self.kind() {
            Kind::Error(_) => self.unexpected("", ""),
            _ => error,
        }
    }

    /// Takes a string literal, which is next.
    pub(super) fn take_string(&mut self) -> Result<(String, Span), ParseError> {
        let text = self.text();
        let span = self.take();
        match quote::unquote(text) {
            Some(value) => Ok((value, span)),
            None => {
                let text = quote::Quoted(text);
                let message = format!("error unquoting string {text}: invalid syntax");
                Err(ParseError::new(span, message))
            }
        }
    }
}
