//! A store that counts what is asked of it, and fails on demand.

use std::sync::atomic::{AtomicU64, Ordering};

use model::{
    columns::Columns,
    labels::Labels,
    query::{QueryError, Queryable, Selection, SeriesHandle, SeriesSet},
    time::Timestamp,
};
use promql::script::{self, MemoryStore};

#[derive(Default)]
pub(crate) struct Watched {
    pub(crate) inner: MemoryStore,
    /// Further stores, each with series that no other has.
    pub(crate) more: Vec<MemoryStore>,
    /// Returns samples outside of the selection, too.
    pub(crate) generous: bool,
    /// Decoding fails once so many series were decoded.
    pub(crate) fail_after: Option<u64>,
    pub(crate) selects: AtomicU64,
    pub(crate) decodes: std::sync::Arc<AtomicU64>,
}

impl Watched {
    /// A store with series in the notation of scripts, `seconds` apart.
    pub(crate) fn load(seconds: u32, series: &str) -> Self {
        let mut inner = MemoryStore::default();
        let lines: String = series.lines().map(|line| format!("  {}\n", line.trim())).collect();
        let text = format!("load {seconds}s\n{lines}");
        for command in script::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}")) {
            if let script::Command::Load(load) = command {
                inner.load(&load).unwrap_or_else(|error| panic!("{text}: {error}"));
            }
        }
        Self { inner, ..Self::default() }
    }

    pub(crate) fn decodes(&self) -> u64 {
        self.decodes.load(Ordering::Relaxed)
    }
}

struct Counted {
    inner: Box<dyn SeriesHandle>,
    decodes: std::sync::Arc<AtomicU64>,
    fail_after: Option<u64>,
}

impl SeriesHandle for Counted {
    fn labels(&self) -> &Labels {
        self.inner.labels()
    }

    fn decode(&self, columns: &mut Columns) -> Result<(), QueryError> {
        let before = self.decodes.fetch_add(1, Ordering::Relaxed);
        if self.fail_after.is_some_and(|limit| before >= limit) {
            return Err(QueryError::Damaged("a block".to_owned()));
        }
        self.inner.decode(columns)
    }
}

impl Queryable for Watched {
    fn select(&self, selection: &Selection<'_>) -> Result<SeriesSet, QueryError> {
        self.selects.fetch_add(1, Ordering::Relaxed);
        let mut selection = selection.clone();
        if self.generous {
            (selection.start, selection.end) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
        }
        let mut found = self.inner.select(&selection)?;
        for store in &self.more {
            found.append(&mut store.select(&selection)?);
        }
        found.sort_by(|a, b| a.labels().cmp(b.labels()));
        let counted = found.into_iter().map(|inner| -> Box<dyn SeriesHandle> {
            let decodes = std::sync::Arc::clone(&self.decodes);
            Box::new(Counted { inner, decodes, fail_after: self.fail_after })
        });
        Ok(counted.collect())
    }

    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        self.inner.label_names(selection)
    }

    fn label_values(
        &self,
        name: &str,
        selection: &Selection<'_>,
    ) -> Result<Vec<String>, QueryError> {
        self.inner.label_values(name, selection)
    }
}
