//! Which request is for whom, and whose turn it is.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use model::event::Target;

use super::{Upstream, upstream::Pool};

/// An instance behind the proxy.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) target: Arc<Target>,
    pub(super) pool: Pool,
    up: AtomicBool,
}

/// An app behind the proxy.
#[derive(Debug)]
pub(super) struct App {
    /// Names the app when no instance can be named.
    pub(super) nobody: Arc<Target>,
    instances: Vec<Arc<Instance>>,
    turn: AtomicUsize,
}

impl App {
    /// The next instance in rotation.
    pub(super) fn next(&self) -> Option<Arc<Instance>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.instances.len();
        (0..count)
            .filter_map(|offset| self.instances.get(turn.wrapping_add(offset) % count))
            .find(|instance| instance.up.load(Ordering::Relaxed))
            .cloned()
    }
}

/// The apps, by tenant and name.
#[derive(Debug, Default)]
pub(super) struct Table {
    apps: BTreeMap<String, BTreeMap<String, App>>,
}

impl Table {
    pub(super) fn new(upstreams: Vec<Upstream>) -> Self {
        let mut table = Self::default();
        for Upstream { target, address } in upstreams {
            let tenant = table.apps.entry(target.tenant.as_str().to_owned()).or_default();
            let app = tenant.entry(target.app.clone()).or_insert_with(|| App {
                nobody: Arc::new(Target {
                    instance: String::new(),
                    node: String::new(),
                    ..target.clone()
                }),
                instances: Vec::new(),
                turn: AtomicUsize::new(0),
            });
            app.instances.push(Arc::new(Instance {
                target: Arc::new(target),
                pool: Pool::new(address),
                up: AtomicBool::new(true),
            }));
        }
        table
    }

    pub(super) fn set_up(&self, target: &Target, up: bool) -> bool {
        let app = self.app(target.tenant.as_str(), &target.app);
        let instances = app.map(|app| app.instances.as_slice()).unwrap_or_default();
        let instance = instances.iter().find(|instance| *instance.target == *target);
        instance.inspect(|instance| instance.up.store(up, Ordering::Relaxed)).is_some()
    }

    fn app(&self, tenant: &str, app: &str) -> Option<&App> {
        self.apps.get(tenant)?.get(app)
    }

    /// The app that a request is for, and the path that it sees.
    pub(super) fn route<'p>(&self, path: &'p str, host: Option<&str>) -> Option<(&App, &'p str)> {
        self.by_path(path).or_else(|| Some((self.by_host(host?)?, path)))
    }

    fn by_path<'p>(&self, path: &'p str) -> Option<(&App, &'p str)> {
        let (tenant, rest) = path.strip_prefix('/')?.split_once('/')?;
        let end = rest.find('/').unwrap_or(rest.len());
        let (app, rest) = rest.split_at_checked(end)?;
        Some((self.app(tenant, app)?, if rest.is_empty() { "/" } else { rest }))
    }

    fn by_host(&self, host: &str) -> Option<&App> {
        let host = host.split_once(':').map_or(host, |(name, _)| name);
        let mut labels = host.split('.');
        let (app, tenant) = (labels.next()?, labels.next()?);
        self.app(tenant, app)
    }
}

#[cfg(test)]
mod tests;
