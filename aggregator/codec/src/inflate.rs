//! Decompression with a cap on the output, and its counterpart.
//!
//! A few compressed bytes can claim, or truly hold, gigabytes. Every function here takes the most
//! bytes its caller accepts, refuses what is larger, and never allocates more than that for the
//! output, whatever the input says about itself.
//!
//! Formats: the Snappy block format (`format_description.txt` of google/snappy), zstd frames
//! (RFC 8878), gzip members (RFC 1952). Several frames or members in a row are read as one.

use std::{fmt, io::Read};

use zstd::zstd_safe::{self, DCtx, zstd_sys::ZSTD_ErrorCode};

/// A Snappy element of three bytes copies at most 64, and none does better, so no honest block
/// claims more than this many times its own length.
const SNAPPY_RATIO_MAX: usize = 22;
/// First guess for a zstd frame that does not say how long it is.
const ZSTD_GUESS_RATIO: usize = 4;
/// The least that a growing output buffer starts with.
const OUTPUT_BYTES_MIN: usize = 4096;
/// zstd's and gzip's speed settings: both cheap enough for a send path.
const ZSTD_LEVEL: i32 = 1;
const GZIP_LEVEL: u32 = 4;

/// A compressed format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Compression {
    /// One Snappy block, without the framing of Snappy streams.
    Snappy,
    Zstd,
    Gzip,
}

impl Compression {
    /// The name in `Content-Encoding`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Snappy => "snappy",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why bytes could not be decompressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// The content is longer than the caller accepts, or claims to be.
    #[error("{format} content exceeds the limit of {limit} bytes")]
    TooLarge { format: Compression, limit: usize },
    #[error("corrupt {format} content: {reason}")]
    Corrupt { format: Compression, reason: String },
}

/// Why bytes could not be compressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeflateError {
    /// A Snappy block holds less than 4 GiB.
    #[error("{bytes} bytes are too many for one {format} block")]
    TooLarge { format: Compression, bytes: usize },
    #[error("{format} compression failed: {reason}")]
    Failed { format: Compression, reason: String },
}

/// Replaces the content of `out` with the decompressed `input`, of at most `limit` bytes. The
/// memory of `out` is reused. After an error `out` is empty.
pub fn decompress(
    format: Compression,
    input: &[u8],
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<(), InflateError> {
    let result = match format {
        Compression::Snappy => decompress_snappy(input, limit, out),
        Compression::Zstd => decompress_zstd(input, limit, out),
        Compression::Gzip => decompress_gzip(input, limit, out),
    };
    if result.is_err() {
        out.clear();
    }
    result
}

/// Replaces the content of `out` with the compressed `input`.
pub fn compress(format: Compression, input: &[u8], out: &mut Vec<u8>) -> Result<(), DeflateError> {
    out.clear();
    match format {
        Compression::Snappy => compress_snappy(input, out),
        Compression::Zstd => compress_zstd(input, out),
        Compression::Gzip => compress_gzip(input, out),
    }
}

fn decompress_snappy(input: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), InflateError> {
    let format = Compression::Snappy;
    let claimed = snap::raw::decompress_len(input).map_err(|error| corrupt(format, &error))?;
    if claimed > limit {
        return Err(InflateError::TooLarge { format, limit });
    }
    if claimed > input.len().saturating_mul(SNAPPY_RATIO_MAX) {
        return Err(corrupt(format, &"the header claims more than the block can hold"));
    }
    // What `out` held before is overwritten, so only what it lacks needs filling.
    if claimed > out.capacity() {
        out.clear();
        out.reserve_exact(claimed);
    }
    out.resize(claimed, 0);
    let written = snap::raw::Decoder::new()
        .decompress(input, out)
        .map_err(|error| corrupt(format, &error))?;
    out.truncate(written);
    Ok(())
}

/// Decompresses in one shot, which needs no window beside the output, and grows the output while
/// it is too small. A frame that says its size is done at the first attempt.
fn decompress_zstd(input: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), InflateError> {
    let format = Compression::Zstd;
    let too_large = InflateError::TooLarge { format, limit };
    let claimed = zstd_safe::get_frame_content_size(input)
        .map_err(|_| corrupt(format, &"not a zstd frame"))?;
    let guess = match claimed {
        Some(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
        None => input.len().saturating_mul(ZSTD_GUESS_RATIO).max(OUTPUT_BYTES_MIN).min(limit),
    };
    if guess > limit {
        return Err(too_large);
    }
    let mut context = DCtx::try_create().ok_or_else(|| corrupt(format, &"out of memory"))?;
    let mut room = guess.max(out.capacity().min(limit));
    loop {
        out.clear();
        out.reserve_exact(room);
        match context.decompress(out, input) {
            // A buffer from an earlier, larger use may have had more room than the limit.
            Ok(_) if out.len() > limit => return Err(too_large),
            Ok(_) => return Ok(()),
            Err(code)
                if zstd_safe::is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall) =>
            {
                if room >= limit {
                    return Err(too_large);
                }
                room = room.saturating_mul(2).max(OUTPUT_BYTES_MIN).min(limit);
            }
            Err(code) => return Err(corrupt(format, &zstd_safe::get_error_name(code))),
        }
    }
}

fn decompress_gzip(input: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), InflateError> {
    let format = Compression::Gzip;
    if input.is_empty() {
        return Err(corrupt(format, &"no gzip member"));
    }
    let mut decoder = flate2::read::MultiGzDecoder::new(input);
    let mut filled = 0;
    out.truncate(limit);
    loop {
        if filled == out.len() {
            if filled >= limit {
                break;
            }
            let room = out.capacity().max(filled * 2).max(OUTPUT_BYTES_MIN).min(limit);
            out.reserve_exact(room - filled);
            out.resize(room, 0);
        }
        let free = out.get_mut(filled..).unwrap_or_default();
        match decoder.read(free).map_err(|error| corrupt(format, &error))? {
            0 => break,
            read => filled += read,
        }
    }
    out.truncate(filled);
    // At the limit the stream must end; its trailer is checked by reading past it.
    match decoder.read(&mut [0]).map_err(|error| corrupt(format, &error))? {
        0 => Ok(()),
        _ => Err(InflateError::TooLarge { format, limit }),
    }
}

fn compress_snappy(input: &[u8], out: &mut Vec<u8>) -> Result<(), DeflateError> {
    let format = Compression::Snappy;
    let room = snap::raw::max_compress_len(input.len());
    if room == 0 {
        return Err(DeflateError::TooLarge { format, bytes: input.len() });
    }
    out.resize(room, 0);
    let written = snap::raw::Encoder::new()
        .compress(input, out)
        .map_err(|error| DeflateError::Failed { format, reason: error.to_string() })?;
    out.truncate(written);
    Ok(())
}

fn compress_zstd(input: &[u8], out: &mut Vec<u8>) -> Result<(), DeflateError> {
    out.reserve(zstd::compress_bound(input.len()));
    zstd_safe::compress(out, input, ZSTD_LEVEL).map(|_| ()).map_err(|code| DeflateError::Failed {
        format: Compression::Zstd,
        reason: zstd_safe::get_error_name(code).to_owned(),
    })
}

fn compress_gzip(input: &[u8], out: &mut Vec<u8>) -> Result<(), DeflateError> {
    let level = flate2::Compression::new(GZIP_LEVEL);
    flate2::read::GzEncoder::new(input, level).read_to_end(out).map(|_| ()).map_err(|error| {
        DeflateError::Failed { format: Compression::Gzip, reason: error.to_string() }
    })
}

fn corrupt(format: Compression, reason: &dyn fmt::Display) -> InflateError {
    InflateError::Corrupt { format, reason: reason.to_string() }
}

#[cfg(test)]
mod tests;
