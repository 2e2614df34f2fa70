//! Takes readings into the batch.

use std::collections::{BTreeMap, HashMap};

use model::{
    exemplar::Exemplar,
    metadata::Metadata,
    time::Timestamp,
    write::{HistogramSample, Sample, WriteBatch},
};
use wire::exposition::{FamilyInfo, Reading, Series, Value, Visitor};

use super::{Described, FAMILIES_MAX, METADATA_EVERY, Outcome, ScrapeError, shape::Shape};
use crate::{
    config::Job,
    seen::{Found, Meaning, NONE, Seen},
};

/// Start times of groups of series, where they are lines of their own.
#[derive(Debug, Default)]
pub(super) struct Groups {
    by_name: HashMap<String, u32>,
    /// Per group: the scrape that said it, and the start.
    starts: Vec<(u64, i64)>,
    scrape: u64,
    /// Whether the scrape at hand said any.
    any: bool,
}

impl Groups {
    pub(super) fn begin(&mut self) {
        self.scrape += 1;
        self.any = false;
    }

    fn intern(&mut self, name: String) -> u32 {
        let next = u32::try_from(self.starts.len()).unwrap_or(NONE);
        let number = *self.by_name.entry(name).or_insert(next);
        if number == next {
            self.starts.push((0, 0));
        }
        number
    }

    fn set(&mut self, group: u32, start: i64) {
        self.any = true;
        if let Some(place) = self.starts.get_mut(group as usize) {
            *place = (self.scrape, start);
        }
    }

    fn start(&self, group: u32) -> i64 {
        let said = self.starts.get(group as usize).filter(|(scrape, _)| *scrape == self.scrape);
        said.map_or(0, |(_, start)| *start)
    }

    /// Whether there are many more groups than rows, so that they should be counted anew.
    pub(super) fn outgrow(&self, rows: usize) -> bool {
        self.starts.len() > rows * 2 + 1000
    }
}

pub(super) struct Reader<'s> {
    pub(super) job: &'s Job,
    pub(super) shape: &'s Shape,
    pub(super) seen: &'s mut Seen,
    pub(super) groups: &'s mut Groups,
    pub(super) families: &'s mut BTreeMap<String, Described>,
    /// Number of the scrape.
    pub(super) scrape: u64,
    pub(super) time: Timestamp,
    pub(super) batch: &'s mut WriteBatch,
    pub(super) outcome: &'s mut Outcome,
    /// Reading goes on beyond the limit, to tell how far beyond; but nothing is relabelled or
    /// remembered any more, because a target chooses how far it goes.
    pub(super) over_limit: Option<ScrapeError>,
}

impl Visitor for Reader<'_> {
    type Error = ScrapeError;

    fn family(&mut self, family: &FamilyInfo<'_>) -> Result<(), ScrapeError> {
        let count = self.families.len();
        let said = match self.families.get_mut(family.name) {
            Some(known) => {
                let same = known.metadata.kind == family.kind
                    && known.metadata.help == family.help
                    && known.metadata.unit == family.unit;
                known.seen = self.scrape;
                if same && !self.scrape.is_multiple_of(METADATA_EVERY) {
                    return Ok(());
                }
                known.metadata = metadata(family);
                known.metadata.clone()
            }
            None if count >= FAMILIES_MAX => return Ok(()),
            None => {
                let metadata = metadata(family);
                let described = Described { metadata: metadata.clone(), seen: self.scrape };
                self.families.insert(family.name.to_owned(), described);
                metadata
            }
        };
        self.batch.push_metadata(family.name.to_owned(), said);
        Ok(())
    }

    fn created(&mut self, series: &Series<'_>, start: i64) -> Result<(), ScrapeError> {
        if self.over_limit.is_some() {
            return Ok(());
        }
        let row = match self.seen.find(series.key()) {
            Some(found) => found.row,
            None => self.seen.insert(series.key(), Meaning::Created),
        };
        let group = self.group(row, series)?;
        self.groups.set(group, start);
        Ok(())
    }

    fn reading(&mut self, reading: Reading<'_>) -> Result<(), ScrapeError> {
        self.outcome.scraped += 1;
        let found = self.seen.find(reading.series.key());
        if self.over_limit.is_some() {
            let dropped = matches!(found, Some(Found { meaning: Meaning::Dropped, .. }));
            self.outcome.kept += u64::from(!dropped);
            return Ok(());
        }
        let (set, row) = match found {
            Some(Found { meaning: Meaning::Set(set), row, .. }) => (set, Some(row)),
            Some(Found { meaning: Meaning::Dropped, .. }) => return Ok(()),
            // A name that was a start before and is a sample now: read it as it is, this once.
            Some(Found { meaning: Meaning::Created, .. }) | None => {
                let labels = reading.series.labels()?;
                match self.shape.shape(&labels)? {
                    Some(labels) => (self.seen.intern(&labels), None),
                    None => {
                        if found.is_none() {
                            self.seen.insert(reading.series.key(), Meaning::Dropped);
                        }
                        return Ok(());
                    }
                }
            }
        };
        let honored = self.job.settings.honor_timestamps;
        let own_time = reading.time.filter(|_| honored);
        self.outcome.kept += 1;
        if own_time.is_none() && !self.seen.sample(set) {
            self.outcome.duplicates += 1;
            return Ok(());
        }
        if !self.within_limit() {
            return Ok(());
        }
        let row = row.unwrap_or_else(|| match found {
            Some(found) => found.row,
            None => self.seen.insert(reading.series.key(), Meaning::Set(set)),
        });
        self.outcome.added += u64::from(!found.is_some_and(|found| found.known));
        if own_time.is_none() || self.job.settings.track_timestamps_staleness {
            self.seen.track(set);
        }
        let start = match reading.start {
            0 if self.groups.any => {
                let group = self.group(row, &reading.series)?;
                self.groups.start(group)
            }
            start => start,
        };
        self.push(set, reading, own_time.unwrap_or(self.time.millis()), start);
        Ok(())
    }
}

impl Reader<'_> {
    /// Counts a sample that would be stored.
    fn within_limit(&mut self) -> bool {
        let stored = self.outcome.kept - self.outcome.duplicates;
        match self.job.limits.samples {
            Some(limit) if stored > limit => {
                self.over_limit = Some(ScrapeError::SampleLimit { limit });
                false
            }
            _ => true,
        }
    }

    fn group(&mut self, row: u32, series: &Series<'_>) -> Result<u32, ScrapeError> {
        match self.seen.group(row) {
            NONE => {
                let Some(name) = series.group()? else { return Ok(NONE) };
                let group = self.groups.intern(name);
                self.seen.set_group(row, group);
                Ok(group)
            }
            group => Ok(group),
        }
    }

    fn push(&mut self, set: u32, reading: Reading<'_>, time: i64, start: i64) {
        let Some(labels) = self.seen.labels(set) else { return };
        self.batch.begin_set(labels);
        match reading.value {
            Value::Float(value) => self.batch.push_sample(Sample { time, value, start }),
            Value::Histogram(value) => {
                self.batch.push_histogram(HistogramSample { time, value, start });
            }
        }
        for exemplar in reading.exemplars {
            self.batch.push_exemplar(Exemplar {
                labels: exemplar.labels,
                value: exemplar.value,
                time: Timestamp(exemplar.time.unwrap_or(time)),
            });
        }
    }
}

fn metadata(family: &FamilyInfo<'_>) -> Metadata {
    let FamilyInfo { kind, help, unit, .. } = *family;
    Metadata { kind, help: help.to_owned(), unit: unit.to_owned() }
}
