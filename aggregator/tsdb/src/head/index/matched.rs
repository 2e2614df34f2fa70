//! What the index of a head remembers of a pattern.

use roaring::RoaringBitmap;

/// What was found for a pattern. Pairs and series only come, until some are removed, which makes
/// the index forget what it has found.
#[derive(Clone, Debug, Default)]
pub(super) struct Matched {
    /// The pairs with values that match, among the first so many of the name.
    pub(super) passing: RoaringBitmap,
    pub(super) pairs_seen: usize,
    /// The series that have one of them, and below which number all were looked at.
    pub(super) series: Option<(RoaringBitmap, u32)>,
}

impl Matched {
    pub(super) fn bytes(&self) -> usize {
        let series = self.series.as_ref().map_or(0, |(series, _)| series.serialized_size());
        size_of::<Self>() + self.passing.serialized_size() + series
    }
}
