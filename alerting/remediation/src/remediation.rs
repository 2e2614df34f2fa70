//! The core's state and its outer interface.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use model::{
    event::{Event, EventKind, Target},
    tenant::TenantId,
    time::Timestamp,
};

use crate::{
    Action, BreakerState, INSTANCES_MAX, OpenIncident, PAUSES_MAX, Stats,
    backoff::Random,
    failures::Failures,
    fleet::{AppKey, Fleet, Key},
    policy::Policy,
    selector::Scope,
};

/// Acting is stopped here, by a person or a maintenance window.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    pub(crate) scope: Scope,
    pub(crate) until: Option<Timestamp>,
}

/// Decides about restarts for one region. The contract with its shell is in the crate's root.
#[derive(Debug)]
pub struct Remediation {
    pub(crate) policy: Policy,
    pub(crate) random: Random,
    pub(crate) fleet: Fleet,
    pub(crate) failures: Failures,
    pub(crate) pauses: BTreeMap<String, Pause>,
    /// When to look at which instance again.
    pub(crate) due: BTreeSet<(Timestamp, Key)>,
    /// Those that wait for a free place in the region, the least recently tried first.
    pub(crate) parked: BTreeSet<(Timestamp, Key)>,
    /// Intents handed out and not yet answered.
    pub(crate) tickets: BTreeMap<u64, Key>,
    pub(crate) last_ticket: u64,
    /// Other records that were not answered yet.
    pub(crate) unanswered: BTreeMap<u64, Event>,
    pub(crate) actions: VecDeque<Action>,
    pub(crate) stats: Stats,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PauseError {
    #[error("the pause selects nothing; to pause everything, say so")]
    EmptySelector,
    #[error("there are {PAUSES_MAX} pauses already")]
    TooMany,
}

impl Remediation {
    /// `seed` feeds the jitter of the backoff and nothing else.
    pub fn new(policy: Policy, seed: u64) -> Self {
        Self {
            policy,
            random: Random::new(seed),
            fleet: Fleet::default(),
            failures: Failures::default(),
            pauses: BTreeMap::new(),
            due: BTreeSet::new(),
            parked: BTreeSet::new(),
            tickets: BTreeMap::new(),
            last_ticket: 0,
            unanswered: BTreeMap::new(),
            actions: VecDeque::new(),
            stats: Stats::default(),
        }
    }

    /// Takes note of an event and decides what follows from it.
    pub fn handle_event(&mut self, event: &Event, now: Timestamp) {
        self.stats.events += 1;
        let touched = if event.kind == EventKind::Resumed {
            self.resume(&event.target)
        } else {
            self.observe(event, now).into_iter().collect()
        };
        for key in touched {
            self.count_failure(key);
            self.update_breakers(key, now);
            self.reconcile(key, now);
        }
        self.unpark(now);
    }

    /// Does what has become due.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.tick_breakers(now);
        // Each is looked at once per pass, whatever it makes due again; the least recently tried
        // first, so that where few may act everyone gets a turn.
        let later = self.due.split_off(&(now.saturating_add(Duration::from_millis(1)), 0));
        let mut keys: Vec<Key> =
            std::mem::replace(&mut self.due, later).into_iter().map(|(_, key)| key).collect();
        keys.sort_by_key(|key| self.fleet.instances.get(key).map(|instance| instance.tried));
        for key in keys {
            if let Some(incident) = self.incident_mut(key) {
                incident.due = None;
            }
            self.reconcile(key, now);
        }
        self.unpark(now);
    }

    /// The record with this ticket is durable. For an intent this hands out its command, unless
    /// something has changed meanwhile. Unknown and late tickets are ignored.
    pub fn handle_recorded(&mut self, ticket: u64, now: Timestamp) {
        self.unanswered.remove(&ticket);
        if let Some(key) = self.tickets.remove(&ticket) {
            self.command(key, ticket, now);
            self.unpark(now);
        }
    }

    /// The record with this ticket could not be written. An intent is taken back and decided
    /// afresh a little later; anything else is handed out again next, with the same ticket.
    pub fn handle_record_failed(&mut self, ticket: u64, now: Timestamp) {
        if let Some(event) = self.unanswered.get(&ticket).cloned() {
            self.actions.push_front(Action::Record { ticket, event });
        }
        if let Some(key) = self.tickets.remove(&ticket) {
            self.withdraw(key, None, now);
            self.reconcile(key, now);
            self.unpark(now);
        }
    }

    /// A new version of an app was rolled out: while it is young, its failures are its own.
    pub fn handle_deployed(
        &mut self,
        tenant: &TenantId,
        app: &str,
        deployment: &str,
        now: Timestamp,
    ) {
        let key = AppKey { tenant: tenant.clone(), app: app.to_owned() };
        if !self.fleet.apps.contains_key(&key) && self.fleet.apps.len() >= INSTANCES_MAX {
            self.stats.dropped += 1;
            return;
        }
        let entry = self.fleet.apps.entry(key).or_default();
        entry.deployed = Some((deployment.to_owned(), now));
        entry.deploy_paged = false;
    }

    /// The instance is gone for good: scaled down, moved or deleted. Its incident ends unsaid.
    pub fn handle_departed(&mut self, target: &Target, now: Timestamp) {
        let Some(key) = self.fleet.find(target) else {
            return;
        };
        self.failures.close(key);
        self.update_breakers(key, now);
        self.park(key, false);
        self.schedule(key, None);
        self.fleet.remove(key);
        self.unpark(now);
    }

    /// Stops acting in a scope until a time, or until [`Self::unpause`]. The name is the person's
    /// or window's, and replaces what it named before.
    pub fn pause(
        &mut self,
        name: &str,
        scope: Scope,
        until: Option<Timestamp>,
    ) -> Result<(), PauseError> {
        if matches!(&scope, Scope::Selected(selector) if selector.is_empty()) {
            return Err(PauseError::EmptySelector);
        }
        if self.pauses.len() >= PAUSES_MAX && !self.pauses.contains_key(name) {
            return Err(PauseError::TooMany);
        }
        self.pauses.insert(name.to_owned(), Pause { scope, until });
        Ok(())
    }

    /// Ends a pause; false when there is none of that name. What it held back is looked at within
    /// a second.
    pub fn unpause(&mut self, name: &str) -> bool {
        self.pauses.remove(name).is_some()
    }

    /// A person says that acting is right again in the region, whatever the breaker thinks.
    pub fn reset_breaker(&mut self, now: Timestamp) {
        self.fleet.breaker.reset();
        self.handle_timeout(now);
    }

    /// Replaces the policy; what is in progress goes on by the new one.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// The next thing to do. See the contract in the crate's root.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call [`Self::handle_timeout`] at the latest; `None` when only an event can matter.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let open = |state| match state {
            BreakerState::Open { until } => Some(until),
            BreakerState::Closed | BreakerState::HalfOpen => None,
        };
        let nodes = self.fleet.open_nodes.iter().filter_map(|name| self.fleet.nodes.get(name));
        let breakers = nodes
            .filter_map(|node| open(node.breaker.state()))
            .chain(open(self.fleet.breaker.state()));
        breakers.chain(self.due.first().map(|(at, _)| *at)).min()
    }

    /// Open incidents in order of their instances' first appearance.
    pub fn incidents(&self) -> impl Iterator<Item = OpenIncident<'_>> {
        self.fleet.instances.values().filter_map(|instance| {
            let incident = instance.incident.as_ref()?;
            Some(OpenIncident {
                id: &incident.id,
                target: &instance.target,
                opened: incident.opened,
                stage: incident.stage(),
                attempts: incident.attempts,
                cause: &incident.cause,
                held_by: incident.held_by,
            })
        })
    }

    /// Instances in quarantine, whether they fail at the moment or not.
    pub fn quarantined(&self) -> impl Iterator<Item = &Target> {
        let all = self.fleet.instances.values();
        all.filter(|instance| instance.quarantined).map(|instance| &instance.target)
    }

    /// The region's breaker.
    pub fn breaker(&self) -> BreakerState {
        self.fleet.breaker.state()
    }

    /// Nodes that are held to be the cause of their instances' failures.
    pub fn node_incidents(&self) -> impl Iterator<Item = (&str, BreakerState)> {
        self.fleet.open_nodes.iter().filter_map(|name| {
            self.fleet.nodes.get(name).map(|node| (name.as_str(), node.breaker.state()))
        })
    }

    pub fn stats(&self) -> Stats {
        self.stats
    }
}
