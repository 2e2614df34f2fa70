//! Which protocol to speak, and what an answer means in it. No I/O.

use std::time::Duration;

use tokio::time::Instant;
use wire::{
    frames::{self, Verdict},
    remote_write::{HEADER_SAMPLES_WRITTEN, Version},
};

use crate::config::Protocol as Choice;

/// A receiver that knew no frames is asked again after this, because it may have been replaced by
/// a newer one without the connection telling.
const FRAMES_AGAIN: Duration = Duration::from_mins(10);

/// What a body is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Frames,
    RemoteWrite(Version),
}

impl Language {
    /// A stable word for a metric label.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Frames => "frames",
            Self::RemoteWrite(Version::V2) => "remote_write_2",
            Self::RemoteWrite(Version::V1) => "remote_write_1",
        }
    }

    /// What an answer to a body means. `sequence` is that of frames.
    pub(super) fn verdict<'h>(
        self,
        status: u16,
        sequence: u64,
        header: impl Fn(&'static str) -> Option<&'h str>,
    ) -> Verdict {
        let version = match self {
            Self::Frames => return frames::verdict(status, sequence, header),
            Self::RemoteWrite(version) => version,
        };
        match status {
            // A receiver that knows only 1.0 takes a 2.0 body for an empty one and is content. One
            // that knows 2.0 says how much it stored (Remote-Write 2.0, "Required Written headers").
            200..=299 if version == Version::V1 || header(HEADER_SAMPLES_WRITTEN).is_some() => {
                Verdict::Stored
            }
            200..=299 => Verdict::Unknown,
            415 if version == Version::V2 => Verdict::Unknown,
            // A token can be mended without a restart, so 401 is not the samples' end.
            401 | 429 | 500..=599 => Verdict::Later,
            _ => Verdict::Refused { applied: true },
        }
    }
}

/// Remembers what the receiver was seen to know.
#[derive(Debug)]
pub(super) struct Protocol {
    choice: Choice,
    /// When frames are tried again; `None` while they are spoken.
    frames_at: Option<Instant>,
    version: Version,
}

impl Protocol {
    pub(super) fn new(choice: Choice) -> Self {
        Self { choice, frames_at: None, version: Version::V2 }
    }

    /// What to write the next tick in.
    pub(super) fn language(&mut self, now: Instant) -> Language {
        if self.frames_at.is_some_and(|due| now >= due) {
            self.frames_at = None;
        }
        match self.choice {
            Choice::RemoteWrite => Language::RemoteWrite(self.version),
            Choice::Auto if self.frames_at.is_some() => Language::RemoteWrite(self.version),
            Choice::Auto | Choice::Frames => Language::Frames,
        }
    }

    /// The receiver does not know a language. Whether there is another to try.
    pub(super) fn unknown(&mut self, language: Language, now: Instant) -> bool {
        match language {
            Language::Frames if self.choice == Choice::Frames => false,
            Language::Frames => {
                self.frames_at = Some(now + FRAMES_AGAIN);
                true
            }
            Language::RemoteWrite(Version::V2) => {
                self.version = Version::V1;
                true
            }
            Language::RemoteWrite(Version::V1) => false,
        }
    }

    /// There was no answer: who answers next may know more.
    pub(super) fn disconnected(&mut self, now: Instant) {
        self.frames_at = self.frames_at.map(|_due| now);
    }
}

#[cfg(test)]
mod tests;
