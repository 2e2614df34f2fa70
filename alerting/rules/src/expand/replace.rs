//! Replaces what a pattern matches.

use regex::{Captures, Regex};
use template::format::Bounded;

/// What `Regex::replace_all` gives, ended once it is past `most` bytes. Both many matches and many
/// references of the replacement multiply the text, so that neither is written out first.
pub(super) fn all(pattern: &Regex, text: &str, replacement: &str, most: usize) -> String {
    let mut out = Bounded::new(most);
    let mut written = 0;
    for captures in pattern.captures_iter(text) {
        if out.is_over() {
            return out.into_string();
        }
        let matched = captures.get_match();
        out.push_str(text.get(written..matched.start()).unwrap_or_default());
        expand(&mut out, &captures, replacement);
        written = matched.end();
    }
    out.push_str(text.get(written..).unwrap_or_default());
    out.into_string()
}

/// Writes the replacement of one match. Groups that there are not, or that took no part, are empty.
fn expand(out: &mut Bounded, captures: &Captures<'_>, replacement: &str) {
    let mut rest = replacement;
    while let Some((before, after)) = rest.split_once('$') {
        if out.is_over() {
            return;
        }
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let Some((name, after)) = reference(after) else {
            out.push('$');
            rest = after;
            continue;
        };
        let group = match name.parse() {
            Ok(number) => captures.get(number),
            Err(_) => captures.name(name),
        };
        out.push_str(group.map_or("", |group| group.as_str()));
        rest = after;
    }
    out.push_str(rest);
}

/// The name or number behind a `$`, in braces or as long as it can be, and what follows it.
fn reference(after: &str) -> Option<(&str, &str)> {
    if let Some(braced) = after.strip_prefix('{') {
        return braced.split_once('}');
    }
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let (name, rest) = after.split_at_checked(after.bytes().take_while(|b| named(b)).count())?;
    (!name.is_empty()).then_some((name, rest))
}

#[cfg(test)]
mod tests;
