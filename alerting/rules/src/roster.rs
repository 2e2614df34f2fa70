//! Which groups there are, when each is evaluated, and what became of it.
//!
//! The caller takes out the group that is due ([`Roster::due`]), evaluates it wherever it likes, and
//! gives it back ([`Roster::finish`]). Files may be loaded anew at any time, also while a group is
//! out: unchanged rules keep their state, and series of rules that are no more are ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use model::{
    ruler::{GROUPS_MAX, GroupReport, RulerReport},
    tenant::TenantId,
    time::{Timestamp, millis_of},
};

use crate::{
    budget::{Account, Budget},
    evaluate::NewSample,
    expand::Environment,
    file::{GroupSpec, RuleSpec},
    group::{Group, namesakes::Namesakes},
    report,
};

/// How often an alert's state from before the start is looked for before it counts as lost.
const RESTORE_TRIES: u32 = 5;

/// A group whose last evaluation took longer is slow: it leaves some slots to others.
const SLOW: Duration = Duration::from_secs(10);
/// This part of the slots is for tenants of whom nothing is evaluated, and for groups that are not
/// slow, so that a few tenants cannot hold all.
const RESERVED_PART: usize = 3;

/// What tells a group from all others; in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    pub file: String,
    pub name: String,
    /// Whose it is; `None` for operators'.
    pub tenant: Option<TenantId>,
}

/// Bounds, and what all groups share.
#[derive(Clone, Debug)]
pub struct RosterOptions {
    /// Of groups that name none.
    pub interval: Duration,
    /// Groups evaluated at once, of all and of one tenant.
    pub concurrency: usize,
    pub concurrency_per_tenant: usize,
    /// Rules of one tenant.
    pub rules_per_tenant_max: usize,
    /// What alerts may take: those of one rule, and those of all rules of one tenant.
    pub rule_budget: Budget,
    pub tenant_budget: Budget,
    pub environment: Environment,
}

/// Why files were not loaded. The groups from before stay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("{whose} has {found} rules, allowed are {allowed}", whose = whose(.tenant.as_ref()))]
    Rules { tenant: Option<TenantId>, found: usize, allowed: usize },
    #[error("there are {found} groups of rules, allowed are {GROUPS_MAX}")]
    Groups { found: usize },
    #[error("{file}: the group {name:?} of {whose} is given twice", whose = whose(.tenant.as_ref()))]
    Repeated { file: String, name: String, tenant: Option<TenantId> },
}

fn whose(tenant: Option<&TenantId>) -> String {
    tenant.map_or_else(|| "the operator".to_owned(), |tenant| format!("tenant {tenant}"))
}

/// A group to be evaluated.
#[derive(Debug)]
pub struct Due {
    pub key: GroupKey,
    pub group: Group,
    /// For which time.
    pub at: Timestamp,
    /// Whether to look for its alerts from before the start afterwards.
    pub restore: bool,
}

/// A group that was evaluated.
#[derive(Debug)]
pub struct Done {
    pub key: GroupKey,
    pub group: Group,
    pub at: Timestamp,
    pub took: Duration,
    /// Rules that failed.
    pub failures: u64,
    report: Arc<GroupReport>,
}

impl Done {
    /// Copies what is told of the group, so it is for the thread that evaluated it.
    pub fn new(key: GroupKey, group: Group, at: Timestamp, took: Duration, failures: u64) -> Self {
        let report = Arc::new(report::group(&key, &group, Some(at), took));
        Self { key, group, at, took, failures, report }
    }
}

/// What is told of all groups, as of one moment.
#[derive(Clone, Debug)]
pub struct Reports(Vec<Arc<GroupReport>>);

impl Reports {
    /// One report of all, with as much as there is room for.
    pub fn together(&self) -> RulerReport {
        report::all(self.0.iter().map(AsRef::as_ref))
    }
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RosterStats {
    pub groups: u64,
    pub rules: u64,
    /// Evaluations of groups.
    pub iterations: u64,
    /// Evaluations that were left out because an earlier one took too long, or had to wait.
    pub missed: u64,
    /// Evaluations of rules.
    pub evaluations: u64,
    pub failures: u64,
    /// How long the last evaluation of a group took.
    pub last_duration: Duration,
}

/// All groups.
#[derive(Debug)]
pub struct Roster {
    options: RosterOptions,
    entries: BTreeMap<GroupKey, Entry>,
    /// When each group that is not out is due.
    queue: BTreeSet<(Timestamp, GroupKey)>,
    running: BTreeMap<Option<TenantId>, usize>,
    accounts: BTreeMap<Option<TenantId>, Arc<Account>>,
    retired: Vec<(Option<TenantId>, Vec<NewSample>)>,
    loaded: bool,
    seen: Timestamp,
    stats: RosterStats,
}

#[derive(Debug)]
struct Entry {
    /// `None` while it is evaluated.
    group: Option<Group>,
    next: Timestamp,
    replacement: Replacement,
    restore_tries: u32,
    report: Arc<GroupReport>,
}

/// What becomes of a group once it is back.
#[derive(Debug)]
enum Replacement {
    Same,
    Changed(Group),
    Gone,
}

impl Roster {
    pub fn new(options: RosterOptions) -> Self {
        Self {
            options,
            entries: BTreeMap::new(),
            queue: BTreeSet::new(),
            running: BTreeMap::new(),
            accounts: BTreeMap::new(),
            retired: Vec::new(),
            loaded: false,
            seen: Timestamp::MIN,
            stats: RosterStats::default(),
        }
    }

    /// Takes over what all files say now. Alerts of the first load are to be restored; rules that
    /// come later begin with nothing.
    pub fn load(
        &mut self,
        specs: Vec<(Option<TenantId>, GroupSpec)>,
        now: Timestamp,
    ) -> Result<(), LoadError> {
        check(&specs, self.options.rules_per_tenant_max)?;
        let namesakes = namesakes(&specs);
        let mut kept = BTreeSet::new();
        for (tenant, spec) in specs {
            let key = GroupKey { file: spec.file.clone(), name: spec.name.clone(), tenant };
            let account = self.account(&key.tenant);
            let RosterOptions { interval, environment, .. } = &self.options;
            let group = Group::within(spec, *interval, environment.clone(), self.loaded, &account);
            let group = match namesakes.get(&key.tenant) {
                Some(namesakes) => group.among(namesakes),
                None => group,
            };
            kept.insert(key.clone());
            self.put(key, group, now);
        }
        let gone: Vec<GroupKey> =
            self.entries.keys().filter(|key| !kept.contains(*key)).cloned().collect();
        for key in gone {
            self.drop_group(&key, now);
        }
        self.accounts.retain(|_, account| Arc::strong_count(account) > 1);
        self.loaded = true;
        Ok(())
    }

    fn account(&mut self, tenant: &Option<TenantId>) -> Arc<Account> {
        let RosterOptions { rule_budget, tenant_budget, .. } = self.options;
        let new = || Arc::new(Account::new(rule_budget, tenant_budget));
        Arc::clone(self.accounts.entry(tenant.clone()).or_insert_with(new))
    }

    fn put(&mut self, key: GroupKey, mut group: Group, now: Timestamp) {
        let first = group.slot(now).saturating_add(group.interval());
        let Some(entry) = self.entries.get_mut(&key) else {
            let entry = Entry {
                report: Arc::new(report::group(&key, &group, None, Duration::ZERO)),
                restore_tries: if self.loaded { 0 } else { RESTORE_TRIES },
                replacement: Replacement::Same,
                next: first,
                group: Some(group),
            };
            self.queue.insert((first, key.clone()));
            self.entries.insert(key, entry);
            return;
        };
        let Some(old) = entry.group.take() else {
            entry.replacement = Replacement::Changed(group);
            return;
        };
        if old.interval() != group.interval() {
            self.queue.remove(&(entry.next, key.clone()));
            entry.next = first;
            self.queue.insert((first, key.clone()));
        }
        group.adopt(old);
        let (at, took) = (entry.report.last_evaluation, entry.report.evaluation_seconds);
        let took = Duration::from_secs_f64(took);
        entry.report = Arc::new(report::group(&key, &group, at, took));
        entry.group = Some(group);
    }

    fn drop_group(&mut self, key: &GroupKey, now: Timestamp) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let Some(group) = entry.group.take() else {
            entry.replacement = Replacement::Gone;
            return;
        };
        self.queue.remove(&(entry.next, key.clone()));
        self.entries.remove(key);
        self.retire(key.tenant.clone(), group, now);
    }

    fn retire(&mut self, tenant: Option<TenantId>, group: Group, now: Timestamp) {
        let samples = group.retire(now);
        if !samples.is_empty() {
            self.retired.push((tenant, samples));
        }
    }

    /// The ends of series whose groups are no more, for the caller to write.
    pub fn take_retired(&mut self) -> Vec<(Option<TenantId>, Vec<NewSample>)> {
        std::mem::take(&mut self.retired)
    }

    /// A group that is to be evaluated now, if there is room for it.
    pub fn due(&mut self, now: Timestamp) -> Option<Due> {
        if now < self.seen {
            self.turn_back(now);
        }
        self.seen = now;
        let (next, key) = self.first()?;
        if next > now {
            return None;
        }
        let entry = self.entries.get_mut(&key)?;
        self.queue.remove(&(next, key.clone()));
        let group = entry.group.take()?;
        let (at, interval) = (group.slot(now), group.interval());
        let missed = millis_of(at.since(next)) / millis_of(interval).max(1);
        self.stats.missed += u64::try_from(missed).unwrap_or(0);
        entry.next = at.saturating_add(interval);
        *self.running.entry(key.tenant.clone()).or_default() += 1;
        let restore = !group.is_restored();
        Some(Due { key, group, at, restore })
    }

    /// When to ask [`Self::due`] again, if nothing is finished or loaded before.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.first().map(|(next, _)| next)
    }

    /// The first group in the queue for which there is room.
    fn first(&self) -> Option<(Timestamp, GroupKey)> {
        let RosterOptions { concurrency, concurrency_per_tenant, .. } = self.options;
        let free = concurrency.saturating_sub(self.running.values().sum());
        if free == 0 {
            return None;
        }
        let reserved = free <= concurrency / RESERVED_PART;
        let room = |key: &GroupKey| {
            let own = self.running.get(&key.tenant).copied().unwrap_or(0);
            own < concurrency_per_tenant && (!reserved || (own == 0 && !self.is_slow(key)))
        };
        self.queue.iter().find(|(_, key)| room(key)).cloned()
    }

    fn is_slow(&self, key: &GroupKey) -> bool {
        let took = |entry: &Entry| entry.report.evaluation_seconds;
        self.entries.get(key).is_some_and(|entry| took(entry) > SLOW.as_secs_f64())
    }

    /// The clock was set back: nobody waits for the time that it showed before.
    fn turn_back(&mut self, now: Timestamp) {
        for (key, entry) in &mut self.entries {
            let Some(group) = &entry.group else { continue };
            let next = group.slot(now).saturating_add(group.interval());
            if next < entry.next {
                self.queue.remove(&(entry.next, key.clone()));
                self.queue.insert((next, key.clone()));
                entry.next = next;
            }
        }
    }

    /// Takes back a group that was evaluated.
    pub fn finish(&mut self, done: Done, now: Timestamp) {
        let Done { key, mut group, at, took, failures, mut report } = done;
        if let Some(running) = self.running.get_mut(&key.tenant) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(&key.tenant);
            }
        }
        self.stats.iterations += 1;
        self.stats.evaluations += group.rules().len() as u64;
        self.stats.failures += failures;
        self.stats.last_duration = took;
        let Some(entry) = self.entries.get_mut(&key) else { return };
        // Where nothing is answered nothing is written either, so that restoring can wait.
        if failures < group.rules().len() as u64 {
            entry.restore_tries = entry.restore_tries.saturating_sub(1);
        }
        if entry.restore_tries == 0 {
            group.start_anew();
        }
        match std::mem::replace(&mut entry.replacement, Replacement::Same) {
            Replacement::Same => {}
            Replacement::Changed(mut new) => {
                new.adopt(group);
                group = new;
                report = Arc::new(report::group(&key, &group, Some(at), took));
                entry.next = entry.next.min(group.slot(now).saturating_add(group.interval()));
            }
            Replacement::Gone => {
                self.entries.remove(&key);
                self.retire(key.tenant, group, now);
                return;
            }
        }
        entry.report = report;
        entry.group = Some(group);
        self.queue.insert((entry.next, key));
    }

    /// The state of all groups as of their last evaluations.
    pub fn report(&self) -> RulerReport {
        self.reports().together()
    }

    /// What [`Self::report`] is made of, to make it elsewhere.
    pub fn reports(&self) -> Reports {
        Reports(self.entries.values().map(|entry| Arc::clone(&entry.report)).collect())
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn stats(&self) -> RosterStats {
        let rules = self.entries.values().map(|entry| entry.report.rules.len() as u64).sum();
        RosterStats { groups: self.entries.len() as u64, rules, ..self.stats }
    }
}

/// The alerting rules of each tenant, whose series are stored together.
fn namesakes(
    specs: &[(Option<TenantId>, GroupSpec)],
) -> BTreeMap<Option<TenantId>, Arc<Namesakes>> {
    let mut rules: BTreeMap<&Option<TenantId>, Vec<&RuleSpec>> = BTreeMap::new();
    for (tenant, spec) in specs {
        rules.entry(tenant).or_default().extend(&spec.rules);
    }
    rules
        .into_iter()
        .map(|(tenant, rules)| (tenant.clone(), Arc::new(Namesakes::of(rules.into_iter()))))
        .collect()
}

/// Whether all groups may be loaded together.
fn check(specs: &[(Option<TenantId>, GroupSpec)], rules_max: usize) -> Result<(), LoadError> {
    if specs.len() > GROUPS_MAX {
        return Err(LoadError::Groups { found: specs.len() });
    }
    let mut rules: BTreeMap<&Option<TenantId>, usize> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for (tenant, spec) in specs {
        *rules.entry(tenant).or_default() += spec.rules.len();
        if !names.insert((tenant, &spec.file, &spec.name)) {
            let (file, name, tenant) = (spec.file.clone(), spec.name.clone(), tenant.clone());
            return Err(LoadError::Repeated { file, name, tenant });
        }
    }
    match rules.into_iter().find(|(_, found)| *found > rules_max) {
        Some((tenant, found)) => {
            Err(LoadError::Rules { tenant: tenant.clone(), found, allowed: rules_max })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
