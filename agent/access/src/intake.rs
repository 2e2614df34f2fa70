//! Turns what one source says into counted requests.

use std::{borrow::Cow, sync::Arc};

use requests::{
    log::{Format, LINE_BYTES_MAX, LogError, LogLine, syslog},
    owner::Attribution,
    recorder::{Recorded, Recorder},
};
use wire::envoy::{self, Protocol};

use crate::{
    config::SourceSettings,
    counting::{Counting, SourceStats},
    kept::{FileMark, KeptFile},
};

/// What came since the last time, for one source.
#[derive(Debug)]
pub struct Intake {
    counting: Counting,
    index: usize,
    attribution: Arc<Attribution>,
    format: Format,
}

/// How a text is cut into lines of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Lines,
    Datagram,
}

impl Intake {
    pub(crate) fn new(counting: Counting, index: usize, settings: &SourceSettings) -> Self {
        let attribution = Arc::new(settings.owner.clone());
        Self { counting, index, attribution, format: settings.format }
    }

    /// Counts the lines of a text.
    pub fn lines(&self, text: &[u8]) {
        self.with(|counter| counter.text(text, Cut::Lines));
    }

    /// Counts the lines of a piece of a file, and notes in the same moment how far its files are
    /// counted now.
    pub(crate) fn piece(&self, piece: &Piece<'_>) {
        let mut shared = self.counting.lock();
        let shared = &mut *shared;
        let Some(source) = shared.sources.get_mut(self.index) else { return };
        source.mark(piece.marks);
        let stats = &mut source.stats;
        stats.too_long += piece.too_long;
        stats.truncated += piece.truncated;
        stats.lost_files += piece.lost_files;
        let recorder = &mut shared.recorder;
        Counter::new(self, recorder, stats).text(piece.text, Cut::Lines);
    }

    /// Begins to note how far a file is counted.
    pub(crate) fn begin_file(&self, file: KeptFile) {
        if let Some(source) = self.counting.lock().sources.get_mut(self.index) {
            source.file = Some(file);
        }
    }

    /// Counts syslog datagrams, each a line behind a header.
    pub fn datagrams<'a>(&self, datagrams: impl Iterator<Item = &'a [u8]>) {
        self.with(|counter| {
            for datagram in datagrams {
                counter.text(datagram, Cut::Datagram);
            }
        });
    }

    /// Counts the entries of a message of Envoy's access-log service.
    pub fn envoy(&self, message: &[u8]) {
        self.with(|counter| {
            let decoded = envoy::decode(message, |entry| counter.entry(entry));
            counter.stats.refused += u64::from(decoded.is_err());
        });
    }

    /// Notes a message or stream that was refused.
    pub(crate) fn refused(&self) {
        self.with(|counter| counter.stats.refused += 1);
    }

    fn with(&self, count: impl FnOnce(&mut Counter<'_>)) {
        let mut shared = self.counting.lock();
        let shared = &mut *shared;
        if let Some(source) = shared.sources.get_mut(self.index) {
            count(&mut Counter::new(self, &mut shared.recorder, &mut source.stats));
        }
    }
}

/// What came out of a file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Piece<'a> {
    /// Whole lines.
    pub(crate) text: &'a [u8],
    /// How far files are counted with it.
    pub(crate) marks: &'a [FileMark],
    pub(crate) too_long: u64,
    pub(crate) truncated: u64,
    pub(crate) lost_files: u64,
}

struct Counter<'a> {
    attribution: &'a Attribution,
    format: Format,
    recorder: &'a mut Recorder,
    stats: &'a mut SourceStats,
    route: String,
}

impl<'a> Counter<'a> {
    fn new(intake: &'a Intake, recorder: &'a mut Recorder, stats: &'a mut SourceStats) -> Self {
        let (attribution, format) = (&*intake.attribution, intake.format);
        Self { attribution, format, recorder, stats, route: String::new() }
    }

    fn text(&mut self, bytes: &[u8], cut: Cut) {
        // A client must not escape being counted by sending what is not UTF-8.
        let text = String::from_utf8_lossy(bytes);
        if cut == Cut::Datagram {
            return self.line(syslog::payload(&text));
        }
        for line in text.split('\n').filter(|line| !line.is_empty()) {
            self.line(line);
        }
    }

    fn line(&mut self, line: &str) {
        match LogLine::parse(line, self.format, &self.attribution.fields) {
            Ok(line) => self.count(&line),
            Err(LogError::TooLong) => self.stats.too_long += 1,
            Err(_) => self.stats.malformed += 1,
        }
    }

    fn entry(&mut self, entry: &envoy::Entry<'_>) {
        if entry.intermediate {
            self.stats.intermediate += 1;
            return;
        }
        let named = self.attribution.fields.names().map(|name| Cow::Borrowed(entry.tag(name)));
        self.count(&LogLine {
            authority: entry.authority.into(),
            upstream_cluster: entry.upstream_cluster.into(),
            route_name: entry.route_name.into(),
            method: entry.method.into(),
            path: entry.path.into(),
            code: entry.code,
            duration_micros: entry.duration_micros,
            request_bytes: Some(entry.request_bytes),
            response_bytes: Some(entry.response_bytes),
            connection: entry.protocol == Protocol::Tcp,
            named,
            ..LogLine::default()
        });
    }

    fn count(&mut self, line: &LogLine<'_>) {
        let Some(owner) = self.attribution.owner(line) else {
            self.stats.unattributed += 1;
            return;
        };
        let route = line.route(&mut self.route);
        let count = match self.recorder.record(&line.entry(owner, route)) {
            Recorded::Counted => &mut self.stats.counted,
            Recorded::Other => &mut self.stats.other,
            Recorded::Dropped => &mut self.stats.dropped,
        };
        *count += 1;
    }
}

/// A longest line with its end.
pub(crate) const LINE_SPACE: usize = LINE_BYTES_MAX + 1;

#[cfg(test)]
pub(crate) mod tests;
