//! Queries with errors of transmission and of typing.

use disk::sim::Random;

use crate::random::pick;

/// Pieces of the language and what looks like them.
const PIECES: [&str; 40] = [
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "`",
    ",",
    "=~",
    "!~",
    "==",
    "<",
    "/",
    "^",
    "-",
    "+",
    "@",
    ":",
    "\\",
    "#",
    "\n",
    " ",
    "\u{fc}",
    "\u{1f30a}",
    "\0",
    "9",
    "1e999",
    "0x",
    "Inf",
    "offset",
    "by",
    "bool",
    "group_left",
    "5m",
    "1y1y1y",
    "start()",
    "{{",
    "fill",
];

/// Changes a few bytes, words or stretches.
pub(crate) fn mutate(query: &str, random: &mut Random) -> String {
    let mut bytes = query.as_bytes().to_vec();
    for _ in 0..1 + random.index(4) {
        let at = random.index(bytes.len() + 1);
        let to = (at + random.index(12)).min(bytes.len());
        match random.index(6) {
            0 => drop(bytes.drain(at..to)),
            1 => {
                let copy = bytes[at..to].to_vec();
                let place = random.index(bytes.len() + 1);
                bytes.splice(place..place, copy);
            }
            2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.below(256) as u8;
                }
            }
            3 => {
                let piece = pick(random, &PIECES).repeat(1 + random.index(3));
                bytes.splice(at..at, piece.bytes());
            }
            4 => bytes.truncate(at),
            _ => {
                bytes.splice(at..to, pick(random, &PIECES).bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
