//! What is wrong with a template, and where.

use std::sync::Arc;

/// A template that could not be parsed or run.
///
/// Shown as `template: NAME:LINE:COLUMN: message`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template: {template}:{line}:{column}: {message}")]
pub struct Error {
    pub template: String,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    pub kind: ErrorKind,
    pub message: String,
}

/// What a caller may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The text is not a template: no data will help.
    Syntax,
    /// The template does not fit its data, or a function failed.
    Execution,
    /// One of the limits was reached.
    Limit,
}

/// The text of a template with its name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Source {
    /// An error at a byte of the text.
    pub(crate) fn error(
        self: &Arc<Self>,
        position: usize,
        kind: ErrorKind,
        message: impl Into<String>,
    ) -> Error {
        let before = self.text.as_bytes().get(..position).unwrap_or(self.text.as_bytes());
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let last = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let column = String::from_utf8_lossy(last).chars().count() + 1;
        let message = clipped(message.into());
        Error { template: self.name.clone(), line, column, kind, message }
    }
}

/// Longest message in bytes: messages quote strings of templates, and alerts show messages.
const MESSAGE_BYTES_MAX: usize = 4096;

fn clipped(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES_MAX {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
        message.push('…');
        message.shrink_to_fit();
    }
    message
}
