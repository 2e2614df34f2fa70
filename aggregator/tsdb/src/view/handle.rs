//! A series that a query found, with what it needs to read the samples later.

use std::sync::Arc;

use model::{
    columns::Columns,
    labels::Labels,
    query::{QueryError, SeriesHandle},
};

use crate::{
    block::{BlockError, index::BlockSeries},
    head::snapshot::Snapshot,
    samples::Samples,
    store::Inner,
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
    pub(super) parts: Vec<Part>,
}

impl Handle {
    pub(super) fn new(inner: &Arc<Inner>, labels: Labels, part: Part) -> Self {
        Self { inner: Arc::clone(inner), labels, parts: vec![part] }
    }

    fn read(&self, part: &Part, out: &mut Samples) -> Result<(), QueryError> {
        match part {
            Part::Head(snapshot) => snapshot
                .decode(out)
                .map_err(|error| QueryError::Damaged(format!("{}: {error}", self.labels))),
            Part::Block { series, deleted } => {
                let read = if deleted.is_empty() {
                    series.decode(out)
                } else {
                    let mut part = Samples::default();
                    series.decode(&mut part).map(|()| {
                        let is_deleted = |time| {
                            deleted.iter().any(|(start, end)| (*start..=*end).contains(&time))
                        };
                        part.retain(|time| !is_deleted(time));
                        out.append(&mut part);
                    })
                };
                read.map_err(|error| self.inner.read_error(error))
            }
        }
    }
}

impl SeriesHandle for Handle {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn decode(&self, columns: &mut Columns) -> Result<(), QueryError> {
        let mut samples = Samples::default();
        self.parts.iter().try_for_each(|part| self.read(part, &mut samples))?;
        samples.settle();
        samples.append_to(columns);
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
