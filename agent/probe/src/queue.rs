//! Who is next when more is due than may run: one of each tenant in turn, so that a tenant with
//! many probes delays itself and nobody else.

use std::collections::VecDeque;

use model::tenant::TenantId;
use rustc_hash::FxHashMap;

/// A tenant's place in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane(usize);

/// Waiting items, served round robin by tenant. Bounded by its user: a probe waits at most once.
#[derive(Debug)]
pub struct FairQueue<T> {
    lanes: Vec<Waiting<T>>,
    tenants: FxHashMap<TenantId, Lane>,
    free: Vec<Lane>,
    /// Lanes with something in them, the next first.
    turns: VecDeque<Lane>,
    len: usize,
}

#[derive(Debug)]
struct Waiting<T> {
    items: VecDeque<T>,
    users: usize,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self {
            lanes: Vec::new(),
            tenants: FxHashMap::default(),
            free: Vec::new(),
            turns: VecDeque::new(),
            len: 0,
        }
    }
}

impl<T> FairQueue<T> {
    /// The lane of a tenant, for one more user of it.
    pub fn open(&mut self, tenant: &TenantId) -> Lane {
        let lane = match self.tenants.get(tenant) {
            Some(lane) => *lane,
            None => {
                let lane = self.free.pop().unwrap_or_else(|| {
                    self.lanes.push(Waiting { items: VecDeque::new(), users: 0 });
                    Lane(self.lanes.len() - 1)
                });
                self.tenants.insert(tenant.clone(), lane);
                lane
            }
        };
        if let Some(waiting) = self.lanes.get_mut(lane.0) {
            waiting.users += 1;
        }
        lane
    }

    /// A user of the tenant's lane is gone; what it has waiting stays until it is taken.
    pub fn close(&mut self, tenant: &TenantId) {
        let Some(lane) = self.tenants.get(tenant).copied() else {
            return;
        };
        let Some(waiting) = self.lanes.get_mut(lane.0) else {
            return;
        };
        waiting.users = waiting.users.saturating_sub(1);
        if waiting.users == 0 {
            self.tenants.remove(tenant);
            self.free.push(lane);
        }
    }

    pub fn push(&mut self, lane: Lane, item: T) {
        let Some(waiting) = self.lanes.get_mut(lane.0) else {
            return;
        };
        if waiting.items.is_empty() {
            self.turns.push_back(lane);
        }
        waiting.items.push_back(item);
        self.len += 1;
    }

    pub fn pop(&mut self) -> Option<T> {
        let lane = self.turns.pop_front()?;
        let waiting = self.lanes.get_mut(lane.0)?;
        let item = waiting.items.pop_front()?;
        if !waiting.items.is_empty() {
            self.turns.push_back(lane);
        }
        self.len -= 1;
        Some(item)
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests;
