//! A series that a query found, with what it needs to read the samples later.

use std::sync::Arc;

use model::{
    columns::Columns,
    labels::Labels,
    query::{Decoder, QueryError, SeriesHandle},
};

use crate::{
    block::{BlockError, index::BlockSeries},
    head::snapshot::{OpenStream, Snapshot},
    piece::Piece,
    samples::Samples,
    store::Inner,
    times::Stand,
};

/// Samples of a series from one place.
pub(super) enum Part {
    Head(Snapshot),
    Block {
        series: BlockSeries,
        /// Ranges of time that were deleted, both ends included.
        deleted: Box<[(i64, i64)]>,
    },
}

pub(super) struct Handle {
    inner: Arc<Inner>,
    pub(super) labels: Labels,
    first: Part,
    /// Few series have samples in several places.
    others: Vec<Part>,
}

/// Series that were found: the boxes are what is given out, and what sorting moves.
pub(super) type Found = Vec<Box<Handle>>;

impl Handle {
    pub(super) fn new(inner: &Arc<Inner>, labels: Labels, first: Part) -> Self {
        Self { inner: Arc::clone(inner), labels, first, others: Vec::new() }
    }

    /// Takes over the samples of another one of the same series.
    pub(super) fn join(&mut self, other: Self) {
        self.others.push(other.first);
        self.others.extend(other.others);
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// A chunk, by its part and its place there, and the times from the first to the last sample.
#[derive(Clone, Copy, Debug)]
struct Span {
    min: i64,
    max: i64,
    part: usize,
    place: usize,
}

impl Handle {
    /// Reads the samples, or what stands for them where a chunk shares its times with no other.
    fn read_all(&self, samples: &mut Samples) -> Result<(), QueryError> {
        let mut spans: Vec<Span> = Vec::new();
        let mut head = Samples::default();
        let only_head = self.parts().all(|part| matches!(part, Part::Head(_)));
        for (part, source) in self.parts().enumerate() {
            match source {
                Part::Head(snapshot) => snapshot
                    .decode(if only_head { &mut *samples } else { &mut head })
                    .map_err(|error| QueryError::Damaged(format!("{}: {error}", self.labels)))?,
                Part::Block { series, .. } => {
                    let chunks = (0..).zip(series.spans());
                    spans.extend(chunks.map(|(place, (min, max))| Span { min, max, part, place }));
                }
            }
        }
        if only_head {
            return Ok(());
        }
        spans.sort_unstable_by_key(|span| span.min);
        let times = || head.floats.times.iter().chain(&head.histograms.times).copied();
        let in_head = times().min().zip(times().max());
        let mut reached = i64::MIN;
        for (at, span) in spans.iter().enumerate() {
            let follows = spans.get(at + 1).is_none_or(|next| next.min > span.max);
            let apart_from_head = in_head.is_none_or(|(min, max)| max < span.min || span.max < min);
            let alone = (at == 0 || reached < span.min) && follows && apart_from_head;
            reached = reached.max(span.max);
            self.read_chunk(*span, alone, samples)?;
        }
        // Mostly these are the newest, and need no sorting here.
        samples.append(&mut head);
        Ok(())
    }

    fn read_chunk(&self, span: Span, alone: bool, out: &mut Samples) -> Result<(), QueryError> {
        let Some(Part::Block { series, deleted }) = self.parts().nth(span.part) else {
            return Ok(());
        };
        let meets = |(start, end): &(i64, i64)| *start <= span.max && span.min <= *end;
        if !deleted.iter().any(meets) {
            match series.stand(span.place) {
                Stand::One(time, value) if alone => {
                    out.floats.push(time, value, 0);
                    return Ok(());
                }
                Stand::None if alone => return Ok(()),
                _ => {}
            }
            let read = series.decode_one(span.place, out);
            return read.map_err(|error| self.inner.read_error(error));
        }
        let mut part = Samples::default();
        let read = series.decode_one(span.place, &mut part);
        read.map_err(|error| self.inner.read_error(error))?;
        part.retain(|time| !deleted.iter().any(|(start, end)| (*start..=*end).contains(&time)));
        out.append(&mut part);
        Ok(())
    }
}

/// A series that is nothing but chunks one after the other, and an open stream behind them.
struct Row<'a> {
    pieces: Vec<Piece<'a>>,
    /// How many samples the pieces have, and the last time among them.
    count: usize,
    last: i64,
    stream: OpenStream<'a>,
}

impl<'a> Row<'a> {
    /// `None` when it is more complicated.
    fn of(handle: &'a Handle) -> Option<Self> {
        let (mut pieces, mut stream) = (Vec::new(), OpenStream::default());
        for part in handle.parts() {
            match part {
                Part::Head(snapshot) => stream = snapshot.pieces(&mut pieces)?,
                Part::Block { series, deleted } => {
                    if !deleted.is_empty() || !series.pieces(&mut pieces) {
                        return None;
                    }
                }
            }
        }
        if !handle.others.is_empty() {
            pieces.sort_unstable_by_key(|piece| piece.span().0);
        }
        let (mut count, mut last) = (0, i64::MIN);
        for piece in &pieces {
            let (min, max) = piece.span();
            if count > 0 && min <= last {
                return None;
            }
            (count, last) = (count + piece.count(), max);
        }
        Some(Self { pieces, count, last, stream })
    }

    /// Decodes the values alone where the times are those of the series before.
    fn decode_values(&self, decoder: &mut Decoder) -> bool {
        let sources = decoder.sources();
        let mut pairs = self.pieces.iter().zip(sources);
        if sources.len() != self.pieces.len()
            || sources.is_empty()
            || !pairs.all(|(piece, source)| piece.has_source(source))
        {
            return false;
        }
        decoder.replace_values(self.count, |values, tail| {
            let decoded = self.pieces.iter().all(|piece| piece.decode_plain(values));
            self.stream.decode(tail, values);
            decoded
                && tail.first().is_none_or(|first| *first > self.last)
                && tail.is_sorted_by(|a, b| a < b)
        })
    }

    /// Says where the times came from, if they are those of the chunks and no others.
    fn tell(&self, decoder: &mut Decoder) {
        let columns = decoder.columns();
        let plain = columns.histograms.is_empty() && columns.starts.is_empty();
        let last = self.count.checked_sub(1).and_then(|at| columns.times.get(at));
        if plain && last == Some(&self.last) {
            decoder.set_sources(self.pieces.iter().map(Piece::source));
        }
    }
}

impl SeriesHandle for Handle {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn decode(&self, columns: &mut Columns) -> Result<(), QueryError> {
        // The caller's columns have room from the series before.
        let mut samples = Samples::default();
        let floats = &mut samples.floats;
        if columns.is_empty() {
            floats.times = std::mem::take(&mut columns.times);
            floats.values = std::mem::take(&mut columns.values);
            floats.starts = std::mem::take(&mut columns.starts);
        }
        self.read_all(&mut samples)?;
        samples.settle();
        samples.append_to(columns);
        Ok(())
    }

    fn decode_next(&self, decoder: &mut Decoder) -> Result<(), QueryError> {
        let row = Row::of(self);
        if row.as_ref().is_some_and(|row| row.decode_values(decoder)) {
            return Ok(());
        }
        decoder.replace(|columns| self.decode(columns))?;
        if let Some(row) = row {
            row.tell(decoder);
        }
        Ok(())
    }
}

impl Inner {
    /// Notes where damage was met, so that maintenance looks into it.
    pub(crate) fn read_error(&self, error: BlockError) -> QueryError {
        if matches!(error, BlockError::Damaged { .. }) {
            self.suspect(error.block());
        }
        error.into()
    }
}
