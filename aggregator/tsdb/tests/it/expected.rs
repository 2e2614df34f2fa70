//! What a store should hold, in ordered maps, with what is certain told from what is possible.

use std::{collections::BTreeMap, sync::Arc};

use model::{
    columns::Columns,
    histogram::{Histogram, Span},
    labels::Labels,
    matcher::Matcher,
    tenant::TenantId,
};

/// A sample. The order is the one in which samples win over others of the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sample {
    /// Whether it is a number, its place in the order of numbers, and its bits.
    Float(bool, i64, u64),
    /// A histogram made by [`histogram`].
    Histogram(u32),
}

impl Sample {
    pub(crate) fn float(value: f64) -> Self {
        // The order of `f64::total_cmp`.
        let bits = value.to_bits() as i64;
        let place = bits ^ (((bits >> 63) as u64) >> 1) as i64;
        Self::Float(!value.is_nan(), place, value.to_bits())
    }
}

/// A valid histogram, a greater one for a greater number.
pub(crate) fn histogram(number: u32) -> Arc<Histogram> {
    Arc::new(Histogram {
        schema: 3,
        count: f64::from(number) * 3.0 + 4.0,
        sum: f64::from(number),
        zero_threshold: 0.001,
        zero_count: 1.0,
        positive_spans: vec![Span { offset: -2, length: 1 }, Span { offset: 3, length: 2 }],
        positive_buckets: vec![f64::from(number), f64::from(number) * 2.0, 3.0],
        ..Histogram::default()
    })
}

/// What is known of one time of one series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    /// Acknowledged; the greatest has won.
    certain: Vec<Sample>,
    /// Sent without an answer: may be there or not.
    possible: Vec<Sample>,
}

impl Cell {
    fn allows(&self, found: Option<Sample>, may_be_gone: bool) -> bool {
        let winner = self.certain.iter().copied().max();
        match found {
            None => winner.is_none() || may_be_gone,
            Some(found) => {
                let is_known = self.certain.contains(&found) || self.possible.contains(&found);
                is_known && (may_be_gone || winner.is_none_or(|winner| found >= winner))
            }
        }
    }
}

type Series = BTreeMap<i64, Cell>;

/// The model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    tenants: BTreeMap<TenantId, BTreeMap<Labels, Series>>,
}

impl Model {
    pub(crate) fn acknowledged(
        &mut self,
        tenant: &TenantId,
        labels: &Labels,
        time: i64,
        sample: Sample,
    ) {
        self.cell(tenant, labels, time).certain.push(sample);
    }

    pub(crate) fn unanswered(
        &mut self,
        tenant: &TenantId,
        labels: &Labels,
        time: i64,
        sample: Sample,
    ) {
        self.cell(tenant, labels, time).possible.push(sample);
    }

    fn cell(&mut self, tenant: &TenantId, labels: &Labels, time: i64) -> &mut Cell {
        let series = self.tenants.entry(tenant.clone()).or_default();
        series.entry(labels.clone()).or_default().entry(time).or_default()
    }

    /// A deletion, of which it is known or not that it was carried out.
    pub(crate) fn delete(
        &mut self,
        tenant: &TenantId,
        matchers: &[Matcher],
        range: (i64, i64),
        answered: bool,
    ) {
        let Some(all) = self.tenants.get_mut(tenant) else { return };
        for (labels, series) in all {
            if !matchers.iter().all(|matcher| matcher.matches_labels(labels)) {
                continue;
            }
            for (_, cell) in series.range_mut(range.0..=range.1) {
                let certain = std::mem::take(&mut cell.certain);
                if answered {
                    cell.possible.clear();
                } else {
                    cell.possible.extend(certain);
                }
            }
        }
    }

    /// From now on anything may be missing, but nothing wrong may be there.
    pub(crate) fn doubt_everything(&mut self) {
        for tenant in self.tenants.keys().cloned().collect::<Vec<_>>() {
            self.delete(&tenant, &[], (i64::MIN, i64::MAX), false);
        }
    }

    /// Compares what a tenant's series hold. Samples before `oldest` may have expired.
    pub(crate) fn check(
        &self,
        tenant: &TenantId,
        found: &BTreeMap<Labels, Columns>,
        oldest: i64,
    ) -> Result<(), String> {
        let empty = BTreeMap::new();
        let known = self.tenants.get(tenant).unwrap_or(&empty);
        for (labels, columns) in found {
            let Some(series) = known.get(labels) else {
                if columns.is_empty() {
                    continue;
                }
                return Err(format!("{tenant}: {labels} was never written"));
            };
            if !columns.times.is_sorted_by(|a, b| a < b) {
                return Err(format!("{tenant}: {labels} is out of order"));
            }
            if let Some(time) = columns.times.iter().find(|time| !series.contains_key(time)) {
                return Err(format!("{tenant}: {labels} has an unknown sample at {time}"));
            }
        }
        for (labels, series) in known {
            let columns = found.get(labels);
            for (time, cell) in series {
                let sample = columns.and_then(|columns| sample_at(columns, *time));
                if !cell.allows(sample, *time < oldest) {
                    return Err(format!("{tenant}: {labels} at {time}: {sample:?}, not {cell:?}"));
                }
            }
        }
        Ok(())
    }
}

fn sample_at(columns: &Columns, time: i64) -> Option<Sample> {
    let at = columns.times.binary_search(&time).ok()?;
    if columns.start(at) != start_of(time) {
        panic!("the start of the sample at {time} is {}", columns.start(at));
    }
    Some(match columns.histogram(at) {
        Some(found) => {
            let number = found.sum as u32;
            assert_eq!(**found, *histogram(number), "a histogram has changed");
            Sample::Histogram(number)
        }
        None => Sample::float(columns.values[at]),
    })
}

/// The start timestamp that every sample of this time has.
pub(crate) fn start_of(time: i64) -> i64 {
    if time.div_euclid(3_600_000) % 3 == 0 { time - time.rem_euclid(3_600_000) - 7 } else { 0 }
}
