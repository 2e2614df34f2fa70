//! Tests of packing at every width and length.

use proptest::prelude::*;

use super::{mask, pack, packed_len, peek, unpack, width};

#[test]
fn widths_count_bits() {
    assert_eq!([0, 1, 2, 255, 256, u64::MAX].map(width), [0, 1, 2, 8, 9, 64]);
}

#[test]
fn the_first_value_is_in_the_lowest_bits() {
    let mut out = Vec::new();
    pack([1, 2, 3, 4].into_iter(), 3, &mut out);
    assert_eq!(out, [0b11_010_001, 0b1000]);
}

#[test]
fn missing_bytes_read_as_zeros() {
    let mut out = [7i64; 20];
    unpack(&[0xff], 5, &mut out);
    assert_eq!(out[..3], [31, 7, 0]);
    assert!(out[3..].iter().all(|word| *word == 0));
    assert_eq!(peek(&[0xff], 4, 64), 0xf);
    assert_eq!(peek(&[], 100, 64), 0);
}

proptest! {
    #[test]
    fn values_come_back(
        values in prop::collection::vec(any::<u64>(), 0..300),
        width in 0usize..=64,
        slack in 0usize..20,
    ) {
        let mut bytes = Vec::new();
        pack(values.iter().copied(), width, &mut bytes);
        prop_assert_eq!(bytes.len(), packed_len(values.len(), width));
        bytes.resize(bytes.len() + slack, 0xa5);
        let expected: Vec<i64> = values.iter().map(|value| (value & mask(width)) as i64).collect();
        let mut out = vec![-1i64; values.len()];
        unpack(&bytes, width, &mut out);
        prop_assert_eq!(&out, &expected);
        let peeked: Vec<i64> =
            (0..values.len()).map(|number| peek(&bytes, number * width, width) as i64).collect();
        prop_assert_eq!(&peeked, &expected);
    }
}
