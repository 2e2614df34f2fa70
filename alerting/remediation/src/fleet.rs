//! What is known of every instance, app and node, from the events seen so far.

use std::collections::{BTreeMap, BTreeSet};

use model::{event::Target, tenant::TenantId, time::Timestamp};

use crate::{
    FAILING_PROBES_MAX, INSTANCES_MAX, breaker::Breaker, failures::Place, incident::Incident,
    window::Window,
};

/// An instance's number, given in order of first appearance.
pub(crate) type Key = u64;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AppKey {
    pub(crate) tenant: TenantId,
    pub(crate) app: String,
}

impl AppKey {
    pub(crate) fn of(target: &Target) -> Self {
        Self { tenant: target.tenant.clone(), app: target.app.clone() }
    }
}

/// Whether an instance serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Health {
    /// Nothing says that it does not.
    Up,
    /// It lives, but is not ready; it may still answer some.
    Unready,
    /// Its process ended, or it fails for life.
    Down,
}

#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) target: Target,
    /// The latest process run that was heard of, 0 before the first.
    pub(crate) run: u64,
    pub(crate) run_since: Timestamp,
    /// A run began since the last command.
    pub(crate) began: bool,
    running: bool,
    /// Names of failing probes, and whether each is for readiness only.
    failing: BTreeMap<String, bool>,
    /// A probe said so since the last failure or start.
    pub(crate) confirmed: bool,
    /// When [`Self::health`] last changed.
    pub(crate) health_since: Timestamp,
    /// When the last incident closed, or the instance was first seen.
    pub(crate) healthy_since: Timestamp,
    /// The node could not do what it was told, with its reason.
    pub(crate) refused: Option<String>,
    /// When a restart was last decided.
    pub(crate) tried: Timestamp,
    /// Restarts with no long healthy time between them: the exponent of the backoff.
    pub(crate) streak: u32,
    pub(crate) restarts: Window,
    pub(crate) self_recoveries: Window,
    pub(crate) quarantined: bool,
    pub(crate) incident: Option<Incident>,
}

impl Instance {
    fn new(target: &Target, now: Timestamp) -> Self {
        Self {
            target: target.clone(),
            run: 0,
            run_since: now,
            began: false,
            running: true,
            failing: BTreeMap::new(),
            confirmed: false,
            health_since: now,
            healthy_since: now,
            refused: None,
            tried: Timestamp::MIN,
            streak: 0,
            restarts: Window::default(),
            self_recoveries: Window::default(),
            quarantined: false,
            incident: None,
        }
    }

    pub(crate) fn health(&self) -> Health {
        if !self.running {
            return Health::Down;
        }
        match self.failing.values().max_by_key(|readiness| !**readiness) {
            None => Health::Up,
            Some(true) => Health::Unready,
            Some(false) => Health::Down,
        }
    }

    /// Takes note of a new process.
    pub(crate) fn begin_run(&mut self, run: u64, now: Timestamp) {
        self.run = self.run.max(run);
        self.run_since = now;
        self.began = true;
        self.confirmed = false;
        self.change(now, |instance| {
            instance.running = true;
            instance.failing.clear();
        });
        if let Some(incident) = &mut self.incident {
            incident.doubted = false;
        }
    }

    pub(crate) fn exited(&mut self, now: Timestamp) {
        self.confirmed = false;
        self.change(now, |instance| instance.running = false);
    }

    pub(crate) fn probe_failed(&mut self, probe: &str, now: Timestamp) {
        self.confirmed = false;
        if self.failing.len() < FAILING_PROBES_MAX {
            let readiness = probe == "readiness" || probe.starts_with("readiness/");
            self.change(now, |instance| {
                instance.failing.insert(probe.to_owned(), readiness);
            });
        }
    }

    pub(crate) fn probe_recovered(&mut self, probe: &str, now: Timestamp) {
        self.change(now, |instance| {
            instance.failing.remove(probe);
        });
        self.confirmed = self.health() == Health::Up;
        if let (true, Some(incident)) = (self.confirmed, &mut self.incident) {
            incident.doubted = false;
        }
    }

    fn change(&mut self, now: Timestamp, change: impl FnOnce(&mut Self)) {
        let before = self.health();
        change(self);
        if self.health() != before {
            self.health_since = now;
        }
    }

    pub(crate) fn place(&self) -> Place {
        Place { app: AppKey::of(&self.target), node: self.target.node.clone() }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct App {
    pub(crate) members: BTreeSet<Key>,
    pub(crate) in_flight: BTreeSet<Key>,
    pub(crate) restarts: Window,
    /// The latest deployment and when it was seen.
    pub(crate) deployed: Option<(String, Timestamp)>,
    /// Somebody was told about the latest deployment.
    pub(crate) deploy_paged: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    /// Instances per tenant.
    pub(crate) tenants: BTreeMap<TenantId, u32>,
    pub(crate) in_flight: BTreeSet<Key>,
    pub(crate) restarts: Window,
    pub(crate) breaker: Breaker,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Fleet {
    keys: BTreeMap<Target, Key>,
    next: Key,
    pub(crate) instances: BTreeMap<Key, Instance>,
    pub(crate) apps: BTreeMap<AppKey, App>,
    pub(crate) nodes: BTreeMap<String, Node>,
    pub(crate) in_flight: BTreeSet<Key>,
    pub(crate) restarts: Window,
    pub(crate) breaker: Breaker,
    /// Nodes whose breaker is not closed.
    pub(crate) open_nodes: BTreeSet<String>,
}

impl Fleet {
    pub(crate) fn find(&self, target: &Target) -> Option<Key> {
        self.keys.get(target).copied()
    }

    /// The instance's number; `None` when it is new and there are too many.
    pub(crate) fn find_or_add(&mut self, target: &Target, now: Timestamp) -> Option<Key> {
        if let Some(key) = self.find(target) {
            return Some(key);
        }
        if self.keys.len() >= INSTANCES_MAX {
            return None;
        }
        let key = self.next;
        self.next += 1;
        self.keys.insert(target.clone(), key);
        self.instances.insert(key, Instance::new(target, now));
        self.apps.entry(AppKey::of(target)).or_default().members.insert(key);
        let node = self.nodes.entry(target.node.clone()).or_default();
        *node.tenants.entry(target.tenant.clone()).or_default() += 1;
        Some(key)
    }

    pub(crate) fn remove(&mut self, key: Key) {
        self.set_in_flight(key, false);
        let Some(instance) = self.instances.remove(&key) else {
            return;
        };
        let target = instance.target;
        self.keys.remove(&target);
        let app_key = AppKey::of(&target);
        if let Some(app) = self.apps.get_mut(&app_key) {
            app.members.remove(&key);
            if app.members.is_empty() {
                self.apps.remove(&app_key);
            }
        }
        if let Some(node) = self.nodes.get_mut(&target.node) {
            if let Some(count) = node.tenants.get_mut(&target.tenant) {
                *count -= 1;
                if *count == 0 {
                    node.tenants.remove(&target.tenant);
                }
            }
            if node.tenants.is_empty() {
                self.nodes.remove(&target.node);
                self.open_nodes.remove(&target.node);
            }
        }
    }

    pub(crate) fn app_of(&self, target: &Target) -> Option<&App> {
        self.apps.get(&AppKey::of(target))
    }

    /// The instances of the same app, this one included.
    pub(crate) fn replicas<'a>(
        &'a self,
        target: &Target,
    ) -> impl Iterator<Item = (Key, &'a Instance)> {
        let members = self.app_of(target).map(|app| app.members.iter());
        members
            .into_iter()
            .flatten()
            .filter_map(|key| self.instances.get(key).map(|instance| (*key, instance)))
    }

    /// Brings the sets of actions in progress up to date for one instance.
    pub(crate) fn set_in_flight(&mut self, key: Key, in_flight: bool) {
        let Some(target) = self.instances.get(&key).map(|instance| &instance.target) else {
            return;
        };
        let set = |keys: &mut BTreeSet<Key>| {
            if in_flight {
                keys.insert(key)
            } else {
                keys.remove(&key)
            };
        };
        set(&mut self.in_flight);
        if let Some(app) = self.apps.get_mut(&AppKey::of(target)) {
            set(&mut app.in_flight);
        }
        if let Some(node) = self.nodes.get_mut(&target.node) {
            set(&mut node.in_flight);
        }
    }
}
