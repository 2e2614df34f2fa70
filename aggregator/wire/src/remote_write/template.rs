//! The label set of the series before, to be changed into that of the next.
//!
//! Neighbours in a request mostly have the same label names and nearly all the same values. Then
//! only the values that differ need to be looked up and checked, and the rest of the packed set is
//! copied in a few pieces.

use codec::varint::put_u64;
use model::labels::METRIC_NAME;

use super::v2::symbol;

/// Bytes that a label takes in the packed set, none for the lifted one.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    name: usize,
    value: usize,
}

/// A label set that was accepted, with the references it came from.
#[derive(Debug, Default)]
pub(super) struct Template<'a> {
    /// Name and value of each label.
    refs: Vec<u64>,
    /// Whether what follows is that of `refs`.
    ready: bool,
    parts: Vec<Part>,
    packed: Vec<u8>,
    /// The packed set as it will be next; kept for its memory.
    next: Vec<u8>,
    text_bytes: usize,
    lifted_at: Option<usize>,
    lifted: Option<&'a str>,
    metric_at: usize,
    metric: &'a str,
}

impl<'a> Template<'a> {
    /// Without the lifted label.
    pub(super) fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// Length of all names and values, the lifted among them.
    pub(super) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    pub(super) fn lifted(&self) -> Option<&'a str> {
        self.lifted
    }

    pub(super) fn metric(&self) -> &'a str {
        self.metric
    }

    /// Becomes the label set of other references, if they have the same names, and values of 1 to
    /// `value_bytes` bytes.
    pub(super) fn follow(
        &mut self,
        refs: &[u64],
        symbols: &[Option<&'a str>],
        value_bytes: usize,
    ) -> bool {
        if !self.ready || !same_names(&self.refs, refs) {
            return false;
        }
        self.ready = self.replace_values(refs, symbols, value_bytes).is_some();
        self.ready
    }

    fn replace_values(
        &mut self,
        refs: &[u64],
        symbols: &[Option<&'a str>],
        value_bytes: usize,
    ) -> Option<()> {
        let (known, _) = self.refs.as_chunks_mut::<2>();
        let (refs, _) = refs.as_chunks::<2>();
        self.next.clear();
        let (mut copied, mut at) = (0, 0);
        for (number, ((known, [_, new]), part)) in
            known.iter_mut().zip(refs).zip(&mut self.parts).enumerate()
        {
            at += part.name;
            if known[1] != *new {
                let value = symbol(symbols, *new).ok()?;
                if value.is_empty() || value.len() > value_bytes {
                    return None;
                }
                let before = symbol(symbols, known[1]).ok()?.len();
                self.text_bytes = self.text_bytes - before + value.len();
                known[1] = *new;
                if self.lifted_at == Some(number) {
                    self.lifted = Some(value);
                    continue;
                }
                if self.metric_at == number {
                    self.metric = value;
                }
                self.next.extend_from_slice(self.packed.get(copied..at)?);
                copied = at + part.value;
                at = copied;
                part.value = put(&mut self.next, value);
            } else {
                at += part.value;
            }
        }
        if copied > 0 {
            self.next.extend_from_slice(self.packed.get(copied..)?);
            std::mem::swap(&mut self.packed, &mut self.next);
        }
        Some(())
    }

    /// Notes the references of a label set that was accepted. From the second of the same names on
    /// it can be followed: a name that comes once is not worth the work.
    pub(super) fn learn(&mut self, refs: &[u64], symbols: &[Option<&'a str>], lift: Option<&str>) {
        self.ready = false;
        let again = same_names(&self.refs, refs);
        self.refs.clear();
        self.refs.extend_from_slice(refs);
        self.ready = again && self.build(symbols, lift).is_some();
    }

    /// `None` for what is not sorted or has empty values, which the batch mends.
    fn build(&mut self, symbols: &[Option<&'a str>], lift: Option<&str>) -> Option<()> {
        self.parts.clear();
        self.packed.clear();
        (self.text_bytes, self.lifted_at, self.lifted) = (0, None, None);
        let (mut previous, mut metric) = ("", None);
        let (pairs, _) = self.refs.as_chunks::<2>();
        for (number, [name, value]) in pairs.iter().enumerate() {
            let (name, value) = (symbol(symbols, *name).ok()?, symbol(symbols, *value).ok()?);
            if name <= previous || value.is_empty() {
                return None;
            }
            previous = name;
            self.text_bytes += name.len() + value.len();
            let mut part = Part::default();
            if lift == Some(name) {
                (self.lifted_at, self.lifted) = (Some(number), Some(value));
            } else {
                part.name = put(&mut self.packed, name);
                part.value = put(&mut self.packed, value);
            }
            if name == METRIC_NAME {
                metric = Some((number, value));
            }
            self.parts.push(part);
        }
        (self.metric_at, self.metric) = metric?;
        Some(())
    }
}

fn same_names(known: &[u64], refs: &[u64]) -> bool {
    let mut pairs = known.as_chunks::<2>().0.iter().zip(refs.as_chunks::<2>().0);
    known.len() == refs.len() && pairs.all(|([known, _], [name, _])| known == name)
}

/// Returns how many bytes it took.
fn put(packed: &mut Vec<u8>, text: &str) -> usize {
    let start = packed.len();
    put_u64(packed, text.len() as u64);
    packed.extend_from_slice(text.as_bytes());
    packed.len() - start
}
