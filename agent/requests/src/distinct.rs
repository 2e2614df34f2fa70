//! How many different keys there were, in a fixed space.
//!
//! Linear counting: each key sets one bit of many, and the share of bits that are still clear tells
//! how many keys there were. Source: Whang, Vander-Zanden and Taylor, "A linear-time probabilistic
//! counting algorithm for database applications", 1990.

use std::hash::{DefaultHasher, Hasher};

const WORDS: usize = 1024;
const BITS: u64 = WORDS as u64 * 64;

/// Estimates up to some 500,000 keys, within about a percent up to 100,000.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Distinct {
    words: Box<[u64; WORDS]>,
}

impl Default for Distinct {
    fn default() -> Self {
        Self { words: Box::new([0; WORDS]) }
    }
}

impl Distinct {
    pub(crate) fn insert(&mut self, key: &[u8]) {
        let mut hasher = DefaultHasher::new();
        hasher.write(key);
        let bit = hasher.finish() % BITS;
        let word = usize::try_from(bit / 64).ok().and_then(|word| self.words.get_mut(word));
        if let Some(word) = word {
            *word |= 1 << (bit % 64);
        }
    }

    pub(crate) fn estimate(&self) -> f64 {
        let clear: u64 = self.words.iter().map(|word| u64::from(word.count_zeros())).sum();
        let bits = BITS as f64;
        (bits * (bits / clear.max(1) as f64).ln()).round()
    }

    pub(crate) fn save(&self) -> Vec<u64> {
        self.words.to_vec()
    }

    pub(crate) fn load(words: Vec<u64>) -> Option<Self> {
        Some(Self { words: words.into_boxed_slice().try_into().ok()? })
    }
}

#[cfg(test)]
mod tests;
