//! `html`, `js` and `urlquery`. Each stops once it is past `most` bytes: the caller refuses that.

use std::fmt::Write;

use crate::{format::Bounded, quote};

fn map(text: &str, most: usize, mut one: impl FnMut(&mut Bounded, char)) -> String {
    let mut out = Bounded::new(most);
    for character in text.chars() {
        one(&mut out, character);
        if out.is_over() {
            break;
        }
    }
    out.into_string()
}

pub(super) fn html(text: &str, most: usize) -> String {
    map(text, most, |out, character| match character {
        '"' => out.push_str("&#34;"),
        '\'' => out.push_str("&#39;"),
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '\0' => out.push('\u{fffd}'),
        other => out.push(other),
    })
}

pub(super) fn js(text: &str, most: usize) -> String {
    map(text, most, |out, character| match character {
        '\\' | '\'' | '"' => {
            out.push('\\');
            out.push(character);
        }
        '<' | '>' | '&' | '=' => unicode(out, character),
        _ if u32::from(character) < 0x20 => unicode(out, character),
        _ if character.is_ascii() || quote::is_printable(character) => out.push(character),
        _ => unicode(out, character),
    })
}

fn unicode(out: &mut Bounded, character: char) {
    // What fails is past the limit, where the caller looks.
    write!(out, "\\u{:04X}", u32::from(character)).ok();
}

/// The escapes of a query's values: letters, digits and `-_.~` stay, a space becomes `+`.
pub(super) fn url_query(text: &str, most: usize) -> String {
    map(text, most, |out, character| match character {
        ' ' => out.push('+'),
        '-' | '_' | '.' | '~' => out.push(character),
        _ if character.is_ascii_alphanumeric() => out.push(character),
        _ => {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                write!(out, "%{byte:02X}").ok();
            }
        }
    })
}
