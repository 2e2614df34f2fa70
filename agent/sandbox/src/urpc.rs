//! gVisor's `urpc`, without I/O: one JSON object out, one back, on a stream without any framing.
//!
//! Where a reply ends shows only in its braces, so they are counted as bytes come in, and what is
//! nested deeper than any real reply is refused before a parser sees it.

/// Objects and lists inside of each other at most; real replies have eight.
pub const DEPTH_MAX: usize = 32;

/// Why bytes are no reply. The connection is of no more use then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("the reply does not begin with an object")]
    NoObject,
    #[error("the reply is nested deeper than {DEPTH_MAX}")]
    Deep,
    #[error("bytes follow the reply that nobody asked for")]
    Trailing,
}

/// Finds the end of one reply as its bytes come in.
#[derive(Clone, Debug, Default)]
pub struct Framer {
    depth: usize,
    in_string: bool,
    escaped: bool,
    complete: bool,
}

impl Framer {
    /// Takes the next bytes; true once the reply is complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<bool, FrameError> {
        for byte in bytes {
            self.step(*byte)?;
        }
        Ok(self.complete)
    }

    fn step(&mut self, byte: u8) -> Result<(), FrameError> {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return Ok(());
        }
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => {}
            _ if self.complete => return Err(FrameError::Trailing),
            b'{' | b'[' if self.depth == DEPTH_MAX => return Err(FrameError::Deep),
            b'{' => self.depth += 1,
            _ if self.depth == 0 => return Err(FrameError::NoObject),
            b'[' => self.depth += 1,
            // Whether brackets match is for the parser to say.
            b'}' | b']' => {
                self.depth -= 1;
                self.complete = self.depth == 0;
            }
            b'"' => self.in_string = true,
            _ => {}
        }
        Ok(())
    }
}

/// Writes a call. The argument is JSON already.
pub fn request(method: &str, argument: &str) -> Vec<u8> {
    format!(r#"{{"method":"{method}","arg":{argument}}}"#).into_bytes()
}

#[cfg(test)]
mod tests;
