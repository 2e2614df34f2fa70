//! What all sources say of the containers of a node, merged.
//!
//! Pure: time comes in with each call. A source that is away keeps its words, ranked below those of
//! every source that is there; once it is back, its full list replaces them.

mod entry;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use model::time::Timestamp;

use crate::{
    container::{Container, Facts, Keys, Phase, Pod, Source},
    mapping::{Mapping, Owner},
    registry::entry::{Entry, Said},
};

/// Containers remembered at most; beyond it those that ended first go, and where none has ended
/// the new one is left out.
pub const CONTAINERS_MAX: usize = 32_768;
/// So many go at once, as finding them means looking at all.
const EVICTED: usize = CONTAINERS_MAX / 16;
/// Pods remembered at most.
pub const PODS_MAX: usize = 32_768;
/// How long a container is remembered that no source knows any more, so that its last samples and
/// log lines are attributed.
pub const GRACE: Duration = Duration::from_secs(300);
/// The name of the container that holds a pod's namespaces, as cAdvisor has it.
pub const SANDBOX_NAME: &str = "POD";

/// What happened to a container since the registry began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// [`Phase::Running`] for a start, [`Phase::Exited`] for an end.
    pub phase: Phase,
    pub container: Container,
}

/// What went wrong so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Fields of which two sources said different things when one of them was told.
    pub contradictions: u64,
    /// Containers and pods left out or forgotten early because there were too many.
    pub dropped: u64,
}

/// The containers and pods of this node.
#[derive(Debug)]
pub struct Registry {
    /// What began and ended before is no news.
    began: Timestamp,
    mapping: Mapping,
    entries: BTreeMap<String, Entry>,
    pods: BTreeMap<String, Said<Pod>>,
    /// Sources that are heard of now.
    present: BTreeSet<Source>,
    /// Every runtime was asked once, and none answered.
    settled: bool,
    version: u64,
    stats: Stats,
}

impl Registry {
    /// `began` is now: what happened before it is no news.
    pub fn new(mapping: Mapping, began: Timestamp) -> Self {
        Self {
            began,
            mapping,
            entries: BTreeMap::new(),
            pods: BTreeMap::new(),
            present: BTreeSet::new(),
            settled: false,
            version: 0,
            stats: Stats::default(),
        }
    }

    /// Grows whenever what [`Self::container`] answers may have changed.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Containers remembered.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many of them no source knows any more.
    pub fn unclaimed(&self) -> usize {
        self.entries.values().filter(|entry| !entry.is_claimed(&self.present)).count()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether it is known by now which sources there are. Before, a container that nobody knows may
    /// soon be known.
    pub fn is_settled(&self) -> bool {
        self.settled || self.hears(Source::Cri)
    }

    /// Every runtime was asked once.
    pub fn settle(&mut self) {
        self.settled = true;
    }

    /// Whether this source is heard of now.
    pub fn hears(&self, source: Source) -> bool {
        self.present.contains(&source)
    }

    /// A source says something of a container; what it leaves empty stands as it said before.
    pub fn tell(&mut self, source: Source, id: &str, facts: Facts) -> Vec<News> {
        self.present.insert(source);
        if !self.entries.contains_key(id) && !self.make_room() {
            return Vec::new();
        }
        let entry = self.entries.entry(id.to_owned()).or_default();
        let (changed, contradictions) = entry.tell(source, facts, &self.present);
        self.stats.contradictions += contradictions;
        if changed {
            self.version += 1;
        }
        entry.unclaimed = None;
        self.news(id)
    }

    /// A source says how a pod is.
    pub fn tell_pod(&mut self, source: Source, pod: Pod) {
        self.present.insert(source);
        if !self.pods.contains_key(&pod.uid) && self.pods.len() >= PODS_MAX {
            self.stats.dropped += 1;
            return;
        }
        if self.pods.entry(pod.uid.clone()).or_default().set(source, pod) {
            self.version += 1;
        }
    }

    /// A source says that a container is no more.
    pub fn forget(&mut self, source: Source, id: &str, now: Timestamp) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        entry.forget(source);
        if !entry.is_claimed(&self.present) {
            entry.unclaimed.get_or_insert(now);
        }
    }

    /// A source says that a pod is no more. What it said of it stays until its containers go.
    pub fn forget_pod(&mut self, source: Source, uid: &str) {
        if let Some(said) = self.pods.get_mut(uid) {
            said.forget(source);
        }
    }

    /// All that a source knows: what it said of anything else it takes back.
    pub fn replace(
        &mut self,
        source: Source,
        containers: Vec<(String, Facts)>,
        pods: Vec<Pod>,
        now: Timestamp,
    ) -> Vec<News> {
        let ids: BTreeSet<&str> = containers.iter().map(|(id, _)| &**id).collect();
        let uids: BTreeSet<String> = pods.iter().map(|pod| pod.uid.clone()).collect();
        self.forget_others(source, &ids);
        for (_, said) in self.pods.iter_mut().filter(|(uid, _)| !uids.contains(*uid)) {
            said.forget(source);
        }
        self.present.insert(source);
        for pod in pods {
            self.tell_pod(source, pod);
        }
        let mut news = Vec::new();
        for (id, facts) in containers {
            news.extend(self.tell(source, &id, facts));
        }
        news.extend(self.sweep(now));
        news
    }

    /// A source knows these containers at most.
    pub fn forget_others(&mut self, source: Source, ids: &BTreeSet<&str>) {
        for (_, entry) in self.entries.iter_mut().filter(|(id, _)| !ids.contains(&***id)) {
            entry.forget(source);
        }
    }

    /// A source is not heard of any more.
    pub fn lost(&mut self, source: Source) {
        if self.present.remove(&source) {
            self.version += 1;
        }
    }

    /// Forgets what no source has known for [`GRACE`]. A container that was running when it was
    /// last heard of is told to have ended. Looks at everything, so call it now and then.
    pub fn sweep(&mut self, now: Timestamp) -> Vec<News> {
        let mut over = Vec::new();
        for (id, entry) in &mut self.entries {
            if entry.is_claimed(&self.present) {
                entry.unclaimed = None;
            } else if now.since(*entry.unclaimed.get_or_insert(now)) >= GRACE {
                over.push(id.clone());
            }
        }
        let mut news = Vec::new();
        for id in over {
            news.extend(self.end_unseen(&id, now));
            self.entries.remove(&id);
            self.version += 1;
        }
        self.sweep_pods();
        news
    }

    /// What all say together. The pod's labels come before the container's own.
    pub fn container(&self, id: &str) -> Option<Container> {
        let mut facts = self.entries.get(id)?.merged(&self.present);
        if facts.pod_uid.is_empty()
            && let Some(sandbox) = self.entries.get(&facts.sandbox)
        {
            let sandbox = sandbox.merged(&self.present);
            facts.pod_uid = sandbox.pod_uid;
            facts.pod_name = sandbox.pod_name;
            facts.namespace = sandbox.namespace;
        }
        let pods = self.pods.get(&facts.pod_uid);
        if let Some(pod) = pods.and_then(|said| said.best(&self.present)) {
            facts.pod_name.clone_from(&pod.name);
            facts.namespace.clone_from(&pod.namespace);
        }
        let mut owner = self.owner(pods, &facts);
        if facts.name == SANDBOX_NAME {
            // It holds the pod's namespaces and does none of the app's work.
            owner.app.clear();
            owner.component.clear();
        }
        Some(Container { id: id.to_owned(), facts, owner })
    }

    /// A pod and its owner, for what belongs to all of its containers.
    pub fn pod(&self, uid: &str) -> Option<(Pod, Owner)> {
        let said = self.pods.get(uid)?;
        let pod = said.best(&self.present)?.clone();
        let facts = Facts { namespace: pod.namespace.clone(), ..Facts::default() };
        let owner = self.owner(Some(said), &facts);
        Some((pod, owner))
    }

    fn owner(&self, pods: Option<&Said<Pod>>, facts: &Facts) -> Owner {
        let mut keys: Vec<&Keys> = Vec::new();
        for pod in pods.iter().flat_map(|said| said.ranked(&self.present)) {
            keys.extend([&pod.labels, &pod.annotations]);
        }
        keys.extend([&facts.labels, &facts.annotations]);
        self.mapping.owner(&keys, &facts.namespace, &facts.name)
    }

    /// What of this container has not been told yet.
    fn news(&mut self, id: &str) -> Vec<News> {
        let began = self.began;
        let Some(entry) = self.entries.get_mut(id) else { return Vec::new() };
        let phases = entry.untold(&self.present, began);
        if phases.is_empty() {
            return Vec::new();
        }
        let Some(container) = self.container(id) else { return Vec::new() };
        phases.into_iter().map(|phase| News { phase, container: container.clone() }).collect()
    }

    /// The end of a container that vanished without anybody telling how.
    fn end_unseen(&mut self, id: &str, now: Timestamp) -> Vec<News> {
        let Some(entry) = self.entries.get_mut(id) else { return Vec::new() };
        if entry.told != Phase::Running {
            return Vec::new();
        }
        entry.end(now);
        self.news(id)
    }

    /// Whether there is room for one more.
    fn make_room(&mut self) -> bool {
        if self.entries.len() < CONTAINERS_MAX {
            return true;
        }
        let ended = self.entries.iter().filter_map(|(id, entry)| Some((entry.ended()?, id)));
        let mut ended: Vec<(Timestamp, String)> = ended.map(|(at, id)| (at, id.clone())).collect();
        ended.sort_unstable();
        ended.truncate(EVICTED);
        for (_, id) in &ended {
            self.entries.remove(id);
        }
        self.stats.dropped += ended.len().max(1) as u64;
        !ended.is_empty()
    }

    /// Pods stay as long as a source knows them or a container is theirs.
    fn sweep_pods(&mut self) {
        let Self { entries, pods, present, .. } = self;
        if pods.values().all(|said| said.is_claimed(present)) {
            return;
        }
        let used: BTreeSet<&str> = entries.values().flat_map(Entry::pods).collect();
        pods.retain(|uid, said| said.is_claimed(present) || used.contains(&**uid));
    }
}

#[cfg(test)]
mod tests;
