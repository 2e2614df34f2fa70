//! How long a look-up may go on, and how much it may find.

use model::query::QueryError;

/// What is asked now and then, from the thread that looks things up: whether to give up.
pub(crate) type Stop = dyn Fn() -> bool + Send + Sync;

/// So many things are looked at between two questions whether to give up: tens of microseconds.
const STRIDE: u32 = 256;

/// The bounds of one look-up.
#[derive(Clone, Copy)]
pub(crate) struct Bounds<'a> {
    stop: Option<&'a Stop>,
    /// At most so many results are of interest.
    pub(crate) limit: usize,
}

impl std::fmt::Debug for Bounds<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bounds").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl<'a> Bounds<'a> {
    pub(crate) const NONE: Self = Self { stop: None, limit: usize::MAX };

    /// `limit` is zero for none.
    pub(crate) fn new(stop: Option<&'a Stop>, limit: usize) -> Self {
        Self { stop, limit: if limit == 0 { usize::MAX } else { limit } }
    }

    pub(crate) fn check(&self) -> Result<(), QueryError> {
        match self.stop {
            Some(stop) if stop() => Err(QueryError::Cancelled),
            _ => Ok(()),
        }
    }

    /// To be called with each thing that is looked at.
    pub(crate) fn pace(&self) -> Pace<'a> {
        Pace { bounds: *self, passed: 0 }
    }
}

/// Asks whether to give up once in a while.
#[derive(Debug)]
pub(crate) struct Pace<'a> {
    bounds: Bounds<'a>,
    passed: u32,
}

impl Pace<'_> {
    #[inline]
    pub(crate) fn step(&mut self) -> Result<(), QueryError> {
        self.passed += 1;
        if self.passed < STRIDE {
            return Ok(());
        }
        self.passed = 0;
        self.bounds.check()
    }
}
