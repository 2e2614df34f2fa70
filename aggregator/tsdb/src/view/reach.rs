//! What a selection reaches: tenants, their part of the head, their part of blocks.

use std::{collections::BTreeSet, sync::Arc};

use model::{
    labels::Labels,
    query::{QueryError, Selection},
    tenant::TenantId,
};

use super::{
    TENANT_LABEL, TenantSet,
    handle::{Found, Handle, Part},
};
use crate::{
    block::index::{BlockSeries, BlockTenant},
    bounds::Bounds,
    manifest::Tombstone,
    select::{Condition, resolve},
    store::{BlockList, Inner},
    times::Times,
};

/// The tenants that a selection reaches.
pub(super) struct Reach {
    inner: Arc<Inner>,
    pub(super) tenants: Vec<TenantId>,
    /// Whether series carry the tenant's name.
    pub(super) labelled: bool,
}

impl Reach {
    pub(super) fn new(inner: Arc<Inner>, set: &TenantSet, selection: &Selection<'_>) -> Self {
        if let TenantSet::One(tenant) = set {
            return Self { inner, tenants: vec![tenant.clone()], labelled: false };
        }
        let wanted = |tenant: &TenantId| {
            let mut named = selection.matchers.iter().filter(|m| m.name() == TENANT_LABEL);
            set.contains(tenant) && named.all(|matcher| matcher.matches(tenant.as_str()))
        };
        let mut tenants: BTreeSet<TenantId> = BTreeSet::new();
        for partition in inner.head.all() {
            if wanted(&partition.tenant) {
                tenants.insert(partition.tenant.clone());
            }
        }
        for block in &inner.blocks.current().blocks {
            let times = Times::of(selection);
            if block.meets(&times) {
                let new = block.tenants.iter();
                let new = new.filter(|entry| entry.meets(&times) && wanted(&entry.tenant));
                tenants.extend(new.map(|entry| entry.tenant.clone()));
            }
        }
        Self { inner, tenants: tenants.into_iter().collect(), labelled: true }
    }

    pub(super) fn label(&self, labels: Labels, tenant: &TenantId) -> Labels {
        if self.labelled { labels.with(TENANT_LABEL, tenant.as_str()) } else { labels }
    }

    /// Adds what is found for a tenant. Returns whether that is in order of labels, each set once.
    pub(super) fn select(
        &self,
        tenant: &TenantId,
        conditions: &[Condition],
        times: &Times,
        bounds: &Bounds<'_>,
        found: &mut Found,
    ) -> Result<bool, QueryError> {
        // A block's series are in order; those of several places have to be put in it.
        let mut places = 0;
        let mut add = |labels, part| {
            let labels = self.label(labels, tenant);
            found.push(Box::new(Handle::new(&self.inner, labels, part)));
        };
        // First the head and then the list of blocks: what moves in between is met twice, not
        // missed.
        if let Some(partition) = self.inner.head.get(tenant) {
            let selected = partition.select(conditions, times.start, times.end, bounds)?;
            places += if selected.is_empty() { 0 } else { 2 };
            selected.into_iter().for_each(|(labels, snapshot)| add(labels, Part::Head(snapshot)));
        }
        let list = self.inner.blocks.current();
        for (part, tombstones) in self.blocks(&list, tenant, times)? {
            let mut any = false;
            let selected = part.select(conditions, times, bounds, &mut |labels, series| {
                any = true;
                let deleted = deleted(&labels, &tombstones);
                if !is_deleted(&series, &deleted) {
                    add(labels, Part::Block { series, deleted });
                }
                true
            });
            selected.map_err(|error| self.met(error, &part))?;
            places += usize::from(any);
        }
        // Where sets are given the tenant's label, they may become others.
        Ok(places < 2 && !self.labelled)
    }

    /// The blocks that have something of a tenant in a range of time, and what was deleted there.
    fn blocks<'a>(
        &self,
        list: &'a BlockList,
        tenant: &'a TenantId,
        times: &Times,
    ) -> Result<Vec<(BlockTenant, Vec<&'a Tombstone>)>, QueryError> {
        let mut reached = Vec::new();
        for block in &list.blocks {
            // The range of the tenant's own samples: that of the block would tell of others.
            if block.tenant(tenant).is_none_or(|entry| !entry.meets(times)) {
                continue;
            }
            let opened =
                BlockTenant::open(block, tenant).map_err(|error| self.inner.read_error(error))?;
            if let Some(part) = opened {
                reached.push((part, list.tombstones(tenant, block.id()).collect()));
            }
        }
        Ok(reached)
    }

    fn met(&self, error: QueryError, part: &BlockTenant) -> QueryError {
        if matches!(error, QueryError::Damaged(_)) {
            self.inner.suspect(part.block_id());
        }
        error
    }

    /// The label sets that match, as many of each place as the bounds allow.
    pub(super) fn series(
        &self,
        tenant: &TenantId,
        conditions: &[Condition],
        times: &Times,
        bounds: &Bounds<'_>,
        found: &mut Vec<Labels>,
    ) -> Result<(), QueryError> {
        if let Some(partition) = self.inner.head.get(tenant) {
            let series = partition.series(conditions, times.start, times.end, bounds)?;
            found.extend(series.into_iter().map(|labels| self.label(labels, tenant)));
        }
        let list = self.inner.blocks.current();
        for (part, tombstones) in self.blocks(&list, tenant, times)? {
            let mut left = bounds.limit;
            let each =
                self.each_left(&part, conditions, &tombstones, times, bounds, &mut |labels| {
                    found.push(self.label(labels, tenant));
                    left -= 1;
                    left > 0
                });
            each.map_err(|error| self.met(error, &part))?;
        }
        Ok(())
    }

    pub(super) fn label_names(
        &self,
        tenant: &TenantId,
        conditions: &[Condition],
        times: &Times,
        bounds: &Bounds<'_>,
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), QueryError> {
        if let Some(partition) = self.inner.head.get(tenant) {
            partition.label_names(conditions, (times.start, times.end), bounds, visit)?;
        }
        let list = self.inner.blocks.current();
        for (part, tombstones) in self.blocks(&list, tenant, times)? {
            let visited = if conditions.is_empty() && tombstones.is_empty() {
                part.names()
                    .map(|names| names.iter().for_each(|name| visit(name)))
                    .map_err(Into::into)
            } else {
                self.each_left(&part, conditions, &tombstones, times, bounds, &mut |labels| {
                    labels.iter().for_each(|(name, _)| visit(name));
                    true
                })
            };
            visited.map_err(|error| self.met(error, &part))?;
        }
        Ok(())
    }

    pub(super) fn label_values(
        &self,
        tenant: &TenantId,
        name: &str,
        conditions: &[Condition],
        times: &Times,
        bounds: &Bounds<'_>,
        visit: &mut dyn FnMut(&str),
    ) -> Result<(), QueryError> {
        if let Some(partition) = self.inner.head.get(tenant) {
            let times = (times.start, times.end);
            partition.label_values(name, conditions, times, bounds, visit)?;
        }
        let list = self.inner.blocks.current();
        for (part, tombstones) in self.blocks(&list, tenant, times)? {
            let visited = if tombstones.is_empty() {
                let found = if conditions.is_empty() {
                    Ok(None)
                } else {
                    resolve(conditions, &part, bounds).map(Some)
                };
                found.and_then(|found| part.values(name, found.as_ref(), bounds, visit))
            } else {
                self.each_left(&part, conditions, &tombstones, times, bounds, &mut |labels| {
                    labels.get(name).into_iter().for_each(&mut *visit);
                    true
                })
            };
            visited.map_err(|error| self.met(error, &part))?;
        }
        Ok(())
    }

    /// Visits the label sets of which deletions have left something, until the visitor returns
    /// `false`.
    fn each_left(
        &self,
        part: &BlockTenant,
        conditions: &[Condition],
        tombstones: &[&Tombstone],
        times: &Times,
        bounds: &Bounds<'_>,
        visit: &mut dyn FnMut(Labels) -> bool,
    ) -> Result<(), QueryError> {
        part.select(conditions, times, bounds, &mut |labels, series| {
            is_deleted(&series, &deleted(&labels, tombstones)) || visit(labels)
        })
    }
}

/// The ranges of time that were deleted from a series.
fn deleted(labels: &Labels, tombstones: &[&Tombstone]) -> Box<[(i64, i64)]> {
    let applying = tombstones.iter().filter(|tombstone| tombstone.matches(labels));
    applying.map(|tombstone| (tombstone.start, tombstone.end)).collect()
}

/// Whether nothing is left of the chunks that were found.
fn is_deleted(series: &BlockSeries, deleted: &[(i64, i64)]) -> bool {
    !deleted.is_empty()
        && series
            .spans()
            .all(|(min, max)| deleted.iter().any(|(start, end)| *start <= min && max <= *end))
}
