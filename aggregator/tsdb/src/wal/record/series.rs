//! Reading records of series, each told as what it does not share with the one before.

use codec::varint;

use super::take_bytes;

/// A series of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) number: u32,
    /// Packed.
    pub(crate) labels: &'a [u8],
    pub(crate) shared: Shared,
}

/// How many bytes at both ends two sets of labels have in common, at least. They do not overlap in
/// either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shared {
    pub(crate) prefix: usize,
    pub(crate) suffix: usize,
}

impl Shared {
    /// What a set has in common with itself.
    pub(crate) const ALL: Self = Self { prefix: usize::MAX, suffix: usize::MAX };

    /// What the first and the last of three sets share.
    pub(crate) fn and(self, next: Self) -> Self {
        Self { prefix: self.prefix.min(next.prefix), suffix: self.suffix.min(next.suffix) }
    }
}

/// From one entry to the next.
struct Step<'a> {
    number: u32,
    shared: Shared,
    middle: &'a [u8],
}

impl<'a> Step<'a> {
    fn take(input: &mut &'a [u8], before: u32) -> Option<Self> {
        let step = varint::take_i64(input)?;
        let number = u32::try_from(i64::from(before).checked_add(step)?).ok()?;
        let prefix = usize::try_from(varint::take_u64(input)?).ok()?;
        let suffix = usize::try_from(varint::take_u64(input)?).ok()?;
        Some(Self { number, shared: Shared { prefix, suffix }, middle: take_bytes(input)? })
    }

    /// How long the labels are, given how long those before were.
    fn length(&self, before: usize) -> Option<usize> {
        let shared = self.shared.prefix.checked_add(self.shared.suffix)?;
        (shared <= before).then(|| shared + self.middle.len())
    }

    /// Makes its labels of those before.
    fn apply(&self, labels: &mut Vec<u8>) -> Option<()> {
        let (before, length) = (labels.len(), self.length(labels.len())?);
        let Shared { prefix, suffix } = self.shared;
        labels.resize(before.max(length), 0);
        labels.copy_within(before - suffix..before, length - suffix);
        labels.truncate(length);
        labels.get_mut(prefix..length - suffix)?.copy_from_slice(self.middle);
        Some(())
    }
}

/// Reads the series of a record after its owner. `None` when the bytes are none.
pub(crate) fn read_series(mut input: &[u8], mut visit: impl FnMut(Entry<'_>)) -> Option<()> {
    let (mut number, mut labels) = (0, Vec::new());
    while !input.is_empty() {
        let step = Step::take(&mut input, number)?;
        step.apply(&mut labels)?;
        number = step.number;
        visit(Entry { number, labels: &labels, shared: step.shared });
    }
    Some(())
}

/// Reads only their numbers.
pub(crate) fn read_numbers(mut input: &[u8], mut visit: impl FnMut(u32)) -> Option<()> {
    let (mut number, mut length) = (0, 0);
    while !input.is_empty() {
        let step = Step::take(&mut input, number)?;
        length = step.length(length)?;
        number = step.number;
        visit(number);
    }
    Some(())
}
