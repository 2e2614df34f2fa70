//! The body of an answer, by RFC 9112 section 6 and 7.

use super::exchange::BODY_BYTES_MAX;
use crate::outcome::{Class, Failed};

/// What was read of a body: its length, and its bytes if somebody wants to look at them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    len: usize,
    pub(super) bytes: Option<Vec<u8>>,
}

impl Body {
    pub(super) fn new(keep: bool) -> Self {
        Self { len: 0, bytes: keep.then(Vec::new) }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn push(&mut self, taken: &[u8]) {
        self.len += taken.len();
        if let Some(bytes) = &mut self.bytes {
            bytes.extend_from_slice(taken);
        }
    }
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// Longest line in a chunked body: a size with its extensions, or a trailer.
const LINE_BYTES_MAX: usize = 4096;
/// All trailers together.
const TRAILER_BYTES_MAX: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes of data are left.
    Data(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailer(usize),
    UntilClose,
    Complete,
}

/// Takes the body out of what was read.
#[derive(Debug)]
pub(super) struct Reader {
    state: State,
}

impl Reader {
    pub(super) fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Complete,
            Framing::Length(bytes) => State::Data(bytes),
            Framing::Chunked => State::ChunkSize,
            Framing::UntilClose => State::UntilClose,
        };
        Self { state }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// Moves bytes of the body from `input` to `body`, up to the limit; gives how many bytes of
    /// the input were used.
    pub(super) fn read(&mut self, input: &[u8], body: &mut Body) -> Result<usize, Failed> {
        let mut rest = input;
        while let Some(next) = self.step(&mut rest, body)? {
            self.state = next;
        }
        Ok(input.len() - rest.len())
    }

    /// One step; `None` when it needs more input, or the body is complete or long enough.
    fn step(&self, rest: &mut &[u8], body: &mut Body) -> Result<Option<State>, Failed> {
        let full = body.len() >= BODY_BYTES_MAX;
        Ok(match self.state {
            State::Complete => None,
            State::Data(_) | State::ChunkData(_) | State::UntilClose if full || rest.is_empty() => {
                None
            }
            State::UntilClose => {
                take(rest, u64::MAX, body);
                Some(State::UntilClose)
            }
            State::Data(left) => Some(match left - take(rest, left, body) {
                0 => State::Complete,
                left => State::Data(left),
            }),
            State::ChunkData(left) => Some(match left - take(rest, left, body) {
                0 => State::ChunkEnd,
                left => State::ChunkData(left),
            }),
            State::ChunkEnd => match line(rest)? {
                None => None,
                Some(b"") => Some(State::ChunkSize),
                Some(_) => return Err(malformed()),
            },
            State::ChunkSize => match line(rest)? {
                None => None,
                Some(line) => Some(match chunk_size(line).ok_or_else(malformed)? {
                    0 => State::Trailer(0),
                    size => State::ChunkData(size),
                }),
            },
            State::Trailer(before) => match line(rest)? {
                None => None,
                Some(b"") => Some(State::Complete),
                Some(line) if before + line.len() > TRAILER_BYTES_MAX => return Err(malformed()),
                Some(line) => Some(State::Trailer(before + line.len() + 2)),
            },
        })
    }
}

/// Moves up to `limit` bytes, and no more than the body may hold; gives how many.
fn take(rest: &mut &[u8], limit: u64, body: &mut Body) -> u64 {
    let room = BODY_BYTES_MAX.saturating_sub(body.len());
    let count = rest.len().min(room).min(usize::try_from(limit).unwrap_or(usize::MAX));
    let (taken, left) = rest.split_at(count);
    body.push(taken);
    *rest = left;
    count as u64
}

/// Takes a line without its end; `None` when it is not complete.
fn line<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Failed> {
    let Some(end) = rest.iter().take(LINE_BYTES_MAX).position(|byte| *byte == b'\n') else {
        return if rest.len() >= LINE_BYTES_MAX { Err(malformed()) } else { Ok(None) };
    };
    let (line, left) = rest.split_at(end);
    *rest = left.get(1..).unwrap_or_default();
    Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?;
    let size = text.split(';').next().unwrap_or_default().trim();
    let hexadecimal = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal.then(|| u64::from_str_radix(size, 16).ok()).flatten()
}

fn malformed() -> Failed {
    Failed::new(Class::Protocol, "the chunked body is malformed")
}

#[cfg(test)]
mod tests;
