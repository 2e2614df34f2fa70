//! Divides a pod's processor time among its containers.
//!
//! The host counts the time of the whole sandbox, the sentry counts each container's. The sentry's
//! clock runs while a task could run, not while it does, so its numbers give proportions only. They are
//! applied to what was used since the last division: scaling totals, as `runsc events` does, would let
//! a container's counter fall when another one exits.

use std::collections::BTreeMap;

/// Containers of one sandbox at most; more are not followed.
pub const CONTAINERS_MAX: usize = 256;

/// One container as `runsc` lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    pub id: &'a str,
    /// Whether it is an app's, and not the one that only holds the pod together.
    pub app: bool,
}

/// One pod's account. All times in nanoseconds of processor time.
#[derive(Clone, Debug, Default)]
pub struct Division {
    members: BTreeMap<String, Member>,
    /// The host's counter when it was last seen.
    pod: Option<u64>,
    /// What the pod has used and no container was charged with yet.
    pending: u64,
}

#[derive(Clone, Debug)]
struct Member {
    app: bool,
    /// No longer listed: charged once more, then forgotten.
    gone: bool,
    /// The sentry has counted it, or it was charged.
    seen: bool,
    /// The sentry's counter in the last division; unknown before the first.
    used: Option<u64>,
    /// What the sentry counted between the last two divisions.
    recent: u64,
    charged: u64,
}

impl Division {
    /// Takes the containers that there are now. `watched` says whether new ones started under our
    /// eyes, so that all that the sentry has counted for them is new. Returns how many were left out
    /// because there are more than [`CONTAINERS_MAX`].
    pub fn list<'a>(
        &mut self,
        containers: impl IntoIterator<Item = Listed<'a>>,
        watched: bool,
    ) -> usize {
        for member in self.members.values_mut() {
            member.gone = true;
        }
        let mut left_out = 0;
        for Listed { id, app } in containers {
            if let Some(known) = self.members.get_mut(id) {
                known.gone = false;
                known.app = app;
            } else if self.members.len() < CONTAINERS_MAX {
                let used = watched.then_some(0);
                let fresh = Member { app, gone: false, seen: false, used, recent: 0, charged: 0 };
                self.members.insert(id.to_owned(), fresh);
            } else {
                left_out += 1;
            }
        }
        // What was never charged and never counted needs no last word.
        self.members.retain(|_, member| !member.gone || member.seen);
        left_out
    }

    /// Takes the host's counter for the whole pod. One that fell began anew: what it counted before
    /// we saw it again belongs to nobody.
    pub fn observe(&mut self, pod: u64) {
        let before = self.pod.replace(pod).unwrap_or(pod);
        self.pending = self.pending.saturating_add(pod.saturating_sub(before));
        if !self.needs_usage() {
            self.charge_the_only_one();
        }
    }

    /// Whether only the sentry can tell who used what.
    pub fn needs_usage(&self) -> bool {
        let listed = self.members.values().filter(|member| member.app && !member.gone).count();
        listed > 1 || self.members.values().any(|member| member.gone)
    }

    /// Divides what is pending by the sentry's counters. Returns how many of them name containers that
    /// are not listed.
    pub fn divide(&mut self, usage: &BTreeMap<String, u64>) -> usize {
        let unlisted = usage.keys().filter(|id| !self.members.contains_key(*id)).count();
        let mut weights: Vec<u64> =
            self.members.iter_mut().map(|(id, member)| member.weigh(usage.get(id))).collect();
        if weights.iter().all(|weight| *weight == 0) {
            weights = self.equal_weights();
        }
        self.charge(&weights);
        self.members.retain(|_, member| !member.gone);
        unlisted
    }

    /// Forgets containers that wait for a last word from a sentry which does not answer.
    pub fn give_up(&mut self) {
        self.members.retain(|_, member| !member.gone);
    }

    /// What each container was charged with so far.
    pub fn charged(&self) -> impl Iterator<Item = (&str, u64)> {
        self.members.iter().map(|(id, member)| (id.as_str(), member.charged))
    }

    /// Used by the pod, charged to no container yet.
    pub fn pending(&self) -> u64 {
        self.pending
    }

    fn charge_the_only_one(&mut self) {
        let weights = self.equal_weights();
        self.charge(&weights);
        for (member, weight) in self.members.values_mut().zip(weights) {
            if weight > 0 {
                member.seen = true;
                member.used = None;
            }
        }
    }

    /// One for each app's container; for the others where there is no such.
    fn equal_weights(&self) -> Vec<u64> {
        let apps = self.members.values().any(|member| member.app && !member.gone);
        let counts = |member: &Member| !member.gone && member.app == apps;
        self.members.values().map(|member| u64::from(counts(member))).collect()
    }

    /// Splits all that is pending in proportion; what does not divide goes to the heaviest.
    fn charge(&mut self, weights: &[u64]) {
        let total: u128 = weights.iter().copied().map(u128::from).sum();
        if total == 0 {
            return;
        }
        let mut rest = self.pending;
        let heaviest = weights.iter().copied().max().unwrap_or(0);
        for (member, weight) in self.members.values_mut().zip(weights) {
            let share = u128::from(self.pending) * u128::from(*weight) / total;
            let share = u64::try_from(share).unwrap_or(u64::MAX).min(rest);
            rest -= share;
            member.charged = member.charged.saturating_add(share);
        }
        let first = self.members.values_mut().zip(weights).find(|(_, weight)| **weight == heaviest);
        if let Some((member, _)) = first {
            member.charged = member.charged.saturating_add(rest);
        }
        self.pending = 0;
    }
}

impl Member {
    /// What it probably used since the last division, on the sentry's clock.
    fn weigh(&mut self, now: Option<&u64>) -> u64 {
        let weight = match (now, self.used) {
            (Some(now), Some(before)) => now.saturating_sub(before),
            // Never compared: over all its life is the best that is known.
            (Some(now), None) => *now,
            // It has ended since: as much as the time before.
            (None, _) if self.seen => self.recent,
            (None, _) => 0,
        };
        self.seen = now.is_some();
        self.used = Some(now.copied().unwrap_or(0));
        self.recent = if self.seen { weight } else { 0 };
        weight
    }
}

#[cfg(test)]
mod tests;
