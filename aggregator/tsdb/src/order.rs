//! Comparing and sorting label sets by their packed bytes, many times faster than label by label.

use std::cmp::Ordering;

use model::labels::Labels;

/// The order of `Labels`, without looking at what both have in common.
pub(crate) fn compare(a: &Labels, b: &Labels) -> Ordering {
    compare_packed(a.as_bytes(), b.as_bytes())
}

/// Packed label sets are texts with their lengths before them. Up to the first byte that differs
/// both have the same texts; the texts that this byte belongs to decide.
pub(crate) fn compare_packed(a: &[u8], b: &[u8]) -> Ordering {
    let differs = first_difference(a, b);
    if differs >= a.len() || differs >= b.len() {
        return a.len().cmp(&b.len());
    }
    let mut at = 0;
    loop {
        let (text_a, end) = text(a, at);
        if differs < end {
            return text_a.cmp(text(b, at).0);
        }
        at = end;
    }
}

fn first_difference(a: &[u8], b: &[u8]) -> usize {
    let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
    let same = words.take_while(|(a, b)| a == b).count() * 8;
    let (rest_a, rest_b) = (a.get(same..).unwrap_or_default(), b.get(same..).unwrap_or_default());
    same + rest_a.iter().zip(rest_b).take_while(|(a, b)| a == b).count()
}

/// The text at a position and where it ends.
fn text(packed: &[u8], at: usize) -> (&[u8], usize) {
    let rest = packed.get(at..).unwrap_or_default();
    let (mut length, mut shift, mut header) = (0usize, 0u32, 0);
    for byte in rest {
        header += 1;
        length |= usize::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        shift += 7;
        if *byte < 0x80 {
            break;
        }
    }
    let text = rest.get(header..).unwrap_or_default();
    let text = text.get(..length).unwrap_or(text);
    // At least one byte is passed, so that no bytes whatever keep the caller for ever.
    (text, at + (header + text.len()).max(1))
}

/// So few are compared with each other at once.
const FEW: usize = 8;

/// So many are sorted, or looked at, between two questions whether to go on.
const SETS_PER_CHECK: usize = 1 << 16;

/// Sorts by labels. What has the same labels keeps its order. Where `check` ends it, the order is any.
pub(crate) fn sort<T, E>(
    found: &mut Vec<T>,
    labels: impl Fn(&T) -> &Labels,
    check: impl Fn() -> Result<(), E>,
) -> Result<(), E> {
    if is_sorted(found, &labels, &check)? {
        return Ok(());
    }
    let sets: Vec<&[u8]> = found.iter().map(|one| labels(one).as_bytes()).collect();
    let order = order(&sets, check)?;
    let mut taken: Vec<Option<T>> = std::mem::take(found).into_iter().map(Some).collect();
    found.extend(order.into_iter().filter_map(|place| taken.get_mut(place as usize)?.take()));
    Ok(())
}

fn is_sorted<T, E>(
    found: &[T],
    labels: &impl Fn(&T) -> &Labels,
    check: &impl Fn() -> Result<(), E>,
) -> Result<bool, E> {
    let mut last: Option<&T> = None;
    for some in found.chunks(SETS_PER_CHECK) {
        check()?;
        let in_order = |a: &T, b: &T| compare(labels(a), labels(b)).is_le();
        if !some.is_sorted_by(in_order)
            || last.zip(some.first()).is_some_and(|(last, first)| !in_order(last, first))
        {
            return Ok(false);
        }
        last = some.last();
    }
    Ok(true)
}

/// A set that is being sorted: the text that decides, cut to a number, its length before the cut,
/// and the place of the set.
#[derive(Clone, Copy, Debug)]
struct Item {
    key: u64,
    length: u32,
    place: u32,
}

impl Item {
    /// Whether the number is the whole text.
    fn is_whole(&self) -> bool {
        self.length as usize <= size_of::<u64>()
    }
}

/// The places of the sets in order. Sets are compared only by the first text that they do not all
/// have in common; those that have it in common go on to the next such text, and so forth.
fn order<E>(sets: &[&[u8]], check: impl Fn() -> Result<(), E>) -> Result<Vec<u32>, E> {
    let places = 0..sets.len() as u32;
    let mut items: Vec<Item> = places.map(|place| Item { key: 0, length: 0, place }).collect();
    let set = |item: &Item| sets.get(item.place as usize).copied().unwrap_or_default();
    // Ranges that are yet to be sorted, and up to where their sets are the same.
    let mut todo = vec![(0..items.len(), 0)];
    let mut since_check = 0;
    while let Some((range, same)) = todo.pop() {
        let Some(group) = items.get_mut(range.clone()) else { continue };
        since_check += group.len();
        if since_check >= SETS_PER_CHECK {
            since_check = 0;
            check()?;
        }
        if group.len() <= FEW {
            group.sort_by(|a, b| compare_packed(set(a), set(b)));
            continue;
        }
        let Some(first) = group.first().map(set) else { continue };
        let rest = first.get(same..).unwrap_or_default();
        let equal = |item: &Item| first_difference(rest, set(item).get(same..).unwrap_or_default());
        let differs = same + group.iter().map(equal).min().unwrap_or(0);
        let mut at = same;
        while at < first.len() && text(first, at).1 <= differs {
            at = text(first, at).1;
        }
        // A set that has ended is less than those that go on.
        let here =
            |item: &Item| Some(set(item)).filter(|set| at < set.len()).map(|set| text(set, at));
        let ends = |item: &Item| here(item).map_or(at, |(_, end)| end);
        let texts = |item: &Item| here(item).map(|(text, _)| text);
        let common = group.first().and_then(texts).unwrap_or_default();
        let shared = |item: &Item| first_difference(common, texts(item).unwrap_or_default());
        let skip = group.iter().map(shared).min().unwrap_or(0);
        for item in &mut *group {
            let rest = texts(item).and_then(|text| text.get(skip..)).unwrap_or_default();
            (item.key, item.length) = (number(rest), u32::try_from(rest.len()).unwrap_or(u32::MAX));
        }
        // Going back to the sets means waiting for memory, which mostly is not needed.
        let by_text = |a: &Item, b: &Item| {
            a.key.cmp(&b.key).then_with(|| match a.is_whole() && b.is_whole() {
                true => a.length.cmp(&b.length),
                false => texts(a).cmp(&texts(b)),
            })
        };
        // Sorted in parts, and then the parts, which the algorithm finds sorted, are merged.
        for part in group.chunks_mut(SETS_PER_CHECK) {
            part.sort_by(by_text);
            if part.len() == SETS_PER_CHECK {
                check()?;
            }
        }
        group.sort_by(by_text);
        let mut start = range.start;
        for same in group.chunk_by(|a, b| by_text(a, b).is_eq()) {
            let ended = same.first().is_none_or(|item| ends(item) == at);
            if same.len() > 1 && !ended {
                todo.push((start..start + same.len(), same.first().map_or(at, ends)));
            }
            start += same.len();
        }
    }
    Ok(items.into_iter().map(|item| item.place).collect())
}

/// The first bytes of a text as a number in the same order.
fn number(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests;
