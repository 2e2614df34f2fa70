//! What the handle's users order: probes to start, to change and to end.

use std::{collections::VecDeque, sync::Arc};

use model::{event::Target, time::Timestamp};
use tokio::sync::oneshot;

use super::{Board, Group, Slot, unpark};
use crate::{
    judge::Judge,
    prober::{Assignment, Counters, Order, ProbeId, ProberError, Stats},
    runner::plan::Plan,
    schedule::name_hash,
    spec::Purpose,
};

impl Board {
    pub(in crate::runner) fn obey(&mut self, order: Order, now: Timestamp) {
        match order {
            Order::Assign(assignment, answer) => {
                let result = self.assign(*assignment, now);
                reply(answer, result);
            }
            Order::Remove(target) => {
                for key in self.keys_of(&target) {
                    self.remove(key);
                }
            }
            Order::RemoveProbe(id) => {
                if let Some(key) = self.keys.get(&id).copied() {
                    self.remove(key);
                }
            }
            Order::NewRun(target, run) => {
                for key in self.keys_of(&target) {
                    self.new_run(key, run, now);
                }
            }
            Order::Stats(answer) => {
                let in_flight = self.slots.values().filter(|slot| slot.task.is_some()).count();
                let stats = Stats {
                    probes: self.slots.len(),
                    in_flight,
                    waiting: self.queue.len(),
                    ..self.stats
                };
                reply(answer, stats);
            }
        }
    }

    fn assign(&mut self, assignment: Assignment, now: Timestamp) -> Result<(), ProberError> {
        let Assignment { target, address, spec, run, failing } = assignment;
        let id = ProbeId { probe: spec.name(), target };
        if let Some(key) = self.keys.get(&id).copied() {
            self.change(key, Plan::new(Arc::new(id), spec, address, self.agent()), run, now);
            return Ok(());
        }
        if self.slots.len() >= self.config.limits.probes {
            return Err(ProberError::TooMany);
        }
        let key = self.next_key;
        self.next_key += 1;
        let id = Arc::new(id);
        let hash = hash(&id);
        let judge = Judge::new(spec.failure_threshold, spec.success_threshold, failing);
        let start = now.saturating_add(spec.initial_delay);
        self.schedule.insert(key, hash, spec.period, start);
        self.schedule.recheck(key, start);
        let group = self.join(key, &id.target);
        self.keys.insert(Arc::clone(&id), key);
        let plan = Arc::new(Plan::new(id, spec, address, self.agent()));
        let slot = Slot {
            plan,
            group,
            judge,
            counters: Counters::default(),
            run,
            version: 0,
            queued: None,
            task: None,
            wire: None,
            name_hash: hash,
        };
        self.slots.insert(key, slot);
        self.mark_startup(group);
        Ok(())
    }

    fn keys_of(&self, target: &Target) -> Vec<u64> {
        let group = self.targets.get(target).and_then(|group| self.groups.get(group));
        group.map(|group| group.keys.clone()).unwrap_or_default()
    }

    /// Adds a probe to those of its target.
    fn join(&mut self, key: u64, target: &Target) -> u64 {
        let number = *self.targets.entry(target.clone()).or_insert(key);
        let mut lane = || self.queue.open(&target.tenant);
        let group = self.groups.entry(number).or_insert_with(|| Group {
            lane: lane(),
            keys: Vec::new(),
            busy: false,
            startup: false,
            parked: VecDeque::new(),
        });
        group.keys.push(key);
        number
    }

    fn mark_startup(&mut self, group: u64) {
        if let Some(group) = self.groups.get_mut(&group) {
            let slots = group.keys.iter().filter_map(|key| self.slots.get(key));
            group.startup = slots.into_iter().any(|s| s.plan.spec.purpose == Purpose::Startup);
        }
    }

    fn agent(&self) -> Arc<str> {
        Arc::clone(&self.user_agent)
    }

    /// A new question, a new address or a new run for a probe that there is already.
    fn change(&mut self, key: u64, plan: Plan, run: u64, now: Timestamp) {
        let Some(slot) = self.slots.get_mut(&key) else {
            return;
        };
        let before = std::mem::replace(&mut slot.plan, Arc::new(plan));
        let (old, new) = (&before.spec, &slot.plan.spec);
        slot.judge.set_thresholds(new.failure_threshold, new.success_threshold);
        if old.period != new.period {
            self.schedule.insert(key, slot.name_hash, new.period, now);
        }
        if old.check != new.check || before.address != slot.plan.address {
            slot.version += 1;
            slot.wire = None;
        }
        if run > slot.run {
            self.new_run(key, run, now);
        }
    }

    fn new_run(&mut self, key: u64, run: u64, now: Timestamp) {
        let Some(slot) = self.slots.get_mut(&key) else {
            return;
        };
        if run <= slot.run {
            return;
        }
        slot.run = run;
        slot.version += 1;
        slot.wire = None;
        slot.judge.new_run();
        let spec = &slot.plan.spec;
        let start = now.saturating_add(spec.initial_delay);
        self.schedule.insert(key, slot.name_hash, spec.period, start);
        self.schedule.recheck(key, start);
    }

    fn remove(&mut self, key: u64) {
        self.schedule.remove(key);
        let Some(slot) = self.slots.remove(&key) else {
            return;
        };
        let id = &slot.plan.id;
        self.keys.remove(id);
        let Some(group) = self.groups.get_mut(&slot.group) else {
            return;
        };
        group.keys.retain(|other| *other != key);
        group.parked.retain(|other| *other != key);
        // A probe that is under way would free its target when it comes back, but nobody will
        // know then which one that is.
        if slot.task.is_some() {
            group.busy = false;
        }
        if group.keys.is_empty() {
            self.groups.remove(&slot.group);
            self.targets.remove(&id.target);
            self.queue.close(&id.target.tenant);
        } else {
            unpark(group, &mut self.queue);
            self.mark_startup(slot.group);
        }
    }
}

fn reply<T>(answer: oneshot::Sender<T>, value: T) {
    if answer.send(value).is_err() {
        // Who asked did not wait for the answer, and does not need it.
    }
}

fn hash(id: &ProbeId) -> u64 {
    let Target { tenant, app, component, instance, node } = &id.target;
    name_hash([tenant.as_str(), app, component, instance, node, &id.probe])
}
