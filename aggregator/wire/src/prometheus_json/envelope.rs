//! What every answer is wrapped in.
//!
//! ```text
//! {"status":"success","data":…,"warnings":[…],"infos":[…]}
//! {"status":"error","errorType":"bad_data","error":"…","warnings":[…],"infos":[…]}
//! ```
//!
//! Empty lists are left out. Source: Prometheus' "HTTP API" documentation, "Format overview".

use super::text::{write_string, write_strings};

/// Most warnings, and most infos, that one answer lists; the rest are counted.
pub const ANNOTATIONS_MAX: usize = 10;

/// Notices that come with an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Annotations<'a> {
    pub warnings: &'a [String],
    pub infos: &'a [String],
}

/// The kinds of errors that clients tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    BadData,
    Canceled,
    Execution,
    Internal,
    NotAcceptable,
    NotFound,
    Timeout,
    /// Not ready, or switched off.
    Unavailable,
}

impl ErrorKind {
    /// The word in `errorType`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadData => "bad_data",
            Self::Canceled => "canceled",
            Self::Execution => "execution",
            Self::Internal => "internal",
            Self::NotAcceptable => "not_acceptable",
            Self::NotFound => "not_found",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
        }
    }

    /// The HTTP status that Prometheus answers with; 499 is what nginx calls a closed request.
    pub fn status(self) -> u16 {
        match self {
            Self::BadData => 400,
            Self::Execution => 422,
            Self::Canceled => 499,
            Self::Timeout => 503,
            Self::NotFound => 404,
            Self::NotAcceptable => 406,
            Self::Internal | Self::Unavailable => 500,
        }
    }
}

/// An answer with data, which `data` writes.
pub fn write_success(
    out: &mut Vec<u8>,
    annotations: Annotations<'_>,
    data: impl FnOnce(&mut Vec<u8>),
) {
    out.extend_from_slice(b"{\"status\":\"success\",\"data\":");
    data(out);
    write_annotations(out, annotations);
    out.push(b'}');
}

/// An answer that says why there is no data.
pub fn write_error(
    out: &mut Vec<u8>,
    kind: ErrorKind,
    message: &str,
    annotations: Annotations<'_>,
) {
    out.extend_from_slice(b"{\"status\":\"error\",\"errorType\":\"");
    out.extend_from_slice(kind.as_str().as_bytes());
    out.extend_from_slice(b"\",\"error\":");
    write_string(out, message);
    write_annotations(out, annotations);
    out.push(b'}');
}

fn write_annotations(out: &mut Vec<u8>, annotations: Annotations<'_>) {
    let lists =
        [("warnings", "warning", annotations.warnings), ("infos", "info", annotations.infos)];
    for (name, kind, notices) in lists {
        if notices.is_empty() {
            continue;
        }
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        let omitted = notices.len().saturating_sub(ANNOTATIONS_MAX);
        let omission = (omitted > 0).then(|| format!("{omitted} more {kind} annotations omitted"));
        write_strings(out, notices.iter().take(ANNOTATIONS_MAX).chain(&omission));
    }
}
