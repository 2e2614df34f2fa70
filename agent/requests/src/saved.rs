//! A recorder's totals between two runs, so that counters go on where they were.

use serde::{Deserialize, Serialize};

pub(crate) use crate::recorder::kind::SavedKind;

/// What a recorder last wrote, as it can be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    pub(crate) flushed: Option<i64>,
    pub(crate) tenants: Vec<SavedTenant>,
}

impl Saved {
    /// Whether both have the same totals, whenever they were written.
    pub fn has_same_totals(&self, other: &Self) -> bool {
        self.tenants == other.tenants
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedTenant {
    pub(crate) name: String,
    pub(crate) kinds: Vec<SavedKind>,
    pub(crate) excess: Option<SavedExcess>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedExcess {
    pub(crate) kind: SavedKind,
    pub(crate) count: u64,
    pub(crate) distinct: Vec<u64>,
}

/// Totals that no recorder could have saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the totals are damaged or beyond the bounds")]
pub struct InvalidSaved;
