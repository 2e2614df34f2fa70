//! The label set of the series before, to be changed into that of the next.
//!
//! Neighbours in a request mostly have the same label names and nearly all the same values. Then
//! only the values that differ need to be looked up and checked, and the rest of the packed set is
//! copied in a few pieces.

use codec::varint::put_u64;
use model::labels::METRIC_NAME;

use crate::series::Committed;

/// What a message says a label with, before it is looked up.
pub(super) trait Key: Copy + PartialEq {}
impl<K: Copy + PartialEq> Key for K {}

/// A label, and the bytes that its name and value take in the packed set, none if it is lifted.
#[derive(Clone, Copy, Debug)]
struct Part<'a> {
    name: &'a str,
    value: &'a str,
    name_bytes: usize,
    value_bytes: usize,
}

/// A label set that was accepted, with the keys that it came from.
#[derive(Debug)]
pub(super) struct Template<'a, K> {
    keys: Vec<K>,
    /// Whether what follows is that of the keys.
    ready: bool,
    parts: Vec<Part<'a>>,
    packed: Vec<u8>,
    /// The packed set as it will be next; kept for its memory.
    next: Vec<u8>,
    text_bytes: usize,
    lifted: Option<&'a str>,
    metric: &'a str,
}

impl<K> Default for Template<'_, K> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            ready: false,
            parts: Vec::new(),
            packed: Vec::new(),
            next: Vec::new(),
            text_bytes: 0,
            lifted: None,
            metric: "",
        }
    }
}

impl<'a, K: Key> Template<'a, K> {
    /// Without the lifted label.
    pub(super) fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// Length of all names and values, the lifted among them.
    pub(super) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    pub(super) fn committed(&self) -> Committed<'a> {
        Committed { lifted: self.lifted, metric: self.metric }
    }

    /// Whether a label is the same as the one that can be followed.
    #[inline]
    pub(super) fn holds(&self, number: usize, key: K) -> bool {
        self.ready && self.keys.get(number) == Some(&key)
    }

    /// Becomes the label set of other keys, if they have the same names, and values of 1 to
    /// `value_max` bytes.
    pub(super) fn follow(
        &mut self,
        keys: &[K],
        label: impl Fn(K) -> Option<(&'a str, &'a str)>,
        value_max: usize,
    ) -> bool {
        if self.ready && self.keys.len() == keys.len() {
            self.ready = self.replace_values(keys, label, value_max).is_some();
            return self.ready;
        }
        false
    }

    fn replace_values(
        &mut self,
        keys: &[K],
        label: impl Fn(K) -> Option<(&'a str, &'a str)>,
        value_max: usize,
    ) -> Option<()> {
        self.next.clear();
        let (mut copied, mut at) = (0, 0);
        for ((known, key), part) in self.keys.iter_mut().zip(keys).zip(&mut self.parts) {
            at += part.name_bytes;
            let value_at = at;
            at += part.value_bytes;
            if known == key {
                continue;
            }
            let (name, value) = label(*key)?;
            if name != part.name || value.is_empty() || value.len() > value_max {
                return None;
            }
            self.text_bytes = self.text_bytes - part.value.len() + value.len();
            *known = *key;
            part.value = value;
            if part.name_bytes == 0 {
                self.lifted = Some(value);
                continue;
            }
            if name == METRIC_NAME {
                self.metric = value;
            }
            self.next.extend_from_slice(self.packed.get(copied..value_at)?);
            copied = at;
            part.value_bytes = put(&mut self.next, value);
        }
        if copied > 0 {
            self.next.extend_from_slice(self.packed.get(copied..)?);
            std::mem::swap(&mut self.packed, &mut self.next);
        }
        Some(())
    }

    /// Notes the keys of a label set that was accepted. It can be followed if it has some of them
    /// in common with the one before: for one that stands alone it is not worth the work.
    pub(super) fn learn(
        &mut self,
        keys: &[K],
        label: impl Fn(K) -> Option<(&'a str, &'a str)>,
        lift: Option<&str>,
    ) {
        let alike = self.keys.len() == keys.len()
            && self.keys.iter().zip(keys).any(|(known, key)| known == key);
        self.keys.clear();
        self.keys.extend_from_slice(keys);
        self.ready = alike && self.build(label, lift).is_some();
    }

    /// `None` for what is not sorted or has empty values, which the batch mends.
    fn build(
        &mut self,
        label: impl Fn(K) -> Option<(&'a str, &'a str)>,
        lift: Option<&str>,
    ) -> Option<()> {
        self.parts.clear();
        self.packed.clear();
        (self.text_bytes, self.lifted, self.metric) = (0, None, "");
        let mut previous = "";
        for key in &self.keys {
            let (name, value) = label(*key)?;
            if name <= previous || value.is_empty() {
                return None;
            }
            previous = name;
            self.text_bytes += name.len() + value.len();
            let mut part = Part { name, value, name_bytes: 0, value_bytes: 0 };
            if lift == Some(name) {
                self.lifted = Some(value);
            } else {
                part.name_bytes = put(&mut self.packed, name);
                part.value_bytes = put(&mut self.packed, value);
            }
            if name == METRIC_NAME {
                self.metric = value;
            }
            self.parts.push(part);
        }
        Some(())
    }
}

/// Returns how many bytes it took.
fn put(packed: &mut Vec<u8>, text: &str) -> usize {
    let start = packed.len();
    put_u64(packed, text.len() as u64);
    packed.extend_from_slice(text.as_bytes());
    packed.len() - start
}
