//! What each source says of one thing, and how it is merged.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use model::time::Timestamp;

use crate::container::{Facts, Phase, Source, State};

/// The words of each source about one thing. What a source took back stays as the last resort,
/// so that what is left of a thing keeps its name.
#[derive(Debug)]
pub(super) struct Said<T> {
    words: BTreeMap<Source, (T, bool)>,
}

impl<T> Default for Said<T> {
    fn default() -> Self {
        Self { words: BTreeMap::new() }
    }
}

impl<T: PartialEq> Said<T> {
    /// Returns whether this is new.
    pub(super) fn set(&mut self, source: Source, word: T) -> bool {
        let new = self.words.get(&source).is_none_or(|(old, claimed)| !claimed || *old != word);
        self.words.insert(source, (word, true));
        new
    }

    pub(super) fn forget(&mut self, source: Source) {
        if let Some((_, claimed)) = self.words.get_mut(&source) {
            *claimed = false;
        }
    }

    pub(super) fn is_claimed(&self, present: &BTreeSet<Source>) -> bool {
        self.words.iter().any(|(source, (_, claimed))| *claimed && present.contains(source))
    }

    /// The words of the sources that are there, the best first, then those of the others.
    pub(super) fn ranked<'a>(
        &'a self,
        present: &'a BTreeSet<Source>,
    ) -> impl Iterator<Item = &'a T> {
        let here = |source: &Source, claimed: bool| claimed && present.contains(source);
        let words = || self.words.iter().rev();
        let first = words().filter(move |(source, (_, claimed))| here(source, *claimed));
        let rest = words().filter(move |(source, (_, claimed))| !here(source, *claimed));
        first.chain(rest).map(|(_, (word, _))| word)
    }

    pub(super) fn best<'a>(&'a self, present: &'a BTreeSet<Source>) -> Option<&'a T> {
        self.ranked(present).next()
    }
}

/// One container.
#[derive(Debug, Default)]
pub(super) struct Entry {
    said: Said<Facts>,
    /// What was told as news last.
    pub(super) told: Phase,
    /// Since when no source that is there knows it.
    pub(super) unclaimed: Option<Timestamp>,
}

impl Entry {
    /// Returns whether anything is new, and how many fields contradict another source.
    pub(super) fn tell(
        &mut self,
        source: Source,
        mut facts: Facts,
        present: &BTreeSet<Source>,
    ) -> (bool, u64) {
        let old = self.said.words.get(&source).map(|(old, _)| old);
        if let Some(old) = old {
            fill(&mut facts, old);
            facts.state = later(mem::take(&mut facts.state), &old.state);
        }
        let same = old == Some(&facts);
        let others = self.said.words.iter().filter(|(other, (_, claimed))| {
            **other != source && *claimed && present.contains(other)
        });
        let contradictions = if same {
            0
        } else {
            others.map(|(_, (other, _))| contradictions(&facts, other)).sum()
        };
        (self.said.set(source, facts), contradictions)
    }

    pub(super) fn forget(&mut self, source: Source) {
        self.said.forget(source);
    }

    pub(super) fn is_claimed(&self, present: &BTreeSet<Source>) -> bool {
        self.said.is_claimed(present)
    }

    pub(super) fn merged(&self, present: &BTreeSet<Source>) -> Facts {
        let mut merged = Facts::default();
        for facts in self.said.ranked(present) {
            fill(&mut merged, facts);
            merged.state = later(mem::take(&mut merged.state), &facts.state);
        }
        merged
    }

    pub(super) fn pods(&self) -> impl Iterator<Item = &str> {
        self.said.words.values().map(|(facts, _)| &*facts.pod_uid)
    }

    /// When it ended, the latest that any source says.
    pub(super) fn ended(&self) -> Option<Timestamp> {
        let states = self.said.words.values().map(|(facts, _)| &facts.state);
        states
            .filter(|state| state.phase == Phase::Exited)
            .map(|s| s.finished.unwrap_or_default())
            .max()
    }

    /// Nobody said how it ended.
    pub(super) fn end(&mut self, now: Timestamp) {
        let state = State { phase: Phase::Exited, finished: Some(now), ..State::default() };
        for (facts, _) in self.said.words.values_mut() {
            facts.state = later(state.clone(), &facts.state);
        }
    }

    /// Phases that were reached since `began` and not told yet, in order.
    pub(super) fn untold(&mut self, present: &BTreeSet<Source>, began: Timestamp) -> Vec<Phase> {
        let told = self.told;
        let facts = self.said.ranked(present);
        let state = facts.fold(State::default(), |state, facts| later(state, &facts.state));
        self.told = told.max(state.phase);
        let new = |phase, at: Option<Timestamp>| {
            told < phase && state.phase >= phase && at.is_some_and(|at| at >= began)
        };
        let mut phases = Vec::new();
        if new(Phase::Running, state.started) {
            phases.push(Phase::Running);
        }
        if new(Phase::Exited, state.finished) {
            phases.push(Phase::Exited);
        }
        phases
    }
}

/// Takes from `other` what is empty.
fn fill(facts: &mut Facts, other: &Facts) {
    let texts = [
        (&mut facts.pod_uid, &other.pod_uid),
        (&mut facts.pod_name, &other.pod_name),
        (&mut facts.namespace, &other.namespace),
        (&mut facts.sandbox, &other.sandbox),
        (&mut facts.name, &other.name),
        (&mut facts.image, &other.image),
        (&mut facts.cgroup, &other.cgroup),
    ];
    for (text, other) in texts {
        if text.is_empty() {
            text.clone_from(other);
        }
    }
    for (keys, other) in
        [(&mut facts.labels, &other.labels), (&mut facts.annotations, &other.annotations)]
    {
        if keys.is_empty() {
            keys.clone_from(other);
        }
    }
    facts.attempt = facts.attempt.or(other.attempt);
    facts.memory_limit = facts.memory_limit.or(other.memory_limit);
}

/// The state that is further on, with what the other one adds to it.
fn later(state: State, other: &State) -> State {
    let phase = state.phase.max(other.phase);
    // What one says of an end that the other has not seen is the better word.
    let (first, second) =
        if other.phase > state.phase { (other.clone(), state) } else { (state, other.clone()) };
    State {
        phase,
        started: first.started.or(second.started),
        finished: first.finished.or(second.finished),
        code: first.code.or(second.code),
        reason: if first.reason.is_empty() { second.reason } else { first.reason },
        oom: first.oom || second.oom,
    }
}

fn contradictions(a: &Facts, b: &Facts) -> u64 {
    let texts = [
        (&a.pod_uid, &b.pod_uid),
        (&a.pod_name, &b.pod_name),
        (&a.namespace, &b.namespace),
        (&a.name, &b.name),
    ];
    let differ = texts.iter().filter(|(a, b)| !a.is_empty() && !b.is_empty() && a != b).count();
    let codes = matches!((a.state.code, b.state.code), (Some(a), Some(b)) if a != b);
    differ as u64 + u64::from(codes)
}
