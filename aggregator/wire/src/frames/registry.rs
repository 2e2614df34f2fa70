//! The groups that a sender has registered, and where in them each series is.

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::{group::Group, limits::GROUPS_MAX};

/// Series in all groups. What is beyond travels as remote write does.
const SERIES_MAX: usize = 1 << 20;

/// A member of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) group: u32,
    pub(super) slot: u32,
}

/// All groups of an epoch.
#[derive(Debug, Default)]
pub(super) struct Registry {
    groups: Vec<Option<Group>>,
    /// Numbers of groups that are gone.
    free: Vec<u32>,
    /// Every member with the hash of its label set.
    places: HashTable<(u64, Place)>,
    /// Where the next series is expected: behind the last one found, or behind the last one found
    /// in another group. Sources write their series in the same order each tick, at most with
    /// those of two groups taking turns.
    expected: [Place; 2],
}

impl Registry {
    pub(super) fn get(&self, number: u32) -> Option<&Group> {
        self.groups.get(number as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Group> {
        self.groups.get_mut(number as usize)?.as_mut()
    }

    /// All groups with their numbers, in order of number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Group)> {
        let groups = self.groups.iter().enumerate();
        groups.filter_map(|(number, group)| Some((number as u32, group.as_ref()?)))
    }

    fn holds(&self, place: Place, packed: &[u8]) -> bool {
        self.get(place.group).and_then(|group| group.labels().get(place.slot as usize))
            == Some(packed)
    }

    /// Where the series of a label set is.
    pub(super) fn find(&mut self, packed: &[u8]) -> Option<Place> {
        let [here, there] = self.expected;
        let place = if self.holds(here, packed) {
            here
        } else if self.holds(there, packed) {
            self.expected[1] = here;
            there
        } else {
            let hash = hash(packed);
            let found = self
                .places
                .find(hash, |(known, place)| *known == hash && self.holds(*place, packed));
            let place = found.map(|(_, place)| *place)?;
            if place.group != here.group {
                self.expected[1] = here;
            }
            place
        };
        self.expected[0] = Place { slot: place.slot + 1, ..place };
        Some(place)
    }

    /// The number of a new group without members. `None` when there are too many.
    pub(super) fn open(&mut self) -> Option<u32> {
        let number = match self.free.pop() {
            Some(number) => number,
            None if self.groups.len() < GROUPS_MAX => {
                self.groups.push(None);
                self.groups.len() as u32 - 1
            }
            None => return None,
        };
        *self.groups.get_mut(number as usize)? = Some(Group::default());
        Some(number)
    }

    pub(super) fn is_full(&self) -> bool {
        self.places.len() >= SERIES_MAX
    }

    /// Adds a series that is in no group to one.
    pub(super) fn add(&mut self, group: u32, packed: &[u8]) -> Place {
        let slot = self.get_mut(group).map_or(0, |members| {
            members.push_member(packed);
            members.len() as u32 - 1
        });
        let place = Place { group, slot };
        let hash = hash(packed);
        self.places.insert_unique(hash, (hash, place), |(hash, _)| *hash);
        place
    }

    pub(super) fn remove(&mut self, number: u32) {
        let group = self.groups.get_mut(number as usize).and_then(Option::take);
        let Some(group) = group else { return };
        for packed in group.labels().members() {
            let of_group = |(_, place): &(u64, Place)| place.group == number;
            if let Ok(entry) = self.places.find_entry(hash(packed), of_group) {
                entry.remove();
            }
        }
        self.free.push(number);
    }
}

fn hash(packed: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(packed);
    hasher.finish()
}

#[cfg(test)]
mod tests;
