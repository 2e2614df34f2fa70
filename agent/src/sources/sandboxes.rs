//! gVisor sandboxes: the pod as the host's cgroup knows it, divided as the sandbox says.

mod extra;
mod names;
mod pod;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use collector::{hierarchy::Hierarchy, kernel::Kernel};
use model::{tenant::TenantId, time::Timestamp, write::WriteBatch};
use sandbox::{
    link::Links,
    roots::{Roots, Sandbox},
};

use self::pod::{Pod, PodError, Surroundings};
use super::{NodeLabels, Source, Tick};

/// Sandboxes watched at most.
const SANDBOXES_MAX: usize = 1024;

/// Cgroups whose numbers another source writes under better names: they must not be counted twice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims(Arc<Mutex<Arc<BTreeSet<String>>>>);

impl Claims {
    pub(crate) fn get(&self) -> Arc<BTreeSet<String>> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, groups: BTreeSet<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(groups);
    }
}

/// What a [`SandboxSource`] is told.
pub(crate) struct Options {
    pub(crate) roots: Vec<PathBuf>,
    /// Whether the sentries' own metrics are collected.
    pub(crate) metrics: bool,
    /// The tenant of a sandbox that nothing says the tenant of.
    pub(crate) tenant: TenantId,
}

/// Follows `runsc`'s state files and reads each sandbox.
pub(crate) struct SandboxSource {
    kernel: Kernel,
    hierarchy: Hierarchy,
    roots: Roots,
    links: Links,
    labels: NodeLabels,
    options: Options,
    claims: Claims,
    pods: BTreeMap<String, Pod>,
    /// Listed but not to be read so far; tried again now and then.
    waiting: BTreeMap<String, Sandbox>,
    /// Whether what appears from now on was started under our eyes.
    watching: bool,
}

impl SandboxSource {
    /// Conversations with sandboxes run on the runtime of the caller.
    pub(crate) fn new(
        mut kernel: Kernel,
        options: Options,
        labels: NodeLabels,
        claims: Claims,
        runtime: tokio::runtime::Handle,
    ) -> Result<Self, String> {
        let hierarchy = Hierarchy::detect(&mut kernel).map_err(|error| error.to_string())?;
        Ok(Self {
            kernel,
            hierarchy,
            roots: Roots::new(options.roots.clone()),
            links: Links::new(runtime),
            labels,
            options,
            claims,
            pods: BTreeMap::new(),
            waiting: BTreeMap::new(),
            watching: false,
        })
    }

    fn follow(&mut self, tick: &Tick, batch: &mut WriteBatch) {
        let census = self.roots.poll(tick.now);
        let fresh = match census {
            None if tick.full => std::mem::take(&mut self.waiting),
            None => return,
            Some(census) => {
                if census.malformed + census.left_out > 0 {
                    let (malformed, left_out) = (census.malformed, census.left_out);
                    tracing::warn!(malformed, left_out, "state files of sandboxes not followed");
                }
                self.waiting.clear();
                self.sort_out(census.sandboxes, tick.now, batch)
            }
        };
        for (id, sandbox) in fresh {
            self.open(id, sandbox, tick.now);
        }
        self.watching = true;
        self.claim();
    }

    /// Lets go of sandboxes that are no longer listed, and returns those that are new.
    fn sort_out(
        &mut self,
        mut listed: BTreeMap<String, Sandbox>,
        now: Timestamp,
        batch: &mut WriteBatch,
    ) -> BTreeMap<String, Sandbox> {
        for (id, mut pod) in std::mem::take(&mut self.pods) {
            match listed.remove(&id) {
                Some(sandbox) if pod.is(&sandbox) => {
                    pod.follow(sandbox, now, batch);
                    self.pods.insert(id, pod);
                }
                Some(another) => {
                    pod.write_stale(now, batch);
                    listed.insert(id, another);
                }
                None => pod.write_stale(now, batch),
            }
        }
        listed
    }

    fn open(&mut self, id: String, sandbox: Sandbox, now: Timestamp) {
        if self.pods.len() >= SANDBOXES_MAX {
            tracing::warn!(sandbox = id, "sandbox left out: there are too many");
            return;
        }
        let mut around = Surroundings {
            kernel: &mut self.kernel,
            hierarchy: &self.hierarchy,
            links: &self.links,
            labels: &self.labels,
            tenant: &self.options.tenant,
            watched: self.watching,
            now,
        };
        match Pod::open(sandbox.clone(), &mut around) {
            Ok(pod) if self.pods.values().all(|other| other.group() != pod.group()) => {
                self.pods.insert(id, pod);
            }
            Ok(pod) => {
                // Numbers of a group are of all that is in it.
                tracing::warn!(sandbox = id, group = pod.group(), "sandboxes share a cgroup");
                self.waiting.insert(id, sandbox);
            }
            Err(error @ (PodError::NoSentry | PodError::Cgroup(_) | PodError::Membership(_))) => {
                tracing::debug!(sandbox = id, %error, "sandbox not watched");
                self.waiting.insert(id, sandbox);
            }
            Err(error) => tracing::warn!(sandbox = id, %error, "sandbox not watched"),
        }
    }

    fn claim(&self) {
        let groups = self.pods.values().flat_map(Pod::groups).map(str::to_owned);
        self.claims.set(groups.collect());
    }
}

impl Source for SandboxSource {
    fn collect(&mut self, tick: &Tick, batch: &mut WriteBatch) {
        self.follow(tick, batch);
        let mut gone = Vec::new();
        for (id, pod) in &mut self.pods {
            if !pod.collect(&mut self.kernel, tick, self.options.metrics, batch) {
                gone.push(id.clone());
            }
        }
        for pod in gone.iter().filter_map(|id| self.pods.remove(id)) {
            pod.write_stale(tick.now, batch);
        }
        if !gone.is_empty() {
            self.claim();
        }
    }

    fn watched(&self) -> usize {
        self.pods.len()
    }
}

#[cfg(test)]
mod tests;
