//! Reading documents whose lists and maps take far more room in memory than as text: each entry is
//! counted while it is read, and reading ends where there is no room for more.
//!
//! Deserializers carry no state of their callers, so what is left is noted by thread.

use std::{cell::Cell, collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

/// Entries of a node of a `BTreeMap`, of how many at least are in use, and what it takes besides.
const NODE_ENTRIES: usize = 11;
const NODE_ENTRIES_USED: usize = 6;
const NODE_BYTES: usize = 112;
/// What a text takes besides its bytes, in the allocator's rounding.
const TEXT_BYTES: usize = 16;

thread_local! {
    static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Reads a document of `text_bytes`, which may take `bytes_max` in memory. What it takes, about, is
/// answered with the result: at most as much text as the document has, and all entries of lists
/// and maps.
pub fn within<T, E: Error>(
    bytes_max: usize,
    text_bytes: usize,
    read: impl FnOnce() -> Result<T, E>,
) -> Result<(T, usize), E> {
    let left = bytes_max.checked_sub(text_bytes).ok_or_else(|| too_large(bytes_max))?;
    let outer = Reset(LEFT.replace(left));
    let value = read();
    let used = bytes_max.saturating_sub(LEFT.get());
    drop(outer);
    Ok((value?, used))
}

/// Gives back what was noted before, also when reading panics.
struct Reset(usize);

impl Drop for Reset {
    fn drop(&mut self) {
        LEFT.set(self.0);
    }
}

fn too_large<E: Error>(missing: usize) -> E {
    E::custom(format_args!("it takes too much memory: there is no room for {missing} bytes more"))
}

fn take<E: Error>(bytes: usize) -> Result<(), E> {
    let left = LEFT.get().checked_sub(bytes).ok_or_else(|| too_large(bytes))?;
    LEFT.set(left);
    Ok(())
}

/// A list of any length that is counted.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    at_most::<D, T, { usize::MAX }>(deserializer)
}

/// A counted list that is refused as soon as it is too long.
pub(crate) fn at_most<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(Bounded::<T, MAX>(PhantomData))
}

/// A counted list of counted lists.
pub(crate) fn lists_at_most<'de, D, T, const MAX: usize>(
    deserializer: D,
) -> Result<Vec<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let lists = at_most::<D, Counted<T>, MAX>(deserializer)?;
    Ok(lists.into_iter().map(|Counted(list)| list).collect())
}

/// A counted map.
pub(crate) fn map<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    deserializer.deserialize_map(CountedMap(PhantomData))
}

struct Counted<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Counted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        list(deserializer).map(Self)
    }
}

struct Bounded<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Bounded<T, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element()? {
            if list.len() >= MAX {
                return Err(A::Error::custom(format_args!("a list is longer than {MAX}")));
            }
            take(size_of::<T>() + TEXT_BYTES)?;
            list.push(entry);
        }
        // What growing has kept in reserve is not counted.
        list.shrink_to_fit();
        Ok(list)
    }
}

struct CountedMap<K, V>(PhantomData<(K, V)>);

impl<'de, K, V> Visitor<'de> for CountedMap<K, V>
where
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
{
    type Value = BTreeMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut map = BTreeMap::new();
        let mut read = 0_usize;
        while let Some((name, value)) = entries.next_entry()? {
            if read.is_multiple_of(NODE_ENTRIES_USED) {
                take(NODE_ENTRIES * (size_of::<K>() + size_of::<V>()) + NODE_BYTES)?;
            }
            take(2 * TEXT_BYTES)?;
            read += 1;
            map.insert(name, value);
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests;
