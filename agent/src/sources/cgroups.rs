//! Every cgroup of the host: containers, systemd units, plain groups.

mod names;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use collector::{
    hierarchy::Hierarchy,
    identity::{Identity, Kind},
    kernel::Kernel,
    network::{Attachment, Networks},
    reader::{ReadError, Reader},
    series::Template,
    usage::{Cpu, Depth, Usage},
    walk::{Found, WalkOptions, Walker},
};
use containers::{
    container::{Facts, Source},
    registry::Registry,
};
use model::{tenant::TenantId, time::Timestamp, write::WriteBatch};

use self::names::{Names, is_whole};
use super::{NodeLabels, Tick, sandboxes::Claims};
use crate::containers::{Brief, Known};

/// Ticks that a new container waits for its name, so that its series do not begin under another.
const UNNAMED_TICKS: u8 = 3;
/// Containers remembered as ended until their last reading is told, which takes a moment.
const ENDED_MAX: usize = 512;
/// A series of a container that is gone ends so long after its last sample.
const STALE_AFTER: Duration = Duration::from_millis(1);

/// Follows the population of cgroups and reads each.
pub(crate) struct CgroupSource {
    kernel: Kernel,
    walker: Walker,
    tenant: TenantId,
    labels: NodeLabels,
    /// Groups that are written by someone who knows more of them.
    claims: Claims,
    groups: BTreeMap<String, Watched>,
    /// `None` where the kernel does not tell of interfaces.
    networks: Option<Networks>,
    /// What knows whose each container is, where anything does.
    known: Option<Known>,
    /// Of what is known, when the groups were named.
    version: u64,
    last_tick: Timestamp,
    /// Paths of containers whose series have ended lately.
    ended: VecDeque<String>,
}

struct Watched {
    reader: Reader,
    template: Template,
    network: Attachment,
    identity: Identity,
    names: Names,
    /// Ticks left to wait for a name.
    patience: u8,
}

impl Watched {
    /// Series that began now would soon end, and begin again under another name.
    fn waits_for_a_name(&self) -> bool {
        self.names.expected && self.patience > 0
    }
}

impl CgroupSource {
    pub(crate) fn new(
        mut kernel: Kernel,
        prefix: &str,
        tenant: TenantId,
        labels: NodeLabels,
        claims: Claims,
        known: Option<Known>,
    ) -> Result<Self, String> {
        let hierarchy = Hierarchy::detect(&mut kernel).map_err(|error| error.to_string())?;
        let options = WalkOptions { prefix: prefix.to_owned(), ..WalkOptions::default() };
        let walker = Walker::new(hierarchy, options).map_err(|error| error.to_string())?;
        let networks = Networks::open()
            .inspect_err(|error| tracing::warn!(%error, "containers' networks are not read"))
            .ok();
        Ok(Self {
            kernel,
            walker,
            tenant,
            labels,
            groups: BTreeMap::new(),
            claims,
            networks,
            known,
            version: 0,
            last_tick: Timestamp::MIN,
            ended: VecDeque::new(),
        })
    }

    fn follow(&mut self, now: Timestamp, batch: &mut WriteBatch) {
        let Some(changes) = self.walker.poll(now) else {
            return;
        };
        for path in &changes.vanished {
            self.end(path, now, batch);
        }
        for found in changes.appeared {
            self.open(found);
        }
        if changes.dropped > 0 {
            tracing::warn!(groups = changes.dropped, "cgroups left out: there are too many");
        }
    }

    /// A group is gone: its series end.
    fn end(&mut self, path: &str, now: Timestamp, batch: &mut WriteBatch) {
        let Some(mut gone) = self.groups.remove(path) else { return };
        gone.template.write_stale(now, batch);
        if let Some(networks) = &mut self.networks {
            networks.release(&gone.network);
        }
        self.tell(path, &gone.identity, |registry, id, _| registry.forget(Source::Cgroup, id, now));
        if gone.patience == 0 && gone.identity.kind == Kind::Container {
            self.ended.truncate(ENDED_MAX - 1);
            self.ended.push_front(path.to_owned());
        }
    }

    /// Reads what went over the networks of all groups that have one of their own.
    fn collect_traffic(&mut self, tick: &Tick, depth: Depth, batch: &mut WriteBatch) {
        let Self { kernel, groups, claims, networks: Some(networks), .. } = self else { return };
        if tick.full {
            let groups =
                groups.values_mut().map(|watched| (watched.reader.group(), &mut watched.network));
            if let Err(error) = networks.renew(kernel, groups) {
                tracing::debug!(%error, "containers' networks not looked for");
            }
        }
        if let Err(error) = networks.read() {
            tracing::debug!(%error, "containers' networks not read");
            return;
        }
        let claimed = claims.get();
        for (path, watched) in groups {
            // Others write of these, or nobody yet.
            if claimed.contains(path) || watched.waits_for_a_name() {
                continue;
            }
            let Watched { template, network, .. } = watched;
            for traffic in networks.traffic(network) {
                template.write_traffic(&traffic, depth, tick.now, batch);
            }
        }
    }

    fn open(&mut self, found: Found) {
        let path = found.group.path().to_owned();
        let names = self.names(&path, &found.identity);
        let template = names.template(&path, &self.labels);
        let identity = found.identity;
        let reader = Reader::open(&mut self.kernel, self.walker.hierarchy(), found.group);
        match (reader, template) {
            (Ok(reader), Ok(template)) => {
                self.tell(&path, &identity, |registry, id, facts| {
                    // A group alone is no news.
                    let _none = registry.tell(Source::Cgroup, id, facts);
                });
                let patience = UNNAMED_TICKS;
                let network = Attachment::default();
                let watched = Watched { reader, template, network, identity, names, patience };
                self.groups.insert(path, watched);
            }
            // Gone between the walk and now, and perhaps back already.
            (Err(ReadError::Gone { .. }), _) => self.walker.forget(&path),
            (Err(error), _) => tracing::debug!(%error, "cgroup not read"),
            (_, Err(error)) => tracing::debug!(path, %error, "cgroup not read"),
        }
    }
}

impl CgroupSource {
    /// As long as its group is there a container is remembered, whoever else is away.
    fn tell(&self, path: &str, identity: &Identity, tell: impl FnOnce(&mut Registry, &str, Facts)) {
        let (Some(known), Kind::Container) = (&self.known, identity.kind) else { return };
        if let Some(id) = identity.container_id.as_ref().filter(|id| is_whole(path, id)) {
            let pod_uid = identity.pod_uid.clone().unwrap_or_default();
            let facts = Facts { pod_uid, ..Facts::default() };
            tell(&mut known.containers.lock(), id, facts);
        }
    }

    fn names(&self, path: &str, identity: &Identity) -> Names {
        let registry = self.known.as_ref().map(|known| known.containers.lock());
        Names::of(path, identity, registry.as_deref(), &self.tenant)
    }

    /// Gives new names to groups of which more is known than before: the old series end.
    fn rename(&mut self, now: Timestamp, batch: &mut WriteBatch) {
        let Some(known) = &self.known else { return };
        let registry = known.containers.lock();
        if registry.version() == self.version {
            return;
        }
        self.version = registry.version();
        for (path, watched) in &mut self.groups {
            let names = Names::of(path, &watched.identity, Some(&registry), &self.tenant);
            if names == watched.names {
                continue;
            }
            if let Ok(template) = names.template(path, &self.labels) {
                watched.template.write_stale(now, batch);
                watched.template = template;
            }
            watched.names = names;
        }
    }

    /// What containers used that have ended since the last tick.
    fn write_brief(&mut self, now: Timestamp, batch: &mut WriteBatch) {
        let brief = self.known.as_ref().map(Known::brief).unwrap_or_default();
        let claimed = self.claims.get();
        for Brief { container, usage } in brief {
            if claimed.contains(&container.facts.cgroup) {
                // A sandbox knows what its containers used; this group of theirs is empty.
                continue;
            }
            let state = &container.facts.state;
            let ended = state.finished.unwrap_or(now).min(now);
            let path = &container.facts.cgroup;
            match self.groups.get_mut(path).filter(|watched| watched.patience == 0) {
                Some(watched) if ended > self.last_tick => {
                    watched.template.write(&usage, ended, batch);
                    continue;
                }
                // Its series have gone on or ended since: an older sample would look like a reset.
                Some(_) => continue,
                None if self.ended.contains(path) => continue,
                None => {}
            }
            let names = Names::of_container(&container, &self.tenant);
            let Ok(mut template) = names.template(path, &self.labels) else {
                continue;
            };
            // From nothing at its start, so that rates and increases see what it used.
            if let Some(started) = state.started.filter(|started| *started < ended) {
                let cpu = Cpu { usage_nanos: Some(0), ..Cpu::default() };
                template.write(&Usage { cpu, ..Usage::default() }, started, batch);
            }
            template.write(&usage, ended, batch);
            template.write_stale(now.max(ended.saturating_add(STALE_AFTER)), batch);
        }
        self.last_tick = now;
    }
}

impl super::Source for CgroupSource {
    fn collect(&mut self, tick: &Tick, batch: &mut WriteBatch) {
        self.write_brief(tick.now, batch);
        self.follow(tick.now, batch);
        self.rename(tick.now, batch);
        let depth = if tick.full { Depth::Full } else { Depth::Fast };
        let mut gone = Vec::new();
        let claimed = self.claims.get();
        for (path, watched) in &mut self.groups {
            if !claimed.is_empty() && claimed.contains(path) {
                // Writes nothing when it was ended before.
                watched.template.write_stale(tick.now, batch);
                continue;
            }
            if watched.waits_for_a_name() {
                watched.patience -= 1;
                continue;
            }
            watched.patience = 0;
            match watched.reader.read(&mut self.kernel, depth) {
                Ok(usage) => {
                    watched.template.write(usage, tick.now, batch);
                }
                Err(ReadError::Gone { .. }) => gone.push(path.clone()),
                Err(error) => tracing::debug!(path, %error, "cgroup not read"),
            }
        }
        for path in gone {
            self.end(&path, tick.now, batch);
            // It may have been made anew at the same path, which no walk would tell.
            self.walker.forget(&path);
        }
        self.collect_traffic(tick, depth, batch);
    }

    fn watched(&self) -> usize {
        self.groups.len()
    }
}

#[cfg(test)]
mod tests;
