//! Which message and which compression a request's headers announce.

use std::fmt;

use codec::inflate::Compression;

/// The media type of both versions; a `proto` parameter tells them apart.
const MEDIA_TYPE: &str = "application/x-protobuf";
const PROTO_V1: &str = "prometheus.WriteRequest";
const PROTO_V2: &str = "io.prometheus.write.v2.Request";

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    V1,
    V2,
}

impl Version {
    /// The `Content-Type` to send.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::V1 => "application/x-protobuf",
            Self::V2 => "application/x-protobuf;proto=io.prometheus.write.v2.Request",
        }
    }

    /// The value of [`super::HEADER_VERSION`].
    pub fn header(self) -> &'static str {
        match self {
            Self::V1 => "0.1.0",
            Self::V2 => "2.0.0",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "remote write 1.0",
            Self::V2 => "remote write 2.0",
        })
    }
}

/// Why a request cannot be read; answered with 415 Unsupported Media Type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    #[error("content type {0:?} is not supported: send {MEDIA_TYPE}")]
    ContentType(String),
    #[error("message {0:?} is not supported: send {PROTO_V1} or {PROTO_V2}")]
    Message(String),
    #[error("content encoding {0:?} is not supported: send snappy or zstd")]
    Encoding(String),
}

/// Reads the two headers. As Prometheus does, an absent content type means 1.0 and an absent
/// encoding means snappy, which 1.0 senders may rely on. zstd is accepted beyond the
/// specification; gzip is not, because the receivers' conformance tests want it refused.
pub fn negotiate(
    content_type: Option<&str>,
    content_encoding: Option<&str>,
) -> Result<(Version, Compression), Unsupported> {
    Ok((version(content_type.unwrap_or(""))?, compression(content_encoding.unwrap_or(""))?))
}

fn version(content_type: &str) -> Result<Version, Unsupported> {
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or("");
    if !media_type.is_empty() && !media_type.eq_ignore_ascii_case(MEDIA_TYPE) {
        return Err(Unsupported::ContentType(shorten(content_type)));
    }
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if name.trim().eq_ignore_ascii_case("proto") {
            return match value.trim().trim_matches('"') {
                PROTO_V1 => Ok(Version::V1),
                PROTO_V2 => Ok(Version::V2),
                other => Err(Unsupported::Message(shorten(other))),
            };
        }
    }
    Ok(Version::V1)
}

fn compression(encoding: &str) -> Result<Compression, Unsupported> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "snappy" => Ok(Compression::Snappy),
        "zstd" => Ok(Compression::Zstd),
        _ => Err(Unsupported::Encoding(shorten(encoding))),
    }
}

/// Keeps a hostile header from filling an error message.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests;
