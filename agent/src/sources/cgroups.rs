//! Every cgroup of the host: containers, systemd units, plain groups.

use std::collections::BTreeMap;

use collector::{
    hierarchy::Hierarchy,
    identity::{Identity, Kind},
    kernel::Kernel,
    network::{Attachment, Networks},
    reader::{ReadError, Reader},
    series::Template,
    usage::Depth,
    walk::{Found, WalkOptions, Walker},
};
use model::{tenant::TenantId, time::Timestamp, write::WriteBatch};

use super::{NodeLabels, Source, Tick, sandboxes::Claims};

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
}

struct Watched {
    reader: Reader,
    template: Template,
    network: Attachment,
}

impl CgroupSource {
    pub(crate) fn new(
        mut kernel: Kernel,
        prefix: &str,
        tenant: TenantId,
        labels: NodeLabels,
        claims: Claims,
    ) -> Result<Self, String> {
        let hierarchy = Hierarchy::detect(&mut kernel).map_err(|error| error.to_string())?;
        let options = WalkOptions { prefix: prefix.to_owned(), ..WalkOptions::default() };
        let walker = Walker::new(hierarchy, options).map_err(|error| error.to_string())?;
        let networks = Networks::open()
            .inspect_err(|error| tracing::warn!(%error, "containers' networks are not read"))
            .ok();
        Ok(Self { kernel, walker, tenant, labels, claims, groups: BTreeMap::new(), networks })
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
    }

    /// Reads what went over the networks of all groups that have one of their own.
    fn collect_traffic(&mut self, tick: &Tick, depth: Depth, batch: &mut WriteBatch) {
        let Self { kernel, groups, networks: Some(networks), .. } = self else { return };
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
        for Watched { template, network, .. } in groups.values_mut() {
            for traffic in networks.traffic(network) {
                template.write_traffic(&traffic, depth, tick.now, batch);
            }
        }
    }

    fn open(&mut self, found: Found) {
        let path = found.group.path().to_owned();
        let names = Names::of(&path, &found.identity);
        let mut identity = vec![
            ("tenant", self.tenant.as_str()),
            ("app", &names.app),
            ("instance", &names.instance),
            ("container", &names.container),
            ("id", &path),
        ];
        identity.extend(self.labels.pairs());
        let template = Template::new(&identity);
        let reader = Reader::open(&mut self.kernel, self.walker.hierarchy(), found.group);
        match (reader, template) {
            (Ok(reader), Ok(template)) => {
                self.groups
                    .insert(path, Watched { reader, template, network: Attachment::default() });
            }
            // Gone between the walk and now, and perhaps back already.
            (Err(ReadError::Gone { .. }), _) => self.walker.forget(&path),
            (Err(error), _) => tracing::debug!(%error, "cgroup not read"),
            (_, Err(error)) => tracing::debug!(path, %error, "cgroup not read"),
        }
    }
}

/// What a group is called where nothing but its path is known.
struct Names {
    app: String,
    instance: String,
    container: String,
}

impl Names {
    fn of(path: &str, identity: &Identity) -> Self {
        let whole = path.trim_matches('/').to_owned();
        let short = |id: &str| id.get(..12).unwrap_or(id).to_owned();
        let container = identity.container_id.as_deref().map(short).unwrap_or_default();
        let named = |name: &str| Self {
            app: name.to_owned(),
            instance: name.to_owned(),
            container: container.clone(),
        };
        match (identity.kind, &identity.pod_uid, &identity.unit) {
            // These hold others: as apps they would count everything twice.
            (Kind::Root | Kind::Slice | Kind::Pod, _, _) => named(""),
            (Kind::Container, Some(pod), _) => named(pod),
            (Kind::Container, None, _) => named(&container),
            (_, _, Some(unit)) => named(unit),
            (_, _, None) => named(&whole),
        }
    }
}

impl Source for CgroupSource {
    fn collect(&mut self, tick: &Tick, batch: &mut WriteBatch) {
        self.follow(tick.now, batch);
        let depth = if tick.full { Depth::Full } else { Depth::Fast };
        let mut gone = Vec::new();
        let claimed = self.claims.get();
        for (path, watched) in &mut self.groups {
            if !claimed.is_empty() && claimed.contains(path) {
                // Writes nothing when it was ended before.
                watched.template.write_stale(tick.now, batch);
                continue;
            }
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
