//! Decoding a body of either version.

use super::{Version, v1, v2};
use crate::{
    decode::{DecodeOptions, DecodeStats, Partition},
    limits::LimitExceeded,
    protobuf::reader::Corrupt,
    series::Sink,
};

/// Why a body is refused whole. Batches may hold a part of it then, and are to be cleared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("corrupt message at byte {position}: {what}")]
    Corrupt { position: usize, what: &'static str },
    /// The content type named one version and the body is of the other.
    #[error("at byte {position}: field {field} belongs to {other}, not to {announced}")]
    WrongVersion { position: usize, field: u32, announced: Version, other: Version },
    #[error(transparent)]
    TooMany(#[from] LimitExceeded),
}

impl From<Corrupt> for DecodeError {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt { position: corrupt.position, what: corrupt.what }
    }
}

/// Decodes a decompressed body. Series that are not valid are skipped and counted; a body that is
/// corrupt or exceeds a limit of the whole is an error.
pub fn decode(
    version: Version,
    body: &[u8],
    options: &DecodeOptions<'_>,
    partition: &mut dyn Partition,
) -> Result<DecodeStats, DecodeError> {
    let mut sink = Sink::new(options, partition);
    match version {
        Version::V1 => v1::decode(body, &mut sink)?,
        Version::V2 => v2::decode(body, &mut sink)?,
    }
    Ok(sink.into_stats())
}
