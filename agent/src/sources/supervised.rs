//! The processes that this agent's supervisor runs: through their cgroups where they have any,
//! through `/proc` where not.

use std::{collections::BTreeMap, sync::Arc};

use collector::{
    hierarchy::Hierarchy,
    kernel::Kernel,
    process::{ProcessTable, ProcessTree},
    reader::Reader,
    series::Template,
    usage::{Depth, Limit, Usage},
};
use model::{event::Target, write::WriteBatch};
use supervisor::{
    Instance, Supervisor,
    placement::{MemoryGuard, Placement},
};

use super::{NodeLabels, Source, Tick};

/// Reads each run of each instance.
pub(crate) struct SupervisedSource {
    kernel: Kernel,
    /// `None` where the machine has no cgroups: nothing is placed in one then.
    hierarchy: Option<Hierarchy>,
    processes: Option<ProcessTable>,
    supervisor: Arc<Supervisor>,
    labels: NodeLabels,
    watched: BTreeMap<Target, Watched>,
}

struct Watched {
    template: Template,
    /// The run that is being read.
    run: u64,
    meter: Option<Meter>,
}

enum Meter {
    Cgroup {
        reader: Box<Reader>,
        /// For block I/O, which cgroup v1 counts only on devices that are throttled.
        io: Option<Box<ProcessTree>>,
    },
    Tree(Box<ProcessTree>),
}

impl SupervisedSource {
    pub(crate) fn new(mut kernel: Kernel, supervisor: Arc<Supervisor>, labels: NodeLabels) -> Self {
        let hierarchy = Hierarchy::detect(&mut kernel).ok();
        Self { kernel, hierarchy, processes: None, supervisor, labels, watched: BTreeMap::new() }
    }

    fn template(&self, target: &Target) -> Option<Template> {
        let mut identity = vec![
            ("tenant", target.tenant.as_str()),
            ("app", &target.app),
            ("component", &target.component),
            ("instance", &target.instance),
            (
                "container",
                if target.component.is_empty() { &target.app } else { &target.component },
            ),
        ];
        let here = self.labels.pairs();
        identity.extend(here.iter().filter(|(name, _)| *name != "node"));
        identity.push(("node", &target.node));
        Template::new(&identity)
            .inspect_err(|error| tracing::error!(?target, %error, "instance not read"))
            .ok()
    }

    fn meter(&mut self, instance: &Instance) -> Option<Meter> {
        let pid = instance.pid?;
        if let (Placement::Cgroup(_), Some(hierarchy)) = (&instance.placement, &self.hierarchy) {
            // Read from the kernel rather than from the plan: it is where the process truly is.
            let group = hierarchy.group_of_process(&mut self.kernel, pid).ok()?;
            let mut reader = Reader::open(&mut self.kernel, hierarchy, group).ok()?;
            reader.set_start_seconds(instance.started_at.seconds());
            let io = ProcessTree::open(&mut self.kernel, pid).ok().map(Box::new);
            return Some(Meter::Cgroup { reader: Box::new(reader), io });
        }
        let tree = ProcessTree::open(&mut self.kernel, pid).ok()?;
        Some(Meter::Tree(Box::new(tree)))
    }
}

impl Source for SupervisedSource {
    fn collect(&mut self, tick: &Tick, batch: &mut WriteBatch) {
        let instances = self.supervisor.instances();
        // Descendants are looked for only where no cgroup holds them together, and where a cgroup
        // counts no I/O.
        let trees = self.watched.values().any(|watched| match &watched.meter {
            Some(Meter::Tree(_)) => true,
            Some(Meter::Cgroup { reader, .. }) => reader.usage().io.is_empty(),
            None => false,
        });
        self.processes = if trees { ProcessTable::scan(&mut self.kernel).ok() } else { None };
        for instance in instances {
            if !self.watched.contains_key(&instance.target) {
                let Some(template) = self.template(&instance.target) else {
                    continue;
                };
                let fresh = Watched { template, run: 0, meter: None };
                self.watched.insert(instance.target.clone(), fresh);
            }
            let Some(mut watched) = self.watched.remove(&instance.target) else {
                continue;
            };
            if watched.run != instance.run || watched.meter.is_none() {
                watched.run = instance.run;
                watched.meter = self.meter(&instance);
            }
            self.read(&instance, &mut watched, tick, batch);
            self.watched.insert(instance.target, watched);
        }
    }

    fn watched(&self) -> usize {
        self.watched.len()
    }
}

impl SupervisedSource {
    fn read(
        &mut self,
        instance: &Instance,
        watched: &mut Watched,
        tick: &Tick,
        batch: &mut WriteBatch,
    ) {
        // Always whole: there are few of them, and memory by kind is what a leak shows in first.
        let read = watched.meter.as_mut().and_then(|meter| self.read_meter(meter));
        let Some(mut usage) = read else {
            // Ended: what it was is over, and a successor gets a meter of its own.
            watched.meter = None;
            return;
        };
        if instance.memory_guard == MemoryGuard::DataLimit {
            // The limit is real, but no file of the kernel that is read here says so.
            usage.memory.limit = instance.memory_limit.map(Limit::To);
        }
        watched.template.write(&usage, tick.now, batch);
    }

    fn read_meter(&mut self, meter: &mut Meter) -> Option<Usage> {
        match meter {
            Meter::Cgroup { reader, io } => {
                let mut usage = reader.read(&mut self.kernel, Depth::Full).ok()?.clone();
                if usage.io.is_empty()
                    && let Some(tree) = io
                {
                    usage.io.clone_from(&self.read_tree(tree)?.io);
                }
                Some(usage)
            }
            Meter::Tree(tree) => self.read_tree(tree),
        }
    }

    fn read_tree(&mut self, tree: &mut ProcessTree) -> Option<Usage> {
        if let Some(processes) = &self.processes {
            tree.adopt(&mut self.kernel, processes);
        }
        tree.read(&mut self.kernel, Depth::Full).ok().cloned()
    }
}
