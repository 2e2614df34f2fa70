//! Prometheus remote read: decoding a request, encoding either kind of response.
//!
//! ```text
//! ReadRequest   repeated Query queries = 1; repeated ResponseType accepted_response_types = 2;
//! Query         int64 start_timestamp_ms = 1; int64 end_timestamp_ms = 2;
//!               repeated LabelMatcher matchers = 3; ReadHints hints = 4;
//! LabelMatcher  Type type = 1; string name = 2; string value = 3;
//! ReadHints     int64 step_ms = 1; string func = 2; int64 start_ms = 3; int64 end_ms = 4;
//!               repeated string grouping = 5; bool by = 6; int64 range_ms = 7;
//! Type          EQ 0, NEQ 1, RE 2, NRE 3
//! ResponseType  SAMPLES 0, STREAMED_XOR_CHUNKS 1
//! ```
//!
//! Sources: "Prometheus Remote-Read API"; `prompb/remote.proto` and `prompb/types.proto` of
//! Prometheus.

mod response;

use std::{str::from_utf8, time::Duration};

use model::{
    matcher::{InvalidRegex, MatchOp, Matcher},
    query::Hints,
    time::Timestamp,
};

pub use response::{Frames, put_result, put_series};

use crate::{
    limits::LimitExceeded,
    protobuf::{
        BYTES, VARINT,
        reader::{Corrupt, Reader, Result as Read},
        tag,
    },
};

/// Announces the version that a client speaks; there is one.
pub const HEADER_VERSION: &str = "X-Prometheus-Remote-Read-Version";
/// The media type of [`ResponseType::Samples`], compressed as one Snappy block.
pub const CONTENT_TYPE_SAMPLES: &str = "application/x-protobuf";
/// The media type of [`ResponseType::StreamedXorChunks`], not compressed.
pub const CONTENT_TYPE_CHUNKS: &str =
    "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";

/// Queries in one request.
pub const QUERIES_MAX: usize = 64;
/// Matchers of all queries of a request; each may be a regular expression to compile.
pub const MATCHERS_MAX: usize = 512;
/// Longest name or value of a matcher, in bytes.
pub const MATCHER_BYTES_MAX: usize = 64 << 10;
/// Labels that a hint may group by; hints beyond are ignored, as all may be.
const GROUPING_MAX: usize = 128;

/// The two forms of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseType {
    /// One message with all samples.
    Samples,
    /// A stream of messages with chunks as Prometheus stores them.
    StreamedXorChunks,
}

/// One selection of series and time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub matchers: Vec<Matcher>,
    /// Both inclusive.
    pub start: Timestamp,
    pub end: Timestamp,
    pub hints: Hints,
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadRequest {
    pub queries: Vec<Query>,
    /// The first of the accepted types that there is.
    pub response: ResponseType,
}

/// Why a request is refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    #[error("corrupt message at byte {position}: {what}")]
    Corrupt { position: usize, what: &'static str },
    #[error("invalid matcher type {0}")]
    MatcherType(u64),
    #[error(transparent)]
    Matcher(#[from] InvalidRegex),
    #[error(
        "server does not support any of the requested response types: {0:?}; \
         supported: 0 (SAMPLES), 1 (STREAMED_XOR_CHUNKS)"
    )]
    ResponseTypes(Vec<u64>),
    #[error(transparent)]
    TooMany(#[from] LimitExceeded),
}

impl From<Corrupt> for ReadError {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt { position: corrupt.position, what: corrupt.what }
    }
}

/// Decodes a decompressed request.
pub fn decode(body: &[u8]) -> Result<ReadRequest, ReadError> {
    const QUERIES: u32 = tag(1, BYTES);
    const ACCEPTED: u32 = tag(2, VARINT);
    const ACCEPTED_PACKED: u32 = tag(2, BYTES);
    let mut message = Reader::new(body);
    let (mut queries, mut accepted, mut matchers) = (Vec::new(), Vec::new(), 0);
    while let Some(tag) = message.tag()? {
        match tag {
            QUERIES => {
                if queries.len() == QUERIES_MAX {
                    let limit = QUERIES_MAX;
                    return Err(LimitExceeded { what: "queries", limit }.into());
                }
                queries.push(read_query(message.bytes()?, &mut matchers)?);
            }
            ACCEPTED => push_type(&mut accepted, message.varint()?),
            ACCEPTED_PACKED => {
                let mut packed = message.bytes()?;
                while !packed.is_empty() {
                    push_type(&mut accepted, packed.varint()?);
                }
            }
            _ => message.skip(tag)?,
        }
    }
    Ok(ReadRequest { queries, response: negotiate(&accepted)? })
}

/// Keeps each type once, in order, and few of those that nobody knows.
fn push_type(accepted: &mut Vec<u64>, number: u64) {
    if accepted.len() < 16 && !accepted.contains(&number) {
        accepted.push(number);
    }
}

fn negotiate(accepted: &[u64]) -> Result<ResponseType, ReadError> {
    let known = accepted.iter().find_map(|number| match number {
        0 => Some(ResponseType::Samples),
        1 => Some(ResponseType::StreamedXorChunks),
        _ => None,
    });
    match known {
        Some(response) => Ok(response),
        None if accepted.is_empty() => Ok(ResponseType::Samples),
        None => Err(ReadError::ResponseTypes(accepted.to_vec())),
    }
}

fn read_query(mut message: Reader<'_>, matchers: &mut usize) -> Result<Query, ReadError> {
    const START: u32 = tag(1, VARINT);
    const END: u32 = tag(2, VARINT);
    const MATCHERS: u32 = tag(3, BYTES);
    const HINTS: u32 = tag(4, BYTES);
    let mut query = Query::default();
    while let Some(tag) = message.tag()? {
        match tag {
            START => query.start = Timestamp(message.varint()? as i64),
            END => query.end = Timestamp(message.varint()? as i64),
            MATCHERS => {
                *matchers += 1;
                if *matchers > MATCHERS_MAX {
                    let limit = MATCHERS_MAX;
                    return Err(LimitExceeded { what: "matchers", limit }.into());
                }
                query.matchers.push(read_matcher(message.bytes()?)?);
            }
            HINTS => query.hints = read_hints(message.bytes()?)?,
            _ => message.skip(tag)?,
        }
    }
    Ok(query)
}

fn read_matcher(mut message: Reader<'_>) -> Result<Matcher, ReadError> {
    const TYPE: u32 = tag(1, VARINT);
    const NAME: u32 = tag(2, BYTES);
    const VALUE: u32 = tag(3, BYTES);
    let (mut kind, mut name, mut value) = (0, "", "");
    while let Some(tag) = message.tag()? {
        match tag {
            TYPE => kind = message.varint()?,
            NAME => name = text(message.bytes()?)?,
            VALUE => value = text(message.bytes()?)?,
            _ => message.skip(tag)?,
        }
    }
    if name.len().max(value.len()) > MATCHER_BYTES_MAX {
        return Err(LimitExceeded { what: "bytes of a matcher", limit: MATCHER_BYTES_MAX }.into());
    }
    let op = match kind {
        0 => MatchOp::Equal,
        1 => MatchOp::NotEqual,
        2 => MatchOp::Regex,
        3 => MatchOp::NotRegex,
        other => return Err(ReadError::MatcherType(other)),
    };
    Ok(Matcher::new(name, op, value)?)
}

fn read_hints(mut message: Reader<'_>) -> Read<Hints> {
    const STEP: u32 = tag(1, VARINT);
    const FUNC: u32 = tag(2, BYTES);
    const GROUPING: u32 = tag(5, BYTES);
    const BY: u32 = tag(6, VARINT);
    const RANGE: u32 = tag(7, VARINT);
    let mut hints = Hints::default();
    while let Some(tag) = message.tag()? {
        match tag {
            STEP => hints.step = millis(message.varint()?),
            FUNC => {
                hints.function = Some(text(message.bytes()?)?)
                    .filter(|function| !function.is_empty())
                    .map(str::to_owned);
            }
            GROUPING if hints.grouping.len() < GROUPING_MAX => {
                hints.grouping.push(text(message.bytes()?)?.to_owned());
            }
            BY => hints.by = message.varint()? != 0,
            RANGE => hints.range = millis(message.varint()?),
            _ => message.skip(tag)?,
        }
    }
    Ok(hints)
}

/// A duration that should not be negative, and counts as none if it is.
fn millis(number: u64) -> Duration {
    Duration::from_millis(if number > i64::MAX as u64 { 0 } else { number })
}

fn text(bytes: Reader<'_>) -> Read<&str> {
    let position = bytes.position();
    from_utf8(bytes.rest()).map_err(|_| Corrupt { position, what: "text is not UTF-8" })
}

#[cfg(test)]
mod tests;
