//! What the two ends say to each other around a body: headers and status codes.
//!
//! | status | means | the sender |
//! |---|---|---|
//! | 2xx with the counts of remote write 2.0 | stored | goes on |
//! | 400, and other 4xx, with [`HEADER_SEQUENCE`] | stored in part or not at all, for good | goes on; begins anew unless the header tells that the body was applied |
//! | 409 | epoch, sequence or a group is not known | begins anew with the same samples |
//! | 401, 429, 5xx | not now; the body was not applied, or the epoch was forgotten | sends the same body again later |
//! | 429, 5xx, where [`HEADER_SEQUENCE`] tells that the body was applied | some of the samples not now | begins anew with the same samples, later |
//! | 404, 405, 415, other 4xx without that header, 2xx without counts | the receiver knows no frames | sends remote write |

use codec::inflate::Compression;

use crate::remote_write::{HEADER_SAMPLES_WRITTEN, shorten};

/// Where frames are sent to, by `POST`, with the bearer token of remote write.
pub const PATH: &str = "/api/v1/frames";
pub const MEDIA_TYPE: &str = "application/vnd.tidewatch.frames";
/// The `Content-Type` to send.
pub const CONTENT_TYPE: &str = "application/vnd.tidewatch.frames;version=1";
const VERSION: &str = "1";

/// Response header: the last sequence of the epoch that the receiver has applied, 0 for none. When
/// it is that of the body, the groups and rows of both ends are the same, whatever the status says
/// of the samples. It is in every answer to frames but 401, so a refusal without it comes from a
/// receiver that knows no frames. How much was stored is in the headers of remote write 2.0.
pub const HEADER_SEQUENCE: &str = "X-Tidewatch-Frames-Sequence";

/// Conflict: the receiver does not know the epoch, the sequence or a group.
pub const STATUS_BEGIN_ANEW: u16 = 409;

/// Why a request cannot be read; answered with 415 Unsupported Media Type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    #[error("content type {0:?} is not supported: send {CONTENT_TYPE}")]
    ContentType(String),
    #[error("content encoding {0:?} is not supported: send none or zstd")]
    Encoding(String),
}

/// Reads a request's headers: how its body is compressed, if it is.
pub fn accept(
    content_type: Option<&str>,
    content_encoding: Option<&str>,
) -> Result<Option<Compression>, Unsupported> {
    let content_type = content_type.unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    let known = parts.next().is_some_and(|media| media.eq_ignore_ascii_case(MEDIA_TYPE));
    let version = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("version").then(|| value.trim().trim_matches('"'))
    });
    if !known || version.is_some_and(|version| version != VERSION) {
        return Err(Unsupported::ContentType(shorten(content_type)));
    }
    let encoding = content_encoding.unwrap_or_default().trim();
    match encoding.to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(None),
        "zstd" => Ok(Some(Compression::Zstd)),
        _ => Err(Unsupported::Encoding(shorten(encoding))),
    }
}

/// What an answer means for the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Stored,
    /// The receiver will never take what it has not stored of the body. Unless the body was
    /// `applied`, the sender's groups are not the receiver's any more.
    Refused {
        applied: bool,
    },
    /// To be sent again as it is.
    Later,
    BeginAnew,
    /// The receiver knows no frames.
    Unknown,
}

/// Reads an answer to the body of a sequence. `header` looks a response header up by name.
pub fn verdict<'h>(
    status: u16,
    sequence: u64,
    header: impl Fn(&'static str) -> Option<&'h str>,
) -> Verdict {
    let applied = || header(HEADER_SEQUENCE).map(|applied| applied.trim().parse() == Ok(sequence));
    match status {
        // A proxy or another program may answer anything with a bare 200.
        200..=299 if header(HEADER_SAMPLES_WRITTEN).is_some() => Verdict::Stored,
        200..=299 | 404 | 405 | 415 => Verdict::Unknown,
        STATUS_BEGIN_ANEW => Verdict::BeginAnew,
        // The same body would be taken for a repetition.
        429 | 500..=599 if applied() == Some(true) => Verdict::BeginAnew,
        // A token can be mended without a restart, so 401 is not the samples' end.
        401 | 429 | 500..=599 => Verdict::Later,
        _ => applied().map_or(Verdict::Unknown, |applied| Verdict::Refused { applied }),
    }
}

#[cfg(test)]
mod tests;
