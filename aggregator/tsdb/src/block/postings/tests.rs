//! Tests of lists of series.

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::{List, ListWriter};

proptest! {
    #[test]
    fn lists_come_back(
        runs in proptest::collection::vec((0u32..500, 1u32..20), 0..40),
        rest in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut expected = RoaringBitmap::new();
        let mut writer = ListWriter::default();
        let mut next = 0;
        for (gap, length) in runs {
            for number in next + gap..next + gap + length {
                expected.insert(number);
                writer.push(number);
            }
            next += gap + length;
        }
        let mut out = Vec::new();
        writer.put(&mut out);
        let length = out.len();
        out.extend_from_slice(&rest);
        let mut input = out.as_slice();
        let list = List::take(&mut input).unwrap();
        prop_assert_eq!(input, rest.as_slice());
        let mut found = RoaringBitmap::new();
        list.add_to(&mut found, next).unwrap();
        prop_assert_eq!(&found, &expected);
        prop_assert!(next == 0 || list.add_to(&mut found, next - 1).is_none());
        prop_assert!(length <= expected.len() as usize * 2 + 4);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut input = bytes.as_slice();
        while let Some(list) = List::take(&mut input) {
            let mut found = RoaringBitmap::new();
            if list.add_to(&mut found, 1000).is_some() {
                prop_assert!(found.max().is_none_or(|max| max < 1000));
            }
        }
    }
}
