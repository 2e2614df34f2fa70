//! The common and combined log formats of Apache and nginx, with a duration behind if there is one.
//!
//! `192.0.2.1 - ann [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 2326 "referer" "agent" 0.003`

use std::borrow::Cow;

use super::{LogError, LogLine, request_line, scaled, status};

/// Digits from seconds to microseconds.
const SECONDS: u32 = 6;

pub(super) fn parse(line: &str) -> Result<LogLine<'_>, LogError> {
    let (_, rest) = line.split_once(']').ok_or(LogError::Combined)?;
    let (request, rest) = quoted(rest).ok_or(LogError::Combined)?;
    let mut words = rest.split_ascii_whitespace();
    let code = words.next().and_then(status).ok_or(LogError::NoStatus)?;
    let response_bytes = words.next().and_then(|bytes| bytes.parse().ok());
    let (method, path) = request_line(request).unwrap_or_default();
    // After the referrer and the agent; `rt=` is a widespread way to mark it.
    let tail = quoted(rest).and_then(|(_, rest)| quoted(rest)).map(|(_, tail)| tail);
    let duration_micros = tail
        .unwrap_or_default()
        .split_ascii_whitespace()
        .find_map(|word| scaled(word.strip_prefix("rt=").unwrap_or(word), SECONDS));
    Ok(LogLine {
        method: Cow::Borrowed(method),
        path: Cow::Borrowed(path),
        code,
        duration_micros,
        response_bytes,
        ..LogLine::default()
    })
}

/// The next text in double quotes, and what comes after. A quote after a backslash does not end
/// it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (_, text) = text.split_once('"')?;
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    let (inside, after) = text.split_at_checked(end)?;
    Some((inside, after.get(1..)?))
}
