//! The packed form of a label set, read without copying (`model::labels` describes it).

use std::ops::Range;

use codec::varint::take_u64;
use model::labels::METRIC_NAME;

/// The labels of a packed set. Stops early if the bytes are not one.
#[derive(Clone, Debug)]
pub(crate) struct PackedLabels<'a> {
    rest: &'a [u8],
}

pub(crate) fn labels(packed: &[u8]) -> PackedLabels<'_> {
    PackedLabels { rest: packed }
}

/// The value of `__name__`, empty when there is none.
pub(crate) fn metric(packed: &[u8]) -> &str {
    labels(packed).find(|(name, _)| *name == METRIC_NAME).map_or("", |(_, value)| value)
}

/// Where a label stands in a packed set, and its value.
pub(crate) fn find<'a>(packed: &'a [u8], name: &str) -> Option<(Range<usize>, &'a str)> {
    let mut labels = labels(packed);
    loop {
        let before = packed.len() - labels.rest.len();
        let (found, value) = labels.next()?;
        if found == name {
            return Some((before..packed.len() - labels.rest.len(), value));
        }
    }
}

impl<'a> Iterator for PackedLabels<'a> {
    type Item = (&'a str, &'a str);
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        Some((take(&mut self.rest)?, take(&mut self.rest)?))
    }
}

#[inline]
fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(take_u64(rest)?).ok()?;
    let (text, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests;
