//! Tests of varints at their edges.

use proptest::prelude::*;

use super::{put_i64, put_u64, take_i64, take_u64};

#[test]
fn cut_and_overlong_varints_are_refused() {
    for bytes in [&[][..], &[0x80], &[0xff; 9], &[0xff; 10], &[0x80; 11]] {
        let mut input = bytes;
        assert_eq!(take_u64(&mut input), None);
        assert_eq!(input, bytes);
    }
}

proptest! {
    #[test]
    fn values_come_back(unsigned in any::<u64>(), signed in any::<i64>(), shift in 0u32..64) {
        let (unsigned, signed) = (unsigned >> shift, signed >> shift);
        let mut out = Vec::new();
        put_u64(&mut out, unsigned);
        put_i64(&mut out, signed);
        let mut input = out.as_slice();
        prop_assert_eq!(take_u64(&mut input), Some(unsigned));
        prop_assert_eq!(take_i64(&mut input), Some(signed));
        prop_assert!(input.is_empty());
    }
}
