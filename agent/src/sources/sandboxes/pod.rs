//! One sandbox: its cgroup on the host, the conversation with its sentry, and its containers' shares.

use std::{collections::BTreeMap, sync::Arc};

use collector::{
    hierarchy::Hierarchy,
    kernel::Kernel,
    reader::{ReadError, Reader},
    series::{InvalidTemplate, Template},
    usage::{Cpu, Depth, Memory, Usage},
};
use model::{tenant::TenantId, time::Timestamp, write::WriteBatch};
use sandbox::{
    client::Address,
    divide::{Division, Listed},
    link::{Answer, Link, Links, Question},
    roots::Sandbox,
    schedule::Schedule,
    sentry::Sentry,
    state::State,
};

use super::{
    super::{NodeLabels, Tick},
    extra::Extra,
    names::{self, Names},
};

/// After so many unanswered questions in a row, containers that ended are no longer waited for.
const FAILURES_PATIENT: u32 = 3;

/// Why a sandbox is not watched.
#[derive(Debug, thiserror::Error)]
pub(super) enum PodError {
    /// A state file that outlived its sandbox, or one that is not there yet.
    #[error("its sentry does not run")]
    NoSentry,
    #[error("its cgroup cannot be read")]
    Cgroup(#[from] ReadError),
    #[error("the cgroup of its sentry cannot be found")]
    Membership(#[from] collector::kernel::FileError),
    /// Then the group's numbers are the host's, not the pod's.
    #[error("its sentry is in the root cgroup")]
    RootCgroup,
    #[error(transparent)]
    Labels(#[from] InvalidTemplate),
}

/// What a pod is made with.
pub(super) struct Surroundings<'a> {
    pub(super) kernel: &'a mut Kernel,
    pub(super) hierarchy: &'a Hierarchy,
    pub(super) links: &'a Links,
    pub(super) labels: &'a NodeLabels,
    pub(super) tenant: &'a TenantId,
    /// Whether sandboxes that are new were started under our eyes.
    pub(super) watched: bool,
    pub(super) now: Timestamp,
}

/// A sandbox that is watched.
pub(super) struct Pod {
    sandbox: Sandbox,
    sentry: Sentry,
    reader: Reader,
    link: Link,
    schedule: Schedule,
    division: Division,
    template: Template,
    identity: Vec<(String, String)>,
    containers: BTreeMap<String, Container>,
    extra: Extra,
    memory: Option<u64>,
    failed: u64,
    rejected: u64,
    /// What was divided, or said by the sentry, since it was last written.
    renewed: bool,
}

struct Container {
    state: Arc<State>,
    template: Template,
}

impl Pod {
    pub(super) fn open(sandbox: Sandbox, around: &mut Surroundings<'_>) -> Result<Self, PodError> {
        let sentry = Sentry::open(sandbox.pid, &sandbox.id).ok_or(PodError::NoSentry)?;
        let group = around.hierarchy.group_of_process(around.kernel, sandbox.pid)?;
        if group.path() == "/" {
            return Err(PodError::RootCgroup);
        }
        let reader = Reader::open(around.kernel, around.hierarchy, group)?;
        let root = sandbox.containers.iter().find(|state| state.container == sandbox.id);
        let root = root.or(sandbox.containers.first()).ok_or(PodError::NoSentry)?;
        let names = Names::of(root, around.tenant);
        let mut identity = vec![
            ("tenant", names.tenant.as_str()),
            ("app", &names.app),
            ("component", &names.component),
            ("instance", &names.pod),
            ("pod", &names.pod),
            ("namespace", &names.namespace),
            ("id", reader.group().path()),
        ];
        identity.extend(around.labels.pairs());
        identity.retain(|(_, value)| !value.is_empty());
        let template = Template::new(&identity)?;
        let mut extra_identity = identity.clone();
        extra_identity.push(("sandbox", &sandbox.id));
        let extra = Extra::new(&extra_identity);
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let identity = identity.iter().map(owned).collect();
        let address = Address::of(&sandbox.id, sandbox.socket.as_deref());
        let mut pod = Self {
            link: around.links.start(&sandbox.id, sandbox.pid, address),
            schedule: Schedule::new(&sandbox.id, around.now),
            division: Division::default(),
            containers: BTreeMap::new(),
            sentry,
            reader,
            template,
            identity,
            extra,
            memory: None,
            failed: 0,
            rejected: 0,
            renewed: false,
            sandbox,
        };
        pod.list(around.watched)?;
        Ok(pod)
    }

    #[cfg(test)]
    pub(super) fn sentry_pid(&self) -> u32 {
        self.sandbox.pid
    }

    /// Whether this is still the sandbox that the state files mean.
    pub(super) fn is(&self, sandbox: &Sandbox) -> bool {
        self.sandbox.pid == sandbox.pid && self.sandbox.socket == sandbox.socket
    }

    pub(super) fn group(&self) -> &str {
        self.reader.group().path()
    }

    /// Groups that hold what is written here, or that `runsc` keeps empty for the look of it.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        let compat = self.containers.values().filter_map(|one| one.state.compat_cgroup.as_deref());
        compat.chain([self.group()])
    }

    /// Takes the containers that there are now; ends the series of those that are gone.
    pub(super) fn follow(&mut self, sandbox: Sandbox, now: Timestamp, batch: &mut WriteBatch) {
        if self.sandbox == sandbox {
            return;
        }
        self.sandbox = sandbox;
        self.schedule.hasten(now);
        let states = &self.sandbox.containers;
        self.containers.retain(|id, container| {
            let kept = states.iter().any(|state| state.container == *id);
            if !kept {
                container.template.write_stale(now, batch);
            }
            kept
        });
        if let Err(error) = self.list(true) {
            tracing::debug!(sandbox = self.sandbox.id, %error, "container not watched");
        }
    }

    fn list(&mut self, watched: bool) -> Result<(), InvalidTemplate> {
        let listed = self.sandbox.containers.iter();
        let listed = listed.map(|state| Listed { id: &state.container, app: state.is_app() });
        let left_out = self.division.list(listed, watched);
        if left_out > 0 {
            tracing::warn!(sandbox = self.sandbox.id, left_out, "too many containers");
        }
        for state in &self.sandbox.containers {
            if self.containers.contains_key(&state.container) {
                continue;
            }
            let (name, image) = names::container(state);
            let pod = self.identity.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let mut identity: Vec<(&str, &str)> = pod.filter(|(name, _)| *name != "id").collect();
            let id = format!("{}/{}", self.reader.group().path(), state.container);
            identity.extend([("container", name), ("image", image), ("id", &id)]);
            let template = Template::new(&identity)?;
            let container = Container { state: Arc::clone(state), template };
            self.containers.insert(state.container.clone(), container);
        }
        Ok(())
    }

    /// Reads and writes one tick. False once the sandbox is gone.
    pub(super) fn collect(
        &mut self,
        kernel: &mut Kernel,
        tick: &Tick,
        metrics: bool,
        batch: &mut WriteBatch,
    ) -> bool {
        if !self.sentry.is_alive() {
            return false;
        }
        let depth = if tick.full { Depth::Full } else { Depth::Fast };
        let (cpu, used) = match self.reader.read(kernel, depth) {
            Ok(usage) => {
                self.template.write(usage, tick.now, batch);
                (usage.cpu.usage_nanos, usage.memory.usage)
            }
            Err(error) => {
                tracing::debug!(sandbox = self.sandbox.id, %error, "sandbox not read");
                return false;
            }
        };
        if let Some(cpu) = cpu {
            self.division.observe(cpu);
        }
        if let Some(answer) = self.link.answer() {
            self.take(answer, tick.now);
        }
        let question = Question { usage: self.division.needs_usage(), metrics };
        if self.schedule.asks(tick.now, cpu.unwrap_or(0)) && !self.link.ask(question) {
            self.schedule.answered(tick.now, false);
        }
        self.write(tick, used, batch);
        true
    }

    fn take(&mut self, answer: Answer, now: Timestamp) {
        let failures = self.schedule.answered(now, answer.error.is_none());
        if let Some(error) = answer.error {
            self.failed += 1;
            tracing::debug!(sandbox = self.sandbox.id, %error, "the sandbox did not answer");
        }
        if failures >= FAILURES_PATIENT {
            self.division.give_up();
        }
        if let Some(usage) = answer.usage {
            self.rejected += self.division.divide(&usage) as u64;
        }
        self.memory = answer.memory.or(self.memory);
        if let Some(export) = answer.metrics {
            self.rejected += export.rejected as u64;
            self.extra.take(export.series);
        }
        self.renewed = true;
    }

    fn write(&mut self, tick: &Tick, used: Option<u64>, batch: &mut WriteBatch) {
        let renewed = std::mem::take(&mut self.renewed) || tick.full;
        // With one app inside, each tick brings news of it; else only an answer does.
        let asked = self.division.needs_usage();
        if !renewed && asked {
            return;
        }
        let apps = self.containers.values().filter(|one| one.state.is_app()).count();
        for (id, nanos) in self.division.charged() {
            let Some(container) = self.containers.get_mut(id) else { continue };
            // The sentry does not tell whose memory it is where there are several.
            let memory = self.memory.filter(|_| apps == 1 && container.state.is_app());
            let usage = Usage {
                depth: if renewed { Depth::Full } else { Depth::Fast },
                cpu: Cpu { usage_nanos: Some(nanos), ..Cpu::default() },
                memory: Memory { usage: memory, working_set: memory, ..Memory::default() },
                ..Usage::default()
            };
            container.template.write(&usage, tick.now, batch);
        }
        if renewed {
            self.write_extra(used, tick.now, batch);
        }
    }

    fn write_extra(&mut self, used: Option<u64>, now: Timestamp, batch: &mut WriteBatch) {
        if let (Some(app), Some(used)) = (self.memory, used) {
            // The sentry's word counts up to what the host has seen.
            let app = app.min(used);
            self.extra.set("sandbox_memory_app_bytes", app as f64);
            self.extra.set("sandbox_memory_overhead_bytes", (used - app) as f64);
        }
        self.extra.set("sandbox_cpu_undivided_seconds", self.division.pending() as f64 / 1e9);
        self.extra.set("sandbox_questions_failed_total", self.failed as f64);
        self.extra.set("sandbox_answers_rejected_total", self.rejected as f64);
        self.extra.write(now, batch);
    }

    /// Ends every series.
    pub(super) fn write_stale(mut self, now: Timestamp, batch: &mut WriteBatch) {
        self.template.write_stale(now, batch);
        for container in self.containers.values_mut() {
            container.template.write_stale(now, batch);
        }
        self.extra.write_stale(now, batch);
    }
}
