//! CRC32C (Castagnoli, RFC 3720 appendix B.4), the checksum of every block and log on disk.

/// The checksum of some bytes.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// The checksum of bytes that come piecewise: `crc32c_append(crc32c(a), b)` is that of `a` and `b`.
pub fn crc32c_append(checksum: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(checksum, bytes)
}

#[cfg(test)]
mod tests;
