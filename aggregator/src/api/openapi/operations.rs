//! A line for each operation: who may, what it takes, what it answers.

mod table;

use serde_json::{Value, json};
use tenancy::access::Scope;

pub(super) use table::OPERATIONS;

pub(super) const NOTIFICATIONS_LIVE: &str = "/api/v1/notifications/live";

/// What one path does, by one or more methods alike.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) path: &'static str,
    /// In lower case, as the specification has them.
    pub(super) methods: &'static [&'static str],
    /// Names the operation, behind the method.
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) access: Access,
    pub(super) params: &'static [Param],
    pub(super) body: Body,
    pub(super) answer: Answer,
    /// Beside those that every authenticated request may meet.
    pub(super) errors: &'static [u16],
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Access {
    /// No token is needed.
    Public,
    /// Any valid token.
    Anyone,
    /// A token with one of these.
    Scopes(&'static [Scope]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    None,
    /// For `POST`, the parameters.
    Form,
    /// By the name of its schema.
    Json(&'static str),
    /// Any of these media types.
    Binary(&'static [&'static str]),
}

/// What comes back; schemas by name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// In the envelope.
    Data(&'static str),
    /// As before, or nothing for the reason given.
    DataOrNothing(&'static str, &'static str),
    /// Without an envelope.
    Json(&'static str),
    Nothing,
    /// Of a media type.
    Text(&'static str),
    /// The same, or 202 where it is not done yet, and what that means.
    TextOrLater(&'static str, &'static str),
    /// Server-sent events with that data.
    Events(&'static str),
}

#[derive(Debug)]
pub(super) struct Param {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) about: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
}

/// What a parameter's text means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    /// Given any number of times.
    Texts,
    Time,
    Duration,
    Number,
    Flag,
    OneOf(&'static [&'static str]),
}

impl Kind {
    pub(super) fn repeats(self) -> bool {
        matches!(self, Self::Texts)
    }

    pub(super) fn schema(self) -> Value {
        match self {
            Self::Text => json!({"type": "string"}),
            Self::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Self::Time => super::schemas::reference("Time"),
            Self::Duration => super::schemas::reference("Duration"),
            Self::Number => json!({"type": "integer", "minimum": 0}),
            Self::Flag => json!({"type": "boolean"}),
            Self::OneOf(values) => json!({"type": "string", "enum": values}),
        }
    }
}
