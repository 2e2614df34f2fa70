//! Tests of the series hash against published values.

use super::{HashKey, sip128};

/// From `vectors.h` of the SipHash reference code: key 00 01 … 0f, messages of length 0 and 1.
#[test]
fn siphash_2_4_128_gives_the_reference_values() {
    let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
    let hex = |message: &[u8]| {
        let hash = sip128::<2, 4>(key, message);
        format!("{:016x}{:016x}", hash[0].swap_bytes(), hash[1].swap_bytes())
    };
    assert_eq!(hex(&[]), "a3817f04ba25a8e66df67214c7550293");
    assert_eq!(hex(&[0]), "da87c1d86b99af44347659119b22fc45");
}

#[test]
fn every_bit_of_key_and_message_matters() {
    let key = HashKey::new([1, 2]);
    let message: Vec<u8> = (0..40).collect();
    let mut seen = std::collections::BTreeSet::from([key.hash128(&message)]);
    for bit in 0..message.len() * 8 {
        let mut changed = message.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(seen.insert(key.hash128(&changed)));
    }
    for length in 0..message.len() {
        assert!(seen.insert(key.hash128(&message[..length])));
    }
    assert!(seen.insert(HashKey::new([1, 3]).hash128(&message)));
    assert!(seen.insert(HashKey::new([0, 2]).hash128(&message)));
    assert_ne!(key.hash64(0, &message), key.hash64(1, &message));
}
