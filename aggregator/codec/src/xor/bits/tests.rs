//! Bits and numbers come back, at each edge of a width.

use super::*;

#[test]
fn numbers_of_every_width_come_back() {
    let mut signed = vec![0, i64::MIN, i64::MAX];
    let mut unsigned = vec![0, u64::MAX];
    for width in 1..63 {
        let power = 1i64 << width;
        signed.extend([power - 1, power, power + 1, -power - 1, -power, 1 - power]);
        unsigned.extend([power as u64 - 1, power as u64]);
    }
    let mut out = Writer::after(&[7]);
    signed.iter().for_each(|value| out.put_signed(*value));
    unsigned.iter().for_each(|value| out.put_unsigned(*value));
    let bytes = out.finish();
    assert_eq!(bytes[0], 7);
    let mut bits = Reader::new(&bytes[1..]);
    for value in signed {
        assert_eq!(bits.signed(), Ok(value));
    }
    for value in unsigned {
        assert_eq!(bits.unsigned(), Ok(value));
    }
    assert!(bits.bits_left() < 8);
    assert_eq!(bits.take(8), Err(ChunkError::Short));
}

#[test]
fn widths_are_those_of_the_format() {
    for (value, bits) in [
        (0i64, "0"),
        (4, "10100"),
        (-3, "10101"),
        (5, "110000101"),
        (-31, "110100001"),
        (256, "1110100000000"),
        (2048, "11110100000000000"),
    ] {
        let mut out = Writer::default();
        out.put_signed(value);
        let shown: String = out.finish().iter().map(|byte| format!("{byte:08b}")).collect();
        let rest = shown.strip_prefix(bits).unwrap_or_else(|| panic!("{value}: {shown}"));
        assert!(rest.len() < 8 && rest.chars().all(|bit| bit == '0'), "{value}: {shown}");
    }
}

#[test]
fn a_value_that_refers_to_nothing_or_is_too_wide_is_refused() {
    let mut bits = Reader::new(&[0b1000_0000]);
    assert!(matches!(bits.xor(&mut XorState::default()), Err(ChunkError::Corrupt(_))));
    // 31 leading zeros and 63 bits.
    let mut bits = Reader::new(&[0b1111_1111, 0b1111_1000, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert!(matches!(bits.xor(&mut XorState::default()), Err(ChunkError::Corrupt(_))));
}
