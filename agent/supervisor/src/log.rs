//! What instances print: the last lines of each, and all of them to whoever listens.

use std::{
    collections::VecDeque,
    fmt,
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use model::{event::Target, time::Timestamp};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::unix::pipe,
    sync::mpsc,
};

use crate::spec::Clock;

/// Longest line kept, in bytes; what follows up to the line's end is cut and the line says so.
pub const LINE_BYTES_MAX: usize = 8 * 1024;

/// Which of the two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// One line of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub target: Arc<Target>,
    pub run: u64,
    pub stream: Stream,
    /// Without its end of line; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// The line was longer than [`LINE_BYTES_MAX`].
    pub truncated: bool,
    pub at: Timestamp,
}

/// Takes the lines of one instance. Clones are the same.
#[derive(Clone)]
pub(crate) struct Recorder {
    pub(crate) target: Arc<Target>,
    ring: Arc<Mutex<VecDeque<LogLine>>>,
    capacity: usize,
    sink: Option<mpsc::Sender<LogLine>>,
    dropped: Arc<AtomicU64>,
    clock: Clock,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Recorder {
    /// Keeps `capacity` lines; `dropped` counts those the sink had no room for.
    pub(crate) fn new(
        target: Arc<Target>,
        capacity: usize,
        sink: Option<mpsc::Sender<LogLine>>,
        dropped: Arc<AtomicU64>,
        clock: Clock,
    ) -> Self {
        Self { target, ring: Arc::default(), capacity, sink, dropped, clock }
    }

    /// The lines kept, oldest first.
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn record(&self, run: u64, stream: Stream, line: &[u8], truncated: bool) {
        let line = LogLine {
            target: Arc::clone(&self.target),
            run,
            stream,
            text: String::from_utf8_lossy(line).into_owned(),
            truncated,
            at: self.clock.now(),
        };
        if let Some(sink) = &self.sink
            && sink.try_send(line.clone()).is_err()
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() >= self.capacity {
            ring.pop_front();
        }
        if self.capacity > 0 {
            ring.push_back(line);
        }
    }
}

/// Reads one output until all its writers are gone.
pub(crate) async fn pump(pipe: OwnedFd, run: u64, stream: Stream, recorder: Recorder) {
    let reader = match pipe::Receiver::from_owned_fd(pipe) {
        Ok(reader) => reader,
        Err(error) => {
            tracing::warn!(instance = %recorder.target.instance, %error, "output cannot be read");
            return;
        }
    };
    let mut reader = BufReader::new(reader);
    let mut line = Line::default();
    loop {
        let (used, ended) = match reader.fill_buf().await {
            Ok([]) => break,
            Ok(bytes) => line.take(bytes),
            Err(error) => {
                tracing::warn!(instance = %recorder.target.instance, %error, "output broke off");
                break;
            }
        };
        reader.consume(used);
        if ended {
            recorder.record(run, stream, &line.bytes, line.truncated);
            line = Line::default();
        }
    }
    if !line.bytes.is_empty() {
        recorder.record(run, stream, &line.bytes, line.truncated);
    }
}

/// A line on its way in.
#[derive(Debug, Default)]
struct Line {
    bytes: Vec<u8>,
    truncated: bool,
}

impl Line {
    /// Takes bytes up to and with the end of line. Returns how many it took and whether the line
    /// is complete.
    fn take(&mut self, bytes: &[u8]) -> (usize, bool) {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        let room = LINE_BYTES_MAX.saturating_sub(self.bytes.len());
        self.truncated |= text.len() > room;
        self.bytes.extend_from_slice(text.get(..room).unwrap_or(text));
        (end.map_or(bytes.len(), |end| end + 1), end.is_some())
    }
}

#[cfg(test)]
mod tests;
