//! Where the series of a request go: into one batch for each tenant.

use std::{borrow::Cow, collections::BTreeMap};

use model::{tenant::TenantId, time::Timestamp, write::WriteBatch};
use tenancy::access::{Access, Scope, Tenants};
use tsdb::{
    outcome::{AppendError, Appended},
    store::{Store, Write},
    view::TENANT_LABEL,
};
use wire::remote_write::{DecodeOptions, Partition, Refused};

use crate::api::answer::ApiError;

const NOT_ITS_TENANT: Refused = Refused(Cow::Borrowed("the token is not for this tenant"));

/// The label by which an agent says where a series comes from.
pub(super) const NODE_LABEL: &str = "node";

/// Tenants in one request.
const TENANTS_PER_REQUEST_MAX: usize = 10_000;

/// Where a request's series go.
pub(super) enum Batches {
    One(TenantId, WriteBatch),
    ByTenant(Tenants, BTreeMap<TenantId, WriteBatch>),
}

impl Batches {
    pub(super) fn of(access: &Access) -> Result<Self, ApiError> {
        if access.scopes.contains(&Scope::Agent) {
            return Ok(Self::ByTenant(access.tenants.clone(), BTreeMap::new()));
        }
        match &access.tenants {
            Tenants::One(tenant) => Ok(Self::One(tenant.clone(), WriteBatch::default())),
            Tenants::Some(_) | Tenants::All => {
                Err(ApiError::Forbidden("this token writes for no single tenant".to_owned()))
            }
        }
    }

    /// How to decode what goes here, for a caller bound to a node or to none.
    pub(super) fn options<'n>(&self, node: Option<&'n str>) -> DecodeOptions<'n> {
        let bound = node.map(|node| (NODE_LABEL, node));
        DecodeOptions { lift: self.lift(), bound, ..DecodeOptions::default() }
    }

    pub(super) fn lift(&self) -> Option<&'static str> {
        match self {
            Self::One(..) => None,
            Self::ByTenant(..) => Some(TENANT_LABEL),
        }
    }

    /// Whether tenants share the request, none of which may hold the others up.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::ByTenant(..))
    }

    /// The parts of the request that it comes to, one for each tenant.
    pub(super) fn writes<'a>(&'a self) -> Vec<Write<'a>> {
        match self {
            Self::One(tenant, batch) => vec![Write::Batch { tenant, batch }],
            Self::ByTenant(_, batches) => {
                batches.iter().map(|(tenant, batch)| Write::Batch { tenant, batch }).collect()
            }
        }
    }

    /// Stores everything, with one sync.
    pub(super) fn append(&self, store: &Store, now: Timestamp) -> Result<Appended, AppendError> {
        Ok(store.append_all(&self.writes(), now)?.appended)
    }

    /// The tenant of series that name this one, or none.
    pub(super) fn tenant(&self, name: Option<&str>) -> Result<TenantId, Refused> {
        match self {
            Self::One(own, _) if name.is_none_or(|name| name == own.as_str()) => Ok(own.clone()),
            Self::One(..) => Err(NOT_ITS_TENANT),
            Self::ByTenant(allowed, _) => {
                let name =
                    name.ok_or(Refused(Cow::Borrowed("an agent's series names no tenant")))?;
                let tenant =
                    TenantId::new(name).map_err(|error| Refused(error.to_string().into()))?;
                if allowed.contains(&tenant) { Ok(tenant) } else { Err(NOT_ITS_TENANT) }
            }
        }
    }

    fn insert(&mut self, tenant: TenantId) -> Result<(), Refused> {
        let Self::ByTenant(_, batches) = self else { return Ok(()) };
        if batches.len() == TENANTS_PER_REQUEST_MAX {
            return Err(Refused(Cow::Borrowed("too many tenants in one request")));
        }
        batches.insert(tenant, WriteBatch::default());
        Ok(())
    }
}

impl Partition for Batches {
    fn batch(&mut self, lifted: Option<&str>) -> Result<&mut WriteBatch, Refused> {
        let known = |batches: &BTreeMap<TenantId, WriteBatch>| {
            lifted.is_some_and(|name| batches.contains_key(name))
        };
        if matches!(self, Self::ByTenant(_, batches) if !known(batches)) {
            let tenant = self.tenant(lifted)?;
            self.insert(tenant)?;
        }
        match self {
            Self::One(_, batch) => Ok(batch),
            Self::ByTenant(_, batches) => {
                let batch = lifted.and_then(|name| batches.get_mut(name));
                batch.ok_or(Refused(Cow::Borrowed("no such tenant")))
            }
        }
    }
}
