//! What one caller may see of a store.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use model::{
    exemplar::Exemplar,
    labels::Labels,
    query::{QueryError, Queryable, Selection, SeriesSet},
    tenant::TenantId,
};

use crate::{
    bounds::{Bounds, Stop},
    order::sort,
    select::Condition,
    store::Inner,
    times::Times,
};

mod handle;
mod least;
mod reach;

use handle::Found;
use least::Least;
use reach::Reach;

/// The label that names the tenant in views of several.
pub use model::tenant::TENANT_LABEL;

/// Whose series a view reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantSet {
    /// One tenant's, as that tenant wrote them.
    One(TenantId),
    /// Those of several; each series carries its tenant in [`TENANT_LABEL`].
    Many(BTreeSet<TenantId>),
    /// Everyone's, likewise labelled.
    All,
}

impl TenantSet {
    pub fn contains(&self, tenant: &TenantId) -> bool {
        match self {
            Self::One(one) => one == tenant,
            Self::Many(many) => many.contains(tenant),
            Self::All => true,
        }
    }
}

/// The series of a set of tenants. Holds no lock; clones are cheap.
#[derive(Clone)]
pub struct View {
    inner: Arc<Inner>,
    tenants: TenantSet,
    stop: Option<Arc<Stop>>,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("tenants", &self.tenants).finish_non_exhaustive()
    }
}

impl View {
    pub(crate) fn new(inner: Arc<Inner>, tenants: TenantSet) -> Self {
        Self { inner, tenants, stop: None }
    }

    /// The same view, whose look-ups end with [`QueryError::Cancelled`] soon after `stop` has said
    /// so. It is asked many times per millisecond.
    #[must_use]
    pub fn until(mut self, stop: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.stop = Some(Arc::new(stop));
        self
    }

    /// For a caller that goes through what it has found: whether to go on.
    pub fn check(&self) -> Result<(), QueryError> {
        self.bounds(0).check()
    }

    fn bounds(&self, limit: usize) -> Bounds<'_> {
        Bounds::new(self.stop.as_deref(), limit)
    }

    /// The conditions that are left for series once the tenants are chosen.
    fn conditions(&self, selection: &Selection<'_>) -> Vec<Condition> {
        let all = matches!(self.tenants, TenantSet::One(_));
        let own = selection.matchers.iter().filter(|m| all || m.name() != TENANT_LABEL);
        own.map(Condition::new).collect()
    }

    fn reach(&self, selection: &Selection<'_>) -> Reach {
        Reach::new(Arc::clone(&self.inner), &self.tenants, selection)
    }
}

impl Queryable for View {
    fn select(&self, selection: &Selection<'_>) -> Result<SeriesSet, QueryError> {
        let reach = self.reach(selection);
        let conditions = self.conditions(selection);
        let times = Times::of(selection);
        let bounds = self.bounds(0);
        let mut found = Found::new();
        let mut is_sorted = true;
        for tenant in &reach.tenants {
            is_sorted &= reach.select(tenant, &conditions, &times, &bounds, &mut found)?;
        }
        if is_sorted {
            return Ok(found.into_iter().map(|handle| handle as _).collect());
        }
        bounds.check()?;
        sort(&mut found, |handle| &handle.labels, || bounds.check())?;
        let mut handles: SeriesSet = Vec::with_capacity(found.len());
        let mut found = found.into_iter().peekable();
        while let Some(mut handle) = found.next() {
            while let Some(same) = found.next_if(|next| next.labels == handle.labels) {
                handle.join(*same);
            }
            handles.push(handle);
        }
        Ok(handles)
    }

    fn series(&self, selection: &Selection<'_>) -> Result<Vec<Labels>, QueryError> {
        let reach = self.reach(selection);
        let conditions = self.conditions(selection);
        let times = Times::of(selection);
        let bounds = self.bounds(selection.hints.limit);
        let mut found = Vec::new();
        for tenant in &reach.tenants {
            reach.series(tenant, &conditions, &times, &bounds, &mut found)?;
        }
        bounds.check()?;
        sort(&mut found, |labels| labels, || bounds.check())?;
        found.dedup();
        found.truncate(bounds.limit);
        Ok(found)
    }

    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        let reach = self.reach(selection);
        let conditions = self.conditions(selection);
        let times = Times::of(selection);
        let bounds = self.bounds(selection.hints.limit);
        let mut names = Least::new(bounds.limit);
        for tenant in &reach.tenants {
            reach.label_names(tenant, &conditions, &times, &bounds, &mut |name| names.add(name))?;
        }
        if reach.labelled && !names.is_empty() {
            names.add(TENANT_LABEL);
        }
        Ok(names.finish())
    }

    fn label_values(
        &self,
        name: &str,
        selection: &Selection<'_>,
    ) -> Result<Vec<String>, QueryError> {
        let reach = self.reach(selection);
        let conditions = self.conditions(selection);
        let times = Times::of(selection);
        let bounds = self.bounds(selection.hints.limit);
        let mut values = Least::new(bounds.limit);
        for tenant in &reach.tenants {
            if reach.labelled && name == TENANT_LABEL {
                let mut any = false;
                reach.label_names(tenant, &conditions, &times, &bounds, &mut |_| any = true)?;
                if any {
                    values.add(tenant.as_str());
                }
                continue;
            }
            let add = &mut |value: &str| values.add(value);
            reach.label_values(tenant, name, &conditions, &times, &bounds, add)?;
        }
        Ok(values.finish())
    }

    fn exemplars(
        &self,
        selection: &Selection<'_>,
    ) -> Result<Vec<(Labels, Vec<Exemplar>)>, QueryError> {
        let reach = self.reach(selection);
        let conditions = self.conditions(selection);
        let mut found: BTreeMap<Labels, Vec<Exemplar>> = BTreeMap::new();
        for tenant in &reach.tenants {
            let Some(partition) = self.inner.head.get(tenant) else { continue };
            let (start, end) = (selection.start.0, selection.end.0);
            for (labels, exemplars) in
                partition.exemplars(&conditions, start, end, &self.bounds(0))?
            {
                found.insert(reach.label(labels, tenant), exemplars);
            }
        }
        Ok(found.into_iter().collect())
    }
}
