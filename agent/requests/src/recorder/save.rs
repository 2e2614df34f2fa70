//! Keeps a recorder's totals over a restart.

use std::collections::HashMap;

use model::{tenant::TenantId, time::Timestamp};

use super::{Excess, Kind, Recorder, Tenant};
use crate::{
    distinct::Distinct,
    saved::{InvalidSaved, Saved, SavedExcess, SavedTenant},
};

impl Recorder {
    /// All totals as the last [`Self::flush`] wrote them, to be asked for right after it: latencies
    /// recorded since are not in it, other counts are.
    pub fn save(&self) -> Saved {
        let tenants = self.tenants.iter().map(Tenant::save).collect();
        Saved { flushed: self.flushed.map(Timestamp::millis), tenants }
    }

    /// Goes on from what an earlier recorder saved, in place of what this one has.
    pub fn restore(&mut self, saved: Saved) -> Result<(), InvalidSaved> {
        if saved.tenants.len() > self.options.tenants_max {
            return Err(InvalidSaved);
        }
        let mut tenants = Vec::with_capacity(saved.tenants.len());
        for tenant in saved.tenants {
            if tenant.kinds.len() > self.options.kinds_max {
                return Err(InvalidSaved);
            }
            tenants.push(Tenant::load(tenant).ok_or(InvalidSaved)?);
        }
        let names = tenants.iter().enumerate().map(|(index, tenant)| (tenant.id.clone(), index));
        let by_name: HashMap<_, _> = names.collect();
        if by_name.len() != tenants.len() {
            return Err(InvalidSaved);
        }
        (self.tenants, self.by_name) = (tenants, by_name);
        self.flushed = saved.flushed.map(Timestamp);
        Ok(())
    }
}

impl Tenant {
    fn save(&self) -> SavedTenant {
        let excess = self.excess.as_ref().map(|excess| SavedExcess {
            kind: excess.kind.save(),
            count: excess.count,
            distinct: excess.distinct.save(),
        });
        let kinds = self.kinds.iter().map(Kind::save).collect();
        SavedTenant { name: self.id.as_str().to_owned(), kinds, excess }
    }

    fn load(saved: SavedTenant) -> Option<Self> {
        let id = TenantId::new(&saved.name).ok()?;
        let mut tenant = Self { id, kinds: Vec::new(), by_key: HashMap::new(), excess: None };
        let mut key = Vec::new();
        for kind in saved.kinds {
            let kind = Kind::load(kind)?;
            kind.parts().write_key(&mut key);
            let twice = tenant.by_key.insert(key.as_slice().into(), tenant.kinds.len());
            if twice.is_some() {
                return None;
            }
            tenant.kinds.push(kind);
        }
        if let Some(SavedExcess { kind, count, distinct }) = saved.excess {
            let (kind, distinct) = (Kind::load(kind)?, Distinct::load(distinct)?);
            tenant.excess = Some(Box::new(Excess { kind, count, distinct }));
        }
        Some(tenant)
    }
}
