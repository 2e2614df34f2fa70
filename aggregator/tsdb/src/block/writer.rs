//! Writing a block, series by series in order of tenant and labels.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use codec::chunk::{ChunkError, Scratch};
use disk::{Disk, atomic::unfinished};
use model::{histogram::Histogram, labels::Labels, tenant::TenantId};

use super::{
    BlockId,
    directory::{Footer, TenantEntry, put_directory},
    format::{MAGIC, PageFile},
    tenant_writer::TenantWriter,
};
use crate::{
    chunk,
    samples::{Column, Samples},
};

/// A chunk of floats has about so many samples.
const CHUNK_SAMPLES: usize = 960;
/// A chunk of histograms has so many.
const CHUNK_HISTOGRAMS: usize = 120;

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
        tenant.samples += samples.len() as u64;
        for times in [&samples.floats.times, &samples.histograms.times] {
            if let (Some(first), Some(last)) = (times.first(), times.last()) {
                tenant.min = tenant.min.min(*first);
                tenant.max = tenant.max.max(*last);
            }
        }
        tenant.series(labels, &mut self.file)
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
