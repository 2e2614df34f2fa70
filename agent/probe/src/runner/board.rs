//! All probes of a prober: what is due, what runs, and what its results mean. No waiting here.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use model::{
    event::{Event, Target},
    time::Timestamp,
};
use rustc_hash::FxHashMap;
use tokio::{task, time::Instant};

mod orders;

use super::{
    STALL,
    once::{Done, Job},
    plan::Plan,
};
use crate::{
    http::Wire,
    judge::{Health, Judge},
    outcome::{Class, Verdict},
    prober::{Config, Counters, Measurement, ProbeId, Stats},
    queue::{FairQueue, Lane},
    report,
    schedule::{Schedule, Tick},
    spec::{Check, Connection, Purpose},
};

/// One probe.
#[derive(Debug)]
struct Slot {
    plan: Arc<Plan>,
    group: u64,
    judge: Judge,
    counters: Counters,
    run: u64,
    /// Changes when results under way become worthless.
    version: u64,
    /// Waiting for its turn; whether its tick is on the grid.
    queued: Option<bool>,
    task: Option<task::Id>,
    wire: Option<Wire>,
    name_hash: u64,
}

/// The probes of one target.
#[derive(Debug)]
struct Group {
    lane: Lane,
    keys: Vec<u64>,
    /// One of them is running.
    busy: bool,
    /// It has startup probes, for which the others wait.
    startup: bool,
    /// Due, but another probe of the target is running.
    parked: VecDeque<u64>,
}

#[derive(Debug)]
pub(super) struct Board {
    config: Config,
    user_agent: Arc<str>,
    schedule: Schedule,
    queue: FairQueue<u64>,
    keys: BTreeMap<Arc<ProbeId>, u64>,
    slots: FxHashMap<u64, Slot>,
    targets: BTreeMap<Target, u64>,
    groups: FxHashMap<u64, Group>,
    next_key: u64,
    last_stall: Option<Instant>,
    stats: Stats,
}

impl Board {
    pub(super) fn new(config: Config) -> Self {
        Self {
            user_agent: config.user_agent.as_str().into(),
            config,
            schedule: Schedule::default(),
            queue: FairQueue::default(),
            keys: BTreeMap::new(),
            slots: FxHashMap::default(),
            targets: BTreeMap::new(),
            groups: FxHashMap::default(),
            next_key: 0,
            last_stall: None,
            stats: Stats::default(),
        }
    }

    pub(super) fn stats_mut(&mut self) -> &mut Stats {
        &mut self.stats
    }

    /// Puts everything that is due into the queue.
    pub(super) fn collect_due(&mut self, now: Timestamp) {
        while let Some(tick) = self.schedule.pop_due(now) {
            self.collect(tick);
        }
    }

    fn collect(&mut self, tick: Tick) {
        if self.is_gated(tick.key) {
            return;
        }
        let Some(slot) = self.slots.get_mut(&tick.key) else {
            return;
        };
        let mut skipped = tick.skipped;
        if slot.task.is_some() || slot.queued.is_some() {
            // An unserved recheck is no loss.
            skipped += u64::from(!tick.extra);
            if let Some(on_grid) = &mut slot.queued {
                *on_grid |= !tick.extra;
            }
        } else if let Some(group) = self.groups.get(&slot.group) {
            slot.queued = Some(!tick.extra);
            self.queue.push(group.lane, tick.key);
        }
        slot.counters.skipped += skipped;
        self.stats.skipped += skipped;
        if tick.late > STALL {
            slot.counters.late += 1;
            self.stats.late += 1;
        }
    }

    /// A startup probe that has succeeded is done; until then the others of its target wait.
    fn is_gated(&self, key: u64) -> bool {
        let is_up = |slot: &Slot| slot.judge.health() == Health::Healthy;
        let is_startup = |slot: &Slot| slot.plan.spec.purpose == Purpose::Startup;
        let Some(slot) = self.slots.get(&key) else {
            return true;
        };
        let Some(group) = self.groups.get(&slot.group).filter(|group| group.startup) else {
            return false;
        };
        if is_startup(slot) {
            return is_up(slot);
        }
        let others = group.keys.iter().filter_map(|key| self.slots.get(key));
        others.filter(|other| is_startup(other)).any(|other| !is_up(other))
    }

    /// The next probe to make.
    pub(super) fn start(&mut self) -> Option<Job> {
        loop {
            let key = self.queue.pop()?;
            let Some(slot) = self.slots.get_mut(&key) else {
                continue;
            };
            let Some(group) = self.groups.get_mut(&slot.group) else {
                continue;
            };
            if group.busy {
                group.parked.push_back(key);
                continue;
            }
            let Some(on_grid) = slot.queued.take() else {
                continue;
            };
            group.busy = true;
            let wire = slot.wire.take().filter(|wire| match slot.plan.spec.connection {
                Connection::Fresh => false,
                Connection::Kept { fresh_every } => wire.uses < fresh_every,
            });
            let plan = Arc::clone(&slot.plan);
            return Some(Job { key, version: slot.version, on_grid, plan, wire });
        }
    }

    pub(super) fn started(&mut self, key: u64, task: task::Id) {
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.task = Some(task);
        }
    }

    /// The prober could not run for a while, until now.
    pub(super) fn stalled(&mut self, now: Instant) {
        self.last_stall = Some(now);
        self.stats.stalls += 1;
    }

    /// Takes in a result: what to report, and what changed.
    pub(super) fn finish(
        &mut self,
        done: Done,
        time: Timestamp,
        began_steady: Timestamp,
    ) -> (Option<Measurement>, Option<Event>) {
        let Done { key, version, on_grid, mut outcome, wire, began, time: began_at } = done;
        self.free(key);
        let Some(slot) = self.slots.get_mut(&key) else {
            return (None, None);
        };
        if slot.version != version {
            self.stats.stale += 1;
            return (None, None);
        }
        let stalled = self.last_stall.is_some_and(|stall| stall >= began);
        if stalled && outcome.verdict == Verdict::Failure(Class::Timeout) {
            outcome.verdict = Verdict::Unknown;
            outcome.message = "the prober was stalled".to_owned();
        }
        slot.wire = wire;
        count(outcome.verdict, &mut slot.counters, &mut self.stats);
        let judgement = slot.judge.hear(outcome.verdict, on_grid, time);
        let spec = &slot.plan.spec;
        if let (true, Some(recheck)) = (judgement.recheck, spec.recheck) {
            // Counted from the start, so that an answer that took long is asked for again at once.
            self.schedule.recheck(key, began_steady.saturating_add(recheck));
        }
        let id = &slot.plan.id;
        let event = judgement.change.map(|change| {
            self.stats.changed += 1;
            report::event(id, spec, slot.run, (change, judgement.flapping), &outcome, time)
        });
        let measurement = Measurement {
            id: Arc::clone(id),
            time: began_at,
            run: slot.run,
            http: matches!(spec.check, Check::Http(_)),
            outcome,
            counters: slot.counters,
        };
        (Some(measurement), event)
    }

    /// A probe ended without a result, which only a defect can cause.
    pub(super) fn lost(&mut self, task: task::Id) {
        let lost = self.slots.iter().find(|(_, slot)| slot.task == Some(task));
        if let Some(key) = lost.map(|(key, _)| *key) {
            self.free(key);
        }
    }

    /// The slot and its target can be probed again.
    fn free(&mut self, key: u64) {
        let Some(slot) = self.slots.get_mut(&key) else {
            return;
        };
        slot.task = None;
        if let Some(group) = self.groups.get_mut(&slot.group) {
            group.busy = false;
            unpark(group, &mut self.queue);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.schedule.poll_timeout()
    }
}

fn unpark(group: &mut Group, queue: &mut FairQueue<u64>) {
    if let Some(key) = group.parked.pop_front() {
        queue.push(group.lane, key);
    }
}

fn count(verdict: Verdict, counters: &mut Counters, stats: &mut Stats) {
    stats.measured += 1;
    match verdict {
        Verdict::Success => counters.successes += 1,
        Verdict::Unknown => {
            counters.unknown += 1;
            stats.unknown += 1;
        }
        Verdict::Failure(class) => {
            stats.failures += 1;
            let all = Class::ALL.iter().zip(&mut counters.failures);
            for (_, count) in all.filter(|(other, _)| **other == class) {
                *count += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
