//! Bodies of requests as they come: as they are, or compressed.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, header},
};
use codec::inflate::{Compression, InflateError, decompress};

use crate::api::answer::ApiError;

/// A form or a document, once decompressed. As it is when it comes, it may be as long as any body.
const DOCUMENT_BYTES_MAX: usize = 10 << 20;

/// How a body is compressed, `None` when it is not; a header that is not there says nothing.
pub(crate) fn compression_of(headers: &HeaderMap) -> Result<Option<Compression>, ApiError> {
    compression_in(headers, header::CONTENT_ENCODING)
}

/// The same, of another header.
pub(crate) fn compression_in(
    headers: &HeaderMap,
    name: HeaderName,
) -> Result<Option<Compression>, ApiError> {
    let mut given = headers.get_all(name).iter();
    let (value, more) = (given.next(), given.next().is_some());
    let value = value.map_or(&b""[..], |value| value.as_bytes().trim_ascii());
    match value.to_ascii_lowercase().as_slice() {
        b"" | b"identity" if !more => Ok(None),
        b"gzip" | b"x-gzip" if !more => Ok(Some(Compression::Gzip)),
        b"zstd" if !more => Ok(Some(Compression::Zstd)),
        b"snappy" if !more => Ok(Some(Compression::Snappy)),
        other => {
            let shown: String = String::from_utf8_lossy(other).chars().take(100).collect();
            Err(ApiError::UnsupportedMediaType(format!(
                "unsupported compression: {shown:?}: send gzip, zstd, snappy or none"
            )))
        }
    }
}

/// The content of a body that holds a form or a document.
pub(crate) async fn document(headers: &HeaderMap, body: Bytes) -> Result<Bytes, ApiError> {
    let Some(compression) = compression_of(headers)? else { return Ok(body) };
    let inflating = tokio::task::spawn_blocking(move || {
        let mut plain = Vec::new();
        decompress(compression, &body, DOCUMENT_BYTES_MAX, &mut plain).map(|()| plain.into())
    });
    let inflated = inflating.await.map_err(|error| ApiError::Internal(error.to_string()))?;
    inflated.map_err(|error| match error {
        InflateError::TooLarge { .. } => ApiError::TooLarge(error.to_string()),
        InflateError::Corrupt { .. } => ApiError::BadData(error.to_string()),
    })
}

#[cfg(test)]
mod tests;
