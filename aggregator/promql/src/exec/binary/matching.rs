//! Finds which series of two vectors belong together.

use std::collections::HashMap;

use model::labels::{Labels, METRIC_NAME};

use super::super::series::Series;
use crate::ast::Matching;

/// Series of both sides that have the same values of the labels that count.
#[derive(Debug, Default)]
pub(super) struct MatchGroup {
    /// Places among the series of each side.
    pub(super) left: Vec<usize>,
    pub(super) right: Vec<usize>,
}

/// Groups the series of both sides, in order of first appearance.
pub(super) fn groups(left: &[Series], right: &[Series], matching: &Matching) -> Vec<MatchGroup> {
    let mut groups: Vec<MatchGroup> = Vec::new();
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let sides = left.iter().map(|series| (series, true)).enumerate();
    let sides = sides.chain(right.iter().map(|series| (series, false)).enumerate());
    for (number, (series, is_left)) in sides {
        let place = *places.entry(signature(&series.labels, matching)).or_insert_with(|| {
            groups.push(MatchGroup::default());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            if is_left { &mut group.left } else { &mut group.right }.push(number);
        }
    }
    groups
}

/// The labels that count.
pub(super) fn signature(labels: &Labels, matching: &Matching) -> Labels {
    let named = |name: &str| matching.labels.iter().any(|label| label == name);
    if matching.on {
        labels.filter(named)
    } else {
        labels.filter(|name| name != METRIC_NAME && !named(name))
    }
}
