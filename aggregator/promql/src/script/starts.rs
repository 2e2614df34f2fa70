//! The notation of start timestamps: `metric{…}@st -1m _x2 -1m+30sx3`, offsets to the times of the
//! samples on the next line.

use model::labels::Labels;

use super::notation::{Notated, parse_series};
use crate::text::duration;

/// Whether a line gives start timestamps.
pub(super) fn is_starts(line: &str) -> bool {
    line.split_whitespace().next().is_some_and(|metric| metric.ends_with("@st"))
        && line.contains(char::is_whitespace)
}

/// The series, and an offset in milliseconds for each of its samples.
pub(super) fn parse(line: &str) -> Result<(Labels, Vec<Option<i64>>), String> {
    let (metric, offsets) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let metric = metric.strip_suffix("@st").unwrap_or(metric);
    let (labels, _): (Labels, Vec<Notated>) = parse_series(metric)?;
    let mut values = Vec::new();
    for item in offsets.split_whitespace() {
        parse_item(item, &mut values)
            .map_err(|error| format!("invalid ST item {item:?}: {error}"))?;
    }
    Ok((labels, values))
}

fn parse_item(item: &str, values: &mut Vec<Option<i64>>) -> Result<(), String> {
    if let Some(rest) = item.strip_prefix('_') {
        let count = match rest.strip_prefix('x') {
            Some(count) => repeat_count(count)?,
            None if rest.is_empty() => 1,
            None => return Err("unexpected character after '_'".to_owned()),
        };
        values.extend(std::iter::repeat_n(None, count));
        return Ok(());
    }
    let (mut offset, rest) = offset(item)?;
    let (step, rest) = match rest.strip_prefix(['+', '-']) {
        Some(unsigned) => {
            let (step, rest) = self::offset(unsigned)?;
            (
                if rest.len() < unsigned.len() && item_is_negative(rest, item) {
                    -step
                } else {
                    step
                },
                rest,
            )
        }
        None => (0, rest),
    };
    let repeats = match rest.strip_prefix('x') {
        Some(count) => repeat_count(count)?,
        None if rest.is_empty() && step == 0 => 0,
        None => return Err("expected 'x<count>' after the step".to_owned()),
    };
    for _ in 0..=repeats {
        values.push(Some(offset));
        offset += step;
    }
    Ok(())
}

/// Whether the step before `rest` was written with a minus.
fn item_is_negative(rest: &str, item: &str) -> bool {
    let before = item.strip_suffix(rest).unwrap_or(item);
    before.rfind(['+', '-']).is_some_and(|at| before.get(at..).is_some_and(|b| b.starts_with('-')))
}

fn repeat_count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count <= 100_000).ok_or_else(|| "invalid repeat count".into())
}

/// A duration with an optional sign at the start of a text, in milliseconds, and what follows.
fn offset(text: &str) -> Result<(i64, &str), String> {
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let letters = unsigned
        .bytes()
        .skip(digits)
        .take_while(|byte| byte.is_ascii_alphabetic() && *byte != b'x')
        .count();
    let (duration, rest) = unsigned
        .split_at_checked(digits + letters)
        .ok_or_else(|| "expected a duration".to_owned())?;
    let millis = duration::parse(duration)?;
    Ok((if negative { -millis } else { millis }, rest))
}
