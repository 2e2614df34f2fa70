//! Labels that federation gives each series.

use std::collections::BTreeMap;

use model::labels::Labels;

/// Labels that a series gets where it has none of the name. Their values may be empty, which tells
/// a scraper to leave the label out instead of putting its own there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attached<'a>(Option<&'a BTreeMap<String, String>>);

impl<'a> Attached<'a> {
    pub fn new(labels: &'a BTreeMap<String, String>) -> Self {
        Self(Some(labels))
    }

    pub(super) fn missing_in(self, labels: &Labels) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all = self.0.into_iter().flatten();
        let missing = all.filter(|(name, _)| labels.get(name).is_none());
        missing.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
