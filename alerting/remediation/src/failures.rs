//! What fails at the same time: open incidents counted by app and by node, all of them and those
//! that began lately.

use std::collections::{BTreeMap, BTreeSet};

use model::{tenant::TenantId, time::Timestamp};

use crate::fleet::{AppKey, Key};

/// Where an incident counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) app: AppKey,
    pub(crate) node: String,
}

/// Counts of one set of incidents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    apps: BTreeMap<AppKey, u32>,
    nodes: BTreeMap<String, BTreeMap<TenantId, u32>>,
}

impl Tally {
    pub(crate) fn apps(&self) -> usize {
        self.apps.len()
    }

    /// Tenants with a failing instance on a node.
    pub(crate) fn tenants_on(&self, node: &str) -> usize {
        self.nodes.get(node).map_or(0, BTreeMap::len)
    }

    fn add(&mut self, place: &Place) {
        *self.apps.entry(place.app.clone()).or_default() += 1;
        let tenants = self.nodes.entry(place.node.clone()).or_default();
        *tenants.entry(place.app.tenant.clone()).or_default() += 1;
    }

    fn remove(&mut self, place: &Place) {
        decrement(&mut self.apps, &place.app);
        if let Some(tenants) = self.nodes.get_mut(&place.node) {
            decrement(tenants, &place.app.tenant);
            if tenants.is_empty() {
                self.nodes.remove(&place.node);
            }
        }
    }
}

fn decrement<K: Ord>(counts: &mut BTreeMap<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// Open incidents that are not left to a person.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failures {
    open: BTreeMap<Key, (Timestamp, Place)>,
    /// Those still counted in `recent`, by the time they began.
    ages: BTreeSet<(Timestamp, Key)>,
    pub(crate) current: Tally,
    pub(crate) recent: Tally,
}

impl Failures {
    pub(crate) fn open(&mut self, key: Key, began: Timestamp, place: Place) {
        self.close(key);
        self.current.add(&place);
        self.recent.add(&place);
        self.ages.insert((began, key));
        self.open.insert(key, (began, place));
    }

    pub(crate) fn close(&mut self, key: Key) {
        if let Some((began, place)) = self.open.remove(&key) {
            self.current.remove(&place);
            if self.ages.remove(&(began, key)) {
                self.recent.remove(&place);
            }
        }
    }

    /// Stops counting as recent what began at or before `oldest`.
    pub(crate) fn age(&mut self, oldest: Timestamp) {
        while let Some((began, key)) = self.ages.first().copied() {
            if began > oldest {
                break;
            }
            self.ages.remove(&(began, key));
            if let Some((_, place)) = self.open.get(&key) {
                self.recent.remove(place);
            }
        }
    }
}

#[cfg(test)]
mod tests;
