//! Tests of bodies, whole and in pieces.

use proptest::prelude::*;

use super::*;

/// Reads a body that arrives in pieces of a size; gives it, whether it is complete, and what was
/// left over.
fn read(framing: Framing, input: &[u8], piece: usize) -> Result<(Vec<u8>, bool, Vec<u8>), Failed> {
    let mut reader = Reader::new(framing);
    let mut body = Body::new(true);
    let mut buffer = Vec::new();
    for piece in input.chunks(piece.max(1)) {
        buffer.extend_from_slice(piece);
        let used = reader.read(&buffer, &mut body)?;
        buffer.drain(..used);
    }
    let bytes = body.bytes.take().unwrap_or_default();
    assert_eq!(bytes.len(), body.len());
    Ok((bytes, reader.is_complete(), buffer))
}

#[track_caller]
fn check(framing: Framing, input: &str, body: &str, complete: bool, left: &str) {
    for piece in [1, 2, 3, 1000] {
        let expect = (body.as_bytes().to_vec(), complete, left.as_bytes().to_vec());
        assert_eq!(read(framing, input.as_bytes(), piece), Ok(expect), "pieces of {piece}");
    }
}

#[test]
fn bodies_end_where_they_say() {
    check(Framing::Length(0), "next", "", true, "next");
    check(Framing::Length(5), "hellonext", "hello", true, "next");
    check(Framing::Length(5), "hel", "hel", false, "");
    check(Framing::UntilClose, "hello", "hello", false, "");
    check(Framing::Chunked, "5\r\nhello\r\n0\r\n\r\n", "hello", true, "");
    check(
        Framing::Chunked,
        "5;a=b\r\nhello\r\nA \r\n0123456789\r\n0\r\nT: x\r\n\r\nnext",
        "hello0123456789",
        true,
        "next",
    );
    check(Framing::Chunked, "2\nok\n0\n\n", "ok", true, "");
    check(Framing::Chunked, "0\r\n\r\n", "", true, "");
    check(Framing::Chunked, "5\r\nhel", "hel", false, "");
}

#[test]
fn what_is_not_chunked_is_malformed() {
    for input in
        ["x\r\n", "\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", "5\r\nhelloX\r\n", "10000000000000000\r\n"]
    {
        let failed = read(Framing::Chunked, input.as_bytes(), 1000).expect_err(input);
        assert_eq!(failed.class, Class::Protocol, "{input:?}");
    }
    let endless = "1".repeat(LINE_BYTES_MAX);
    assert!(read(Framing::Chunked, endless.as_bytes(), 1000).is_err());
    let trailers = format!("0\r\n{}", "T: xxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n".repeat(1000));
    assert!(read(Framing::Chunked, trailers.as_bytes(), 1000).is_err());
}

#[test]
fn no_more_is_kept_than_allowed() {
    let input = vec![b'x'; 3 * BODY_BYTES_MAX];
    for framing in [Framing::UntilClose, Framing::Length(u64::MAX)] {
        let (body, complete, _) = read(framing, &input, 777).expect("fine");
        assert_eq!((body.len(), complete), (BODY_BYTES_MAX, false));
    }
}

fn chunked(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        bytes.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        bytes.extend_from_slice(part);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

proptest! {
    #[test]
    fn chunks_are_joined_however_they_arrive(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..20),
        piece in 1usize..200,
    ) {
        let (body, complete, left) = read(Framing::Chunked, &chunked(&parts), piece).expect("valid");
        prop_assert_eq!(body, parts.concat());
        prop_assert!(complete && left.is_empty());
    }

    #[test]
    fn nothing_panics(input: Vec<u8>, piece in 1usize..50, framing in 0u8..3, length: u64) {
        let framing = match framing {
            0 => Framing::Length(length),
            1 => Framing::Chunked,
            _ => Framing::UntilClose,
        };
        drop(read(framing, &input, piece));
    }

    #[test]
    fn nothing_that_looks_like_chunks_panics(input in "[0-9a-fA-F;\\r\\n x]{0,200}", piece in 1usize..50) {
        drop(read(Framing::Chunked, input.as_bytes(), piece));
    }
}
