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
    order::{compare, sort},
    select::Condition,
    store::Inner,
    times::Times,
};

mod handle;
mod reach;

use handle::{Handle, Part};
use reach::Reach;

/// The label that names the tenant in views of several.
pub const TENANT_LABEL: &str = "tenant";

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
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("tenants", &self.tenants).finish_non_exhaustive()
    }
}

impl View {
    pub(crate) fn new(inner: Arc<Inner>, tenants: TenantSet) -> Self {
        Self { inner, tenants }
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
        let mut found: Vec<(Labels, Part)> = Vec::new();
        for tenant in &reach.tenants {
            let parts = reach.select(tenant, &conditions, &times)?;
            found.extend(
                parts.into_iter().map(|(labels, part)| (reach.label(labels, tenant), part)),
            );
        }
        sort(&mut found);
        let mut handles: Vec<Handle> = Vec::with_capacity(found.len());
        for (labels, part) in found {
            match handles.last_mut().filter(|last| last.labels == labels) {
                Some(last) => last.parts.push(part),
                None => handles.push(Handle::new(&self.inner, labels, part)),
            }
        }
        Ok(handles.into_iter().map(|handle| Box::new(handle) as _).collect())
    }

    fn series(&self, selection: &Selection<'_>) -> Result<Vec<Labels>, QueryError> {
        let reach = self.reach(selection);
        let conditions = self.conditions(selection);
        let times = Times::of(selection);
        let mut found = Vec::new();
        for tenant in &reach.tenants {
            let series = reach.series(tenant, &conditions, &times)?;
            found.extend(series.into_iter().map(|labels| reach.label(labels, tenant)));
        }
        found.sort_by(compare);
        found.dedup();
        Ok(found)
    }

    fn label_names(&self, selection: &Selection<'_>) -> Result<Vec<String>, QueryError> {
        let reach = self.reach(selection);
        let conditions = self.conditions(selection);
        let times = Times::of(selection);
        let mut names = BTreeSet::new();
        for tenant in &reach.tenants {
            reach.label_names(tenant, &conditions, &times, &mut |name| {
                if !names.contains(name) {
                    names.insert(name.to_owned());
                }
            })?;
        }
        if reach.labelled && !names.is_empty() {
            names.insert(TENANT_LABEL.to_owned());
        }
        Ok(names.into_iter().collect())
    }

    fn label_values(
        &self,
        name: &str,
        selection: &Selection<'_>,
    ) -> Result<Vec<String>, QueryError> {
        let reach = self.reach(selection);
        let conditions = self.conditions(selection);
        let times = Times::of(selection);
        let mut values = BTreeSet::new();
        for tenant in &reach.tenants {
            if reach.labelled && name == TENANT_LABEL {
                let mut any = false;
                reach.label_names(tenant, &conditions, &times, &mut |_| any = true)?;
                if any {
                    values.insert(tenant.to_string());
                }
                continue;
            }
            reach.label_values(tenant, name, &conditions, &times, &mut |value| {
                if !values.contains(value) {
                    values.insert(value.to_owned());
                }
            })?;
        }
        Ok(values.into_iter().collect())
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
            for (labels, exemplars) in partition.exemplars(&conditions, start, end)? {
                found.insert(reach.label(labels, tenant), exemplars);
            }
        }
        Ok(found.into_iter().collect())
    }
}
