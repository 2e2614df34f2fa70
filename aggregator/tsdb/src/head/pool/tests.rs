//! Tests of chains against plain vectors.

use proptest::prelude::*;

use super::{Chain, Pool};

proptest! {
    #[test]
    fn chains_are_strings_of_bytes(
        steps in proptest::collection::vec((0usize..4, any::<bool>(), 0usize..90), 0..120),
    ) {
        let mut pool = Pool::default();
        let mut chains: [(Chain, Vec<u8>); 4] = Default::default();
        let mut next = 0u8;
        for (number, append, count) in steps {
            let (chain, expected) = &mut chains[number];
            if append {
                let bytes: Vec<u8> = (0..count).map(|_| { next = next.wrapping_add(1); next }).collect();
                pool.append(chain, &bytes);
                expected.extend_from_slice(&bytes);
                if let Some(last) = pool.last_mut(chain) {
                    *last ^= 0x80;
                    *expected.last_mut().unwrap() ^= 0x80;
                }
            } else {
                pool.drop_front(chain, count);
                expected.drain(..count.min(expected.len()));
            }
            for (chain, expected) in &chains {
                let mut found = Vec::new();
                pool.copy(chain, &mut found);
                prop_assert_eq!(&found, expected);
                prop_assert_eq!(chain.is_empty(), expected.is_empty());
                prop_assert_eq!(pool.first_word(chain), expected.first_chunk::<8>().copied());
                let mut reader = pool.reader(chain);
                let passed = expected.len() / 2;
                prop_assert!(reader.take(passed, |_| ()).is_some());
                prop_assert_eq!(reader.take(expected.len(), |_| ()).is_some(), passed == 0);
            }
        }
        for (chain, _) in &mut chains {
            pool.clear(chain);
        }
        prop_assert_eq!(pool.used_bytes(), 0);
        prop_assert!(pool.heap_bytes() < 20_000, "blocks are used again");
    }
}
