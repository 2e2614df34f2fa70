//! Writing a block, series by series in order of tenant and labels.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use codec::chunk::{self as codec_chunk, ChunkError, Scratch, Zone};
use disk::{Disk, atomic::unfinished};
use model::{histogram::Histogram, labels::Labels, tenant::TenantId};

use super::{
    BlockId,
    directory::{Footer, TenantEntry, put_directory},
    format::{INDEX_PAGE_BYTES, MAGIC, PAYLOAD_PAGE_BYTES, PageFile},
    labels::LabelsWriter,
    root::{NumberedPage, Root},
    series::{ChunkEntry, SeriesWriter, put_column},
};
use crate::{
    chunk,
    samples::{Column, Samples},
};

/// A chunk of floats has about so many samples.
const CHUNK_SAMPLES: usize = 960;
/// A chunk of histograms has so many.
const CHUNK_HISTOGRAMS: usize = 120;
/// Columns of times that are remembered to be shared, in bytes.
const COLUMNS_KEPT_BYTES: usize = 32 << 20;

/// What a new block is to be.
#[derive(Clone, Debug)]
pub(crate) struct BlockPlan {
    pub(crate) id: BlockId,
    /// The range of time that its samples are in, end excluded. Chunks are cut at even parts of
    /// it, so that series with the same times keep sharing them.
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) level: u32,
    pub(crate) sources: Vec<BlockId>,
}

/// A block being written, beside the name that it will have.
#[derive(Debug)]
pub(crate) struct BlockWriter {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    plan: BlockPlan,
    file: PageFile,
    footer: Footer,
    tenants: Vec<TenantEntry>,
    tenant: Option<TenantWriter>,
    scratch: Scratch,
    floats: Column<f64>,
    histograms: Column<Arc<Histogram>>,
}

/// The tenant being written.
#[derive(Debug)]
struct TenantWriter {
    tenant: TenantId,
    labels: LabelsWriter,
    series: SeriesWriter,
    /// Number of the first series in the page.
    series_first: u32,
    root: Root,
    columns: HashMap<Box<[u8]>, u32>,
    columns_bytes: usize,
    column_page: Vec<u8>,
    column_first: u32,
    last_times: Vec<i64>,
    last_column: u32,
    payload: Vec<u8>,
    chunks: Vec<ChunkEntry>,
    samples: u64,
    min: i64,
    max: i64,
}

impl BlockWriter {
    /// Creates the file under an unfinished name.
    pub(crate) fn create(disk: &Arc<dyn Disk>, dir: &Path, plan: BlockPlan) -> io::Result<Self> {
        let path = dir.join(plan.id.file_name());
        let mut file = PageFile::new(disk.create(&unfinished(&path))?);
        file.write(MAGIC)?;
        let footer = Footer {
            id: plan.id,
            min: i64::MAX,
            max: i64::MIN,
            level: plan.level,
            sources: plan.sources.clone(),
            ..Footer::default()
        };
        Ok(Self {
            disk: Arc::clone(disk),
            path,
            plan,
            file,
            footer,
            tenants: Vec::new(),
            tenant: None,
            scratch: Scratch::default(),
            floats: Column::default(),
            histograms: Column::default(),
        })
    }

    /// Appends a series. Tenants, and labels within a tenant, must come in order; samples must be
    /// settled and lie in the range of the plan.
    pub(crate) fn push(
        &mut self,
        tenant: &TenantId,
        labels: &Labels,
        samples: &Samples,
    ) -> io::Result<()> {
        if samples.is_empty() {
            return Ok(());
        }
        if self.tenant.as_ref().is_none_or(|current| current.tenant != *tenant) {
            self.end_tenant()?;
            self.tenant = Some(TenantWriter::new(tenant.clone()));
        }
        let Some(mut current) = self.tenant.take() else { return Ok(()) };
        let pushed = self.push_series(&mut current, labels, samples);
        self.tenant = Some(current);
        pushed
    }

    fn push_series(
        &mut self,
        tenant: &mut TenantWriter,
        labels: &Labels,
        samples: &Samples,
    ) -> io::Result<()> {
        tenant.chunks.clear();
        for range in cuts(&samples.floats.times, self.plan.start, self.plan.end) {
            self.floats.copy_from(&samples.floats, range);
            self.push_floats(tenant)?;
        }
        let mut ranges: Vec<std::ops::Range<usize>> = (0..samples.histograms.len())
            .step_by(CHUNK_HISTOGRAMS)
            .map(|start| start..(start + CHUNK_HISTOGRAMS).min(samples.histograms.len()))
            .rev()
            .collect();
        while let Some(range) = ranges.pop() {
            self.histograms.copy_from(&samples.histograms, range.clone());
            if !self.push_histograms(tenant)? && range.len() > 1 {
                let middle = range.start + range.len() / 2;
                ranges.push(middle..range.end);
                ranges.push(range.start..middle);
            }
        }
        let number = tenant.root.series;
        tenant.labels.add(number, labels.iter());
        tenant.series.push(labels.as_bytes(), &tenant.chunks);
        tenant.root.series += 1;
        tenant.samples += samples.len() as u64;
        for times in [&samples.floats.times, &samples.histograms.times] {
            if let (Some(first), Some(last)) = (times.first(), times.last()) {
                tenant.min = tenant.min.min(*first);
                tenant.max = tenant.max.max(*last);
            }
        }
        if tenant.series.len() >= INDEX_PAGE_BYTES {
            tenant.close_series(&mut self.file)?;
        }
        Ok(())
    }

    fn push_floats(&mut self, tenant: &mut TenantWriter) -> io::Result<()> {
        let start = tenant.payload.len();
        let zone = chunk::encode_floats(&self.floats, &mut tenant.payload, &mut self.scratch)
            .map_err(|error| io::Error::other(error.to_string()))?;
        if zone.uniform && self.floats.starts.iter().all(|start| *start == 0) {
            tenant.payload.truncate(start);
        }
        let column = tenant.column(&self.floats.times, &mut self.file, &mut self.scratch)?;
        tenant.chunk(column, start, Some(zone), &mut self.file)
    }

    /// Returns `false` when the histograms are too large for one chunk.
    fn push_histograms(&mut self, tenant: &mut TenantWriter) -> io::Result<bool> {
        let start = tenant.payload.len();
        let encoded =
            chunk::encode_histograms(&self.histograms, &mut tenant.payload, &mut self.scratch);
        match encoded {
            Err(ChunkError::Cells) if self.histograms.len() > 1 => {
                tenant.payload.truncate(start);
                return Ok(false);
            }
            other => other.map_err(|error| io::Error::other(error.to_string()))?,
        }
        let column = tenant.column(&self.histograms.times, &mut self.file, &mut self.scratch)?;
        tenant.chunk(column, start, None, &mut self.file)?;
        Ok(true)
    }

    fn end_tenant(&mut self) -> io::Result<()> {
        let Some(tenant) = self.tenant.take() else { return Ok(()) };
        let entry = tenant.finish(&mut self.file)?;
        self.footer.min = self.footer.min.min(entry.min);
        self.footer.max = self.footer.max.max(entry.max);
        self.footer.series += u64::from(entry.series);
        self.footer.samples += entry.samples;
        self.tenants.push(entry);
        Ok(())
    }

    /// Completes the block and makes its content durable. It gets its name by
    /// [`Finished::publish`].
    pub(crate) fn finish(mut self) -> io::Result<Finished> {
        self.end_tenant()?;
        let mut page = Vec::new();
        put_directory(&self.tenants, &mut page);
        self.footer.directories = [self.file.page(&page)?, self.file.page(&page)?];
        page.clear();
        self.footer.put_twice(&mut page);
        self.file.write(&page)?;
        self.file.sync()?;
        Ok(Finished { disk: self.disk, path: self.path, footer: self.footer })
    }

    /// Removes what has been written.
    pub(crate) fn abandon(self) {
        // What cannot be removed now is removed when the store is opened.
        drop(self.disk.remove(&unfinished(&self.path)));
    }
}

/// A block that is complete but has no name yet.
#[derive(Debug)]
pub(crate) struct Finished {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    pub(crate) footer: Footer,
}

impl Finished {
    /// Gives the block its name. Durable when the directory is synced.
    pub(crate) fn publish(&self) -> io::Result<()> {
        self.disk.rename(&unfinished(&self.path), &self.path)
    }

    /// Removes the block, under whichever name.
    pub(crate) fn abandon(self) {
        drop(self.disk.remove(&unfinished(&self.path)));
        drop(self.disk.remove(&self.path));
    }
}

impl TenantWriter {
    fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            labels: LabelsWriter::default(),
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
    fn column(
        &mut self,
        times: &[i64],
        file: &mut PageFile,
        scratch: &mut Scratch,
    ) -> io::Result<u32> {
        if !times.is_empty() && self.last_times == times {
            return Ok(self.last_column);
        }
        let mut encoded = Vec::new();
        codec_chunk::encode_times(times, &mut encoded, scratch)
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
    fn chunk(
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

    fn close_payload(&mut self, file: &mut PageFile) -> io::Result<()> {
        if !self.payload.is_empty() {
            self.root.payloads.push(file.page(&self.payload)?);
            self.payload.clear();
        }
        Ok(())
    }

    fn close_columns(&mut self, file: &mut PageFile) -> io::Result<()> {
        if !self.column_page.is_empty() {
            let (page, first) = (file.page(&self.column_page)?, self.column_first);
            self.root.column_pages.push(NumberedPage { page, first });
            self.column_page.clear();
            self.column_first = self.root.columns;
        }
        Ok(())
    }

    fn close_series(&mut self, file: &mut PageFile) -> io::Result<()> {
        if self.series.len() > 0 {
            let (page, first) = (file.page(&self.series.finish())?, self.series_first);
            self.root.series_pages.push(NumberedPage { page, first });
            self.series_first = self.root.series;
        }
        Ok(())
    }

    fn finish(mut self, file: &mut PageFile) -> io::Result<TenantEntry> {
        self.close_payload(file)?;
        self.close_columns(file)?;
        self.close_series(file)?;
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

/// Where to cut a column of floats: at even parts of the range, so many that a chunk is of good
/// length, and again by count where samples crowd.
fn cuts(times: &[i64], start: i64, end: i64) -> Vec<std::ops::Range<usize>> {
    let parts = times.len().div_ceil(CHUNK_SAMPLES).max(1).next_power_of_two() as i64;
    let span = end.saturating_sub(start).max(1).div_euclid(parts).max(1);
    let mut ranges = Vec::new();
    let mut from = 0;
    while let Some(first) = times.get(from) {
        let part = first.saturating_sub(start).div_euclid(span);
        let until = start.saturating_add(part.saturating_add(1).saturating_mul(span));
        let rest = times.get(from..).unwrap_or_default();
        let length = rest.partition_point(|time| *time < until).max(1);
        let pieces = length.div_ceil(2 * CHUNK_SAMPLES);
        let piece = length.div_ceil(pieces);
        let mut at = from;
        while at < from + length {
            let to = (at + piece).min(from + length);
            ranges.push(at..to);
            at = to;
        }
        from += length;
    }
    ranges
}

#[cfg(test)]
mod tests;
