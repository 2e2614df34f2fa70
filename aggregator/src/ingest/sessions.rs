//! What senders of frames have registered, kept between their bodies.
//!
//! A session is one epoch of one caller, bound to a tenant or not: the sequence that was taken last, with what was answered, and
//! the groups by the numbers that the sender gave them. Losing one costs the sender a registration, no
//! sample, so sessions are few, in memory only, and forgotten whenever something is amiss.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{tenant::TenantId, time::Timestamp};
use tenancy::access::{Access, Scope, Tenants};
use tsdb::store::{GroupHandle, Store};

/// Sessions of one caller; one more ends the session that was quiet for longest. Agents of many nodes
/// may share a token, unless it is bound to one; a tenant's own senders are few.
const SESSIONS_PER_AGENT_TOKEN_MAX: usize = 10_000;
const SESSIONS_PER_NODE_TOKEN_MAX: usize = 4;
const SESSIONS_PER_TENANT_TOKEN_MAX: usize = 16;
/// When a group without room is asked for again.
const AGAIN_AFTER: Duration = Duration::from_mins(5);
/// How long a session may be quiet.
const QUIET_MAX: Duration = Duration::from_mins(10);

/// All sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    store: Store,
    all: Mutex<BTreeMap<Key, Entry>>,
}

/// The name of the caller, the tenant that it is bound to, and the epoch. What a request is bound to
/// decides whose a group is when it is registered, so it holds for the group's frames too.
pub(super) type Key = (String, Option<TenantId>, u64);

/// The session of a caller's epoch.
pub(super) fn key_of(access: &Access, epoch: u64) -> Key {
    let bound_to = match &access.tenants {
        Tenants::One(tenant) => Some(tenant.clone()),
        Tenants::Some(_) | Tenants::All => None,
    };
    (access.name.clone(), bound_to, epoch)
}

#[derive(Debug)]
struct Entry {
    session: Arc<Mutex<Session>>,
    used: Timestamp,
}

/// One epoch of one caller.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// The sequence taken last, 0 before the first, and its answer.
    pub(super) sequence: u64,
    pub(super) answer: Option<super::Written>,
    groups: BTreeMap<u32, Group>,
}

/// What a number of the sender's stands for.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) handle: Result<GroupHandle, Refusal>,
    /// Samples in each frame.
    pub(super) members: usize,
}

/// Why the frames of a group are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) why: &'static str,
    /// When it was for want of room, which others may have made since.
    pub(super) since: Option<Timestamp>,
}

impl Refusal {
    /// Whether the group should be registered again, to see whether there is room now.
    pub(super) fn wants_registration(&self, now: Timestamp) -> bool {
        self.since.is_some_and(|since| since <= now.saturating_sub(AGAIN_AFTER))
    }
}

impl Session {
    pub(super) fn group(&self, number: u32) -> Option<&Group> {
        self.groups.get(&number)
    }

    /// Adds a group. `false` when there is one of this number.
    pub(super) fn insert(&mut self, number: u32, group: Group) -> bool {
        self.groups.insert(number, group).is_none()
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<Group> {
        self.groups.remove(&number)
    }
}

impl Sessions {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, all: Mutex::default() }
    }

    /// The session that a body belongs to: a new one for the first of an epoch.
    pub(super) fn find(
        &self,
        access: &Access,
        (epoch, sequence): (u64, u64),
        now: Timestamp,
    ) -> Option<Arc<Mutex<Session>>> {
        let is_agent = access.scopes.contains(&Scope::Agent);
        let limit = match (is_agent, &access.node) {
            (true, None) => SESSIONS_PER_AGENT_TOKEN_MAX,
            (true, Some(_)) => SESSIONS_PER_NODE_TOKEN_MAX,
            (false, _) => SESSIONS_PER_TENANT_TOKEN_MAX,
        };
        let mut all = self.all();
        let key = key_of(access, epoch);
        if let Some(known) = all.get_mut(&key) {
            known.used = now;
            return Some(Arc::clone(&known.session));
        }
        if sequence != 1 {
            return None;
        }
        let oldest = now.saturating_sub(QUIET_MAX);
        let mut ended: Vec<Entry> =
            all.extract_if(.., |_, entry| entry.used < oldest).map(second).collect();
        let first = (access.name.clone(), None, 0);
        let own = || all.range(&first..).take_while(|((caller, ..), _)| *caller == access.name);
        if own().count() >= limit {
            let quietest = own().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
            ended.extend(quietest.and_then(|key| all.remove(&key)));
        }
        let session = Arc::<Mutex<Session>>::default();
        all.insert(key, Entry { session: Arc::clone(&session), used: now });
        drop(all);
        for entry in ended {
            self.drop_groups(&lock(&entry.session));
        }
        Some(session)
    }

    /// Ends all sessions: what callers may do has changed.
    pub(crate) fn clear(&self) {
        let ended = std::mem::take(&mut *self.all());
        for entry in ended.into_values() {
            self.end(&mut lock(&entry.session));
        }
    }

    fn end(&self, session: &mut Session) {
        self.drop_groups(session);
        // Whoever waits for it finds that no sequence follows.
        *session = Session { sequence: u64::MAX, ..Session::default() };
    }

    /// Ends a session, whose sender has to begin anew.
    pub(super) fn forget(&self, key: &Key, session: &mut Session) {
        self.all().remove(key);
        self.end(session);
    }

    fn drop_groups(&self, session: &Session) {
        for group in session.groups.values() {
            if let Ok(handle) = &group.handle {
                self.store.drop_group(handle);
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Key, Entry>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn second<A, B>((_, second): (A, B)) -> B {
    second
}

pub(super) fn lock(session: &Mutex<Session>) -> MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
