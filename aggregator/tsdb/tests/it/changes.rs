//! Random changes of files: what a disk does to them, and what no checksum shows.

use std::path::PathBuf;

use disk::sim::Random;

/// What a change was, as far as it matters to what must hold.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) file: PathBuf,
    /// The change does not show in checksums, so anything may be read.
    pub(crate) unseen: bool,
    /// Nothing was moved.
    pub(crate) same_length: bool,
    /// Only one bit.
    pub(crate) single_bit: bool,
}

/// Changes one file.
pub(super) fn mutate(files: &mut [(PathBuf, Vec<u8>)], random: &mut Random) -> Change {
    let at = random.index(files.len());
    let other = files[random.index(files.len())].1.clone();
    let (path, bytes) = &mut files[at];
    let mut change =
        Change { file: path.clone(), unseen: false, same_length: true, single_bit: false };
    let (start, end) = {
        let (a, b) = (random.index(bytes.len() + 1), random.index(bytes.len() + 1));
        (a.min(b), a.max(b))
    };
    match random.below(9) {
        0 | 1 if !bytes.is_empty() => {
            change.single_bit = true;
            let at = random.index(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        2 => bytes[start..end].fill([0, 0xff][random.index(2)]),
        3 => {
            let end = end.min(start + 64);
            bytes[start..end].iter_mut().for_each(|byte| *byte = random.next_u64() as u8);
        }
        4 => {
            change.same_length = false;
            bytes.truncate(start);
        }
        5 => {
            change.same_length = false;
            bytes.drain(start..end);
        }
        6 => {
            change.same_length = false;
            let copied: Vec<u8> = bytes[start..end].to_vec();
            let to = random.index(bytes.len() + 1);
            bytes.splice(to..to, copied);
        }
        7 => {
            change.same_length = false;
            let from = random.index(other.len() + 1);
            let to = from + random.index(other.len() - from + 1);
            bytes.splice(start..end, other[from..to].iter().copied());
        }
        _ => {
            change.unseen = true;
            for _ in 0..=random.below(3) {
                hide(bytes, random);
            }
        }
    }
    change
}

/// Coefficients of the polynomial of CRC32C without the first, which is one (Castagnoli, 1993).
const POLYNOMIAL: u32 = 0x1edc_6f41;

/// Changes bytes so that the checksum of whatever contains them stays the same: a multiple of the
/// polynomial is added somewhere. This is how changes get past every checksum, as those of a
/// faulty writer would.
fn hide(bytes: &mut [u8], random: &mut Random) {
    let Some(last) = (bytes.len() * 8).checked_sub(33) else { return };
    let from = random.index(last + 1);
    for _ in 0..=random.below(8) {
        let shift = random.index(64).min(last - from);
        for bit in 0..33 {
            if bit == 0 || POLYNOMIAL >> (32 - bit) & 1 == 1 {
                let at = from + shift + bit;
                bytes[at / 8] ^= 1 << (at % 8);
            }
        }
    }
}

/// Whether [`hide`] does what it says; a test of the tests.
pub(crate) fn changes_are_hidden(random: &mut Random) -> bool {
    let before: Vec<u8> = (0..100).map(|_| random.next_u64() as u8).collect();
    let mut after = before.clone();
    hide(&mut after, random);
    codec::checksum::crc32c(&before) == codec::checksum::crc32c(&after)
}
