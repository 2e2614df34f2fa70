//! Tests of round trips, of caps, and of input that lies about itself.

use proptest::{collection::vec, prelude::*};

use super::{Compression, InflateError, compress, decompress};

const FORMATS: [Compression; 3] = [Compression::Snappy, Compression::Zstd, Compression::Gzip];

fn compressed(format: Compression, input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    compress(format, input, &mut out).expect("compresses");
    out
}

fn decompressed(format: Compression, input: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
    let mut out = Vec::new();
    let result = decompress(format, input, limit, &mut out);
    assert!(out.capacity() <= limit, "{format} allocated {} of {limit}", out.capacity());
    result.map(|()| out)
}

#[test]
fn the_limit_is_exact() {
    let content = vec![7u8; 100_000];
    for format in FORMATS {
        let packed = compressed(format, &content);
        assert!(packed.len() < 10_000, "{format}");
        assert_eq!(decompressed(format, &packed, content.len()).as_ref(), Ok(&content));
        assert_eq!(
            decompressed(format, &packed, content.len() - 1),
            Err(InflateError::TooLarge { format, limit: content.len() - 1 })
        );
    }
}

#[test]
fn nothing_is_content_too() {
    for format in FORMATS {
        assert_eq!(decompressed(format, &compressed(format, b""), 0), Ok(Vec::new()));
        assert!(matches!(decompressed(format, b"", 10), Err(InflateError::Corrupt { .. })));
    }
}

/// A Snappy header may claim 4 GiB in five bytes; the block behind it decides.
#[test]
fn a_lying_snappy_header_allocates_nothing() {
    let claim = [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0];
    let mut out = Vec::new();
    assert!(matches!(
        decompress(Compression::Snappy, &claim, 1 << 20, &mut out),
        Err(InflateError::TooLarge { .. })
    ));
    assert!(matches!(
        decompress(Compression::Snappy, &claim, usize::MAX, &mut out),
        Err(InflateError::Corrupt { .. })
    ));
    assert_eq!(out.capacity(), 0);
}

/// The densest honest block must not be taken for a lie.
#[test]
fn the_densest_snappy_block_is_accepted() {
    let content = vec![0u8; 1 << 22];
    let packed = compressed(Compression::Snappy, &content);
    assert!(content.len() / packed.len() >= 20);
    assert_eq!(decompressed(Compression::Snappy, &packed, content.len()), Ok(content));
}

/// A zstd frame without a size, made by a streaming sender, grows the output step by step.
#[test]
fn a_zstd_frame_without_a_size_is_read() {
    let content = vec![3u8; 300_000];
    let packed = zstd::encode_all(content.as_slice(), 3).expect("compresses");
    assert_eq!(zstd::zstd_safe::get_frame_content_size(&packed).ok(), Some(None));
    assert_eq!(decompressed(Compression::Zstd, &packed, 300_000), Ok(content));
    assert!(matches!(
        decompressed(Compression::Zstd, &packed, 299_999),
        Err(InflateError::TooLarge { limit: 299_999, .. })
    ));
}

#[test]
fn frames_in_a_row_are_one_content() {
    for format in [Compression::Zstd, Compression::Gzip] {
        let mut packed = compressed(format, b"first ");
        packed.extend(compressed(format, b"second"));
        assert_eq!(decompressed(format, &packed, 100), Ok(b"first second".to_vec()));
        assert!(matches!(
            decompressed(format, &packed, 11),
            Err(InflateError::TooLarge { limit: 11, .. })
        ));
    }
}

#[test]
fn a_reused_buffer_keeps_the_limit_and_nothing_else() {
    let content = b"some content that is not very long".repeat(10);
    for format in FORMATS {
        let packed = compressed(format, &content);
        let mut out = vec![0xaa; 1 << 16];
        decompress(format, &packed, content.len(), &mut out).expect("fits");
        assert_eq!(out, content, "{format}");
        out.resize(1 << 16, 0xaa);
        let refused = decompress(format, &packed, content.len() - 1, &mut out);
        assert!(matches!(refused, Err(InflateError::TooLarge { .. })), "{format}: {refused:?}");
        assert!(out.is_empty(), "{format}");
    }
}

/// Room left from an earlier use does not widen the limit.
#[test]
fn a_frame_without_a_size_meets_the_limit_in_a_reused_buffer() {
    let packed = zstd::encode_all([3u8; 1000].as_slice(), 3).expect("compresses");
    let mut out = Vec::with_capacity(1 << 16);
    let refused = decompress(Compression::Zstd, &packed, 999, &mut out);
    assert!(matches!(refused, Err(InflateError::TooLarge { limit: 999, .. })), "{refused:?}");
    assert!(out.is_empty());
    assert_eq!(decompress(Compression::Zstd, &packed, 1000, &mut out), Ok(()));
}

#[test]
fn a_gzip_trailer_is_checked_at_the_limit() {
    let mut packed = compressed(Compression::Gzip, b"0123456789");
    let crc = packed.len() - 8;
    packed[crc] ^= 1;
    assert!(matches!(
        decompressed(Compression::Gzip, &packed, 10),
        Err(InflateError::Corrupt { .. })
    ));
}

fn any_format() -> impl Strategy<Value = Compression> {
    prop::sample::select(FORMATS.to_vec())
}

proptest! {
    #[test]
    fn round_trip(format in any_format(), content in vec(0u8..8, 0..20_000)) {
        let packed = compressed(format, &content);
        prop_assert_eq!(decompressed(format, &packed, content.len()), Ok(content));
    }

    #[test]
    fn arbitrary_bytes_never_panic_or_pass_the_limit(
        format in any_format(),
        bytes in vec(any::<u8>(), 0..200),
        limit in 0usize..5000,
    ) {
        if let Ok(content) = decompressed(format, &bytes, limit) {
            prop_assert!(content.len() <= limit);
        }
    }

    #[test]
    fn damaged_content_never_panics_or_passes_the_limit(
        format in any_format(),
        content in vec(0u8..4, 1..3000),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        keep in any::<prop::sample::Index>(),
    ) {
        let mut packed = compressed(format, &content);
        let at = at.index(packed.len());
        packed[at] = byte;
        packed.truncate(keep.index(packed.len() + 1));
        if let Ok(found) = decompressed(format, &packed, content.len()) {
            prop_assert!(found.len() <= content.len());
        }
    }
}
