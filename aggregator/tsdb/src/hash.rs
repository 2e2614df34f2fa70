//! The keyed hash that identifies series.
//!
//! SipHash with one compression and three finalization rounds and 128 bits of output (Aumasson
//! and Bernstein, "SipHash: a fast short-input PRF", 2012, and its reference code). With a secret
//! key nobody can construct two label sets that collide, and 128 bits make chance negligible
//! (10^-24 for ten million series), so a series is found without comparing its labels.

/// A 128-bit hash as two words.
pub(crate) type Hash128 = [u64; 2];

/// The secret key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashKey([u64; 2]);

impl HashKey {
    pub(crate) fn new(key: [u64; 2]) -> Self {
        Self(key)
    }

    /// The standard library's own source of hash keys, which the operating system seeds.
    pub(crate) fn random() -> Self {
        use std::hash::{BuildHasher, Hasher, RandomState};
        Self([(); 2].map(|()| RandomState::new().build_hasher().finish()))
    }

    pub(crate) fn hash128(self, bytes: &[u8]) -> Hash128 {
        sip128::<1, 3>(self.0, bytes)
    }

    /// For tables within one tenant.
    pub(crate) fn hash64(self, salt: u64, bytes: &[u8]) -> u64 {
        sip128::<1, 3>([self.0[0] ^ salt, self.0[1]], bytes)[0]
    }
}

struct Sip {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl Sip {
    #[inline(always)]
    fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v2 = self.v2.rotate_left(32);
    }

    #[inline(always)]
    fn word<const ROUNDS: usize>(&mut self, word: u64) {
        self.v3 ^= word;
        for _ in 0..ROUNDS {
            self.round();
        }
        self.v0 ^= word;
    }

    fn finish<const ROUNDS: usize>(&mut self) -> u64 {
        for _ in 0..ROUNDS {
            self.round();
        }
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }
}

fn sip128<const C: usize, const D: usize>(key: [u64; 2], bytes: &[u8]) -> Hash128 {
    let mut sip = Sip {
        v0: key[0] ^ 0x736f_6d65_7073_6575,
        v1: key[1] ^ 0x646f_7261_6e64_6f6d ^ 0xee,
        v2: key[0] ^ 0x6c79_6765_6e65_7261,
        v3: key[1] ^ 0x7465_6462_7974_6573,
    };
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        sip.word::<C>(u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last[7] = bytes.len() as u8;
    sip.word::<C>(u64::from_le_bytes(last));
    sip.v2 ^= 0xee;
    let first = sip.finish::<D>();
    sip.v1 ^= 0xdd;
    [first, sip.finish::<D>()]
}

#[cfg(test)]
mod tests;
