//! Tests against the published vectors.

use super::{crc32c, crc32c_append};

#[test]
fn published_vectors_hold() {
    // RFC 3720, appendix B.4.
    assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
}

#[test]
fn pieces_give_the_checksum_of_the_whole() {
    let bytes = b"bytes that come piecewise";
    for cut in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(crc32c_append(crc32c(head), tail), crc32c(bytes));
    }
}
