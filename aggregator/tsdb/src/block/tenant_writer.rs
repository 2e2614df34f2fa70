//! Writing one tenant's part of a block: columns, samples, series, labels.

use std::{collections::HashMap, io};

use codec::chunk::{self, Scratch, Zone};
use model::{labels::Labels, tenant::TenantId};

use super::{
    directory::TenantEntry,
    format::{INDEX_PAGE_BYTES, PAYLOAD_PAGE_BYTES, PageFile},
    labels::LabelsWriter,
    root::{NumberedPage, Root, SharedPage},
    series::{ChunkEntry, SeriesWriter, put_column},
};

/// Columns of times that are remembered to be shared, in bytes.
const COLUMNS_KEPT_BYTES: usize = 32 << 20;

/// The tenant being written.
#[derive(Debug)]
pub(super) struct TenantWriter {
    pub(super) tenant: TenantId,
    pub(super) labels: LabelsWriter,
    pub(super) symbol_first: u32,
    pub(super) series: SeriesWriter,
    /// Number of the first series in the page.
    pub(super) series_first: u32,
    pub(super) root: Root,
    pub(super) columns: HashMap<Box<[u8]>, u32>,
    pub(super) columns_bytes: usize,
    pub(super) column_page: Vec<u8>,
    pub(super) column_first: u32,
    pub(super) last_times: Vec<i64>,
    pub(super) last_column: u32,
    pub(super) payload: Vec<u8>,
    pub(super) chunks: Vec<ChunkEntry>,
    pub(super) samples: u64,
    pub(super) min: i64,
    pub(super) max: i64,
}

impl TenantWriter {
    pub(super) fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            labels: LabelsWriter::default(),
            symbol_first: 0,
            series: SeriesWriter::default(),
            series_first: 0,
            root: Root::default(),
            columns: HashMap::new(),
            columns_bytes: 0,
            column_page: Vec::new(),
            column_first: 0,
            last_times: Vec::new(),
            last_column: 0,
            payload: Vec::new(),
            chunks: Vec::new(),
            samples: 0,
            min: i64::MAX,
            max: i64::MIN,
        }
    }

    /// The number of a column of times, written if it is new.
    pub(super) fn column(
        &mut self,
        times: &[i64],
        file: &mut PageFile,
        scratch: &mut Scratch,
    ) -> io::Result<u32> {
        if !times.is_empty() && self.last_times == times {
            return Ok(self.last_column);
        }
        let mut encoded = Vec::new();
        chunk::encode_times(times, &mut encoded, scratch)
            .map_err(|error| io::Error::other(error.to_string()))?;
        let (min, max) = (times.first().copied(), times.last().copied());
        let mut column = Vec::new();
        let (min, max) = (min.unwrap_or_default(), max.unwrap_or_default());
        put_column(&mut column, min, max, times.len() as u32, &encoded);
        let number = match self.columns.get(column.as_slice()) {
            Some(known) => *known,
            None => {
                let number = self.root.columns;
                self.root.columns += 1;
                self.column_page.extend_from_slice(&column);
                if self.column_page.len() >= INDEX_PAGE_BYTES {
                    self.close_columns(file)?;
                }
                if self.columns_bytes + column.len() > COLUMNS_KEPT_BYTES {
                    self.columns.clear();
                    self.columns_bytes = 0;
                }
                self.columns_bytes += column.len();
                self.columns.insert(column.into(), number);
                number
            }
        };
        self.last_times.clear();
        self.last_times.extend_from_slice(times);
        self.last_column = number;
        Ok(number)
    }

    /// Enters the chunk whose samples begin at `start` of the page of samples.
    pub(super) fn chunk(
        &mut self,
        column: u32,
        start: usize,
        zone: Option<Zone>,
        file: &mut PageFile,
    ) -> io::Result<()> {
        self.chunks.push(ChunkEntry {
            column,
            page: self.root.payloads.len() as u32,
            offset: start as u32,
            length: (self.payload.len() - start) as u32,
            zone,
        });
        if self.payload.len() >= PAYLOAD_PAGE_BYTES {
            self.close_payload(file)?;
        }
        Ok(())
    }

    pub(super) fn close_payload(&mut self, file: &mut PageFile) -> io::Result<()> {
        if !self.payload.is_empty() {
            self.root.payloads.push(file.page(&self.payload)?);
            self.payload.clear();
        }
        Ok(())
    }

    pub(super) fn close_columns(&mut self, file: &mut PageFile) -> io::Result<()> {
        if !self.column_page.is_empty() {
            let pages = [file.page(&self.column_page)?, file.page(&self.column_page)?];
            self.root.column_pages.push(SharedPage { pages, first: self.column_first });
            self.column_page.clear();
            self.column_first = self.root.columns;
        }
        Ok(())
    }

    /// Enters a series with the chunks that were entered before.
    pub(super) fn series(&mut self, labels: &Labels, file: &mut PageFile) -> io::Result<()> {
        self.labels.add(self.root.series, labels.iter());
        if self.labels.page.len() >= INDEX_PAGE_BYTES {
            self.close_symbols(file)?;
        }
        self.series.push(&self.labels.series, &self.chunks);
        self.root.series += 1;
        if self.series.len() >= INDEX_PAGE_BYTES {
            self.close_series(file)?;
        }
        Ok(())
    }

    fn close_symbols(&mut self, file: &mut PageFile) -> io::Result<()> {
        if !self.labels.page.is_empty() {
            let pages = [file.page(&self.labels.page)?, file.page(&self.labels.page)?];
            self.root.symbol_pages.push(SharedPage { pages, first: self.symbol_first });
            self.labels.page.clear();
            self.symbol_first = self.labels.symbols;
            self.root.symbols = self.labels.symbols;
        }
        Ok(())
    }

    pub(super) fn close_series(&mut self, file: &mut PageFile) -> io::Result<()> {
        if self.series.len() > 0 {
            let (page, first) = (file.page(&self.series.finish())?, self.series_first);
            self.root.series_pages.push(NumberedPage { page, first });
            self.series_first = self.root.series;
        }
        Ok(())
    }

    pub(super) fn finish(mut self, file: &mut PageFile) -> io::Result<TenantEntry> {
        self.close_payload(file)?;
        self.close_columns(file)?;
        self.close_series(file)?;
        self.close_symbols(file)?;
        self.labels.finish(file, &mut self.root)?;
        let mut page = Vec::new();
        self.root.put(&mut page);
        Ok(TenantEntry {
            tenant: self.tenant,
            min: self.min,
            max: self.max,
            series: self.root.series,
            samples: self.samples,
            roots: [file.page(&page)?, file.page(&page)?],
        })
    }
}
