//! Tests of fields, positions and damage.

use proptest::prelude::*;

use super::{Corrupt, Reader};
use crate::protobuf::{BYTES, FIXED32, FIXED64, VARINT, tag};

/// Reads all fields, going into every length-delimited one.
fn walk(mut reader: Reader<'_>, depth: usize) -> Result<usize, Corrupt> {
    let mut fields = 0;
    while let Some(tag) = reader.tag()? {
        fields += 1;
        if tag & 7 == BYTES && depth < 20 {
            let inner = reader.bytes()?;
            fields += walk(inner, depth + 1).unwrap_or(0);
        } else {
            reader.skip(tag)?;
        }
    }
    Ok(fields)
}

#[test]
fn fields_of_each_type_are_read() {
    let message = [
        0x08, 0x96, 0x01, // 1: varint 150
        0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, // 2: double 1
        0x1a, 0x02, b'h', b'i', // 3: bytes
        0x25, 1, 2, 3, 4, // 4: fixed32
    ];
    let mut reader = Reader::new(&message);
    assert_eq!(reader.tag(), Ok(Some(tag(1, VARINT))));
    assert_eq!(reader.varint(), Ok(150));
    assert_eq!(reader.tag(), Ok(Some(tag(2, FIXED64))));
    assert_eq!(reader.double(), Ok(1.0));
    assert_eq!(reader.tag(), Ok(Some(tag(3, BYTES))));
    let text = reader.bytes().expect("is whole");
    assert_eq!((text.rest(), text.position()), (b"hi".as_slice(), 14));
    assert_eq!(reader.tag(), Ok(Some(tag(4, FIXED32))));
    assert_eq!(reader.skip(tag(4, FIXED32)), Ok(()));
    assert_eq!(reader.tag(), Ok(None));
}

#[test]
fn damage_is_found_where_it_is() {
    let check = |message: &[u8], position: usize, what: &str| {
        let corrupt = walk(Reader::new(message), 0).expect_err("is damaged");
        assert_eq!(corrupt.position, position, "{message:?}");
        assert!(corrupt.what.contains(what), "{message:?}: {}", corrupt.what);
    };
    check(&[0x08], 1, "varint");
    check(&[0x08, 0x80], 1, "varint");
    check(&[0x08, 1, 0x11, 0, 0], 3, "fixed64");
    check(&[0x0a, 5, 0, 0], 1, "longer");
    check(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], 1, "longer");
    check(&[0x08, 1, 0x25, 0], 3, "fixed32");
    check(&[0x00, 1], 0, "field number");
    check(&[0x08, 1, 0x0b], 3, "wire type");
    check(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0], 0, "field number");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(corrupt) = walk(Reader::new(&bytes), 0) {
            prop_assert!(corrupt.position <= bytes.len());
        }
    }
}
