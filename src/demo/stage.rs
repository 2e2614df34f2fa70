//! Sets the stage: sample apps under supervision, the proxy before them, their users, and the whole
//! system watching.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use agent::{Access, LocalProbe, Supervision, Workload};
use demo::{
    fleet::{Fleet, FleetConfig, MEMORY_LIMIT_DEFAULT, Member},
    proxy::{AccessEntry, Proxy, ProxyConfig, Timeouts},
    traffic::{Traffic, TrafficConfig},
};
use model::tenant::TenantId;
use probe::spec::{Check, Draft, HttpGet, Purpose, Spec};
use supervisor::{placement::Placement, spec::Shim};
use tokio::sync::mpsc;

use crate::{
    cli,
    config::Config,
    daemons,
    exit::Failure,
    local::{Local, Options},
    up,
};

/// Finished requests that may wait for the agent; it takes them each second.
const ACCESSES_MAX: usize = 100_000;
/// How long a sample app has to end by itself before it is killed.
const GRACE: Duration = Duration::from_millis(500);
/// The same traffic each time.
const SEED: u64 = 1;

/// Everything that plays in the demo.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) local: Local,
    pub(super) fleet: Fleet,
    pub(super) traffic: Traffic,
    pub(super) proxy: Proxy,
    _telemetry: daemon::telemetry::Guard,
}

impl Stage {
    pub(super) async fn set(options: &cli::Demo, data_dir: &Path) -> Result<Self, Failure> {
        let mut config = Config::load(None)?;
        config.telemetry.log = up::quiet(config.telemetry.log);
        let telemetry = daemons::init("tidewatch-demo", &config)?;
        // The host is not what is shown here, and its cgroups would crowd the page.
        config.agent.cgroups.enabled = false;
        config.agent.containers.enabled = false;
        config.agent.sandboxes.enabled = false;
        config.agent.node_metrics = false;
        config.agent.node = "demo".to_owned();
        if options.script {
            impatient(&mut config);
        }
        let program = std::env::current_exe().map_err(|error| {
            Failure::failed(format!("cannot find this program to start it again: {error}"))
        })?;
        let fleet = Fleet::new(&FleetConfig {
            node: config.agent.node.clone(),
            program: program.clone(),
            args: vec!["sample-app".into()],
            state_dir: data_dir.join("apps"),
            memory_limit: MEMORY_LIMIT_DEFAULT,
        })
        .map_err(|error| Failure::failed(daemon::telemetry::chain(&error)))?;
        let (accesses, accesses_out) = mpsc::channel(ACCESSES_MAX);
        let workload = Workload {
            supervision: Some(Supervision {
                shim: Shim { program, args: vec!["shim".into()] },
                specs: fleet.members.iter().map(Member::spec).collect(),
                grace: GRACE,
            }),
            probes: fleet.members.iter().map(probe_of).collect::<Result<_, _>>()?,
            accesses: Some(accesses_out),
            ..Workload::default()
        };
        let listen = options.listen.unwrap_or(if options.script {
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
        } else {
            up::LISTEN
        });
        let local = Local::start(Options {
            config,
            listen,
            data_dir: data_dir.to_owned(),
            tenants: tenants_of(&fleet),
            workload,
        })
        .await?;
        let proxy = Proxy::start(ProxyConfig {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            upstreams: fleet.upstreams(),
            timeouts: Timeouts::default(),
            sink: Arc::new(move |entry| hand_over(&accesses, entry)),
        })
        .await
        .map_err(|error| Failure::failed(format!("cannot start the proxy: {error}")))?;
        let traffic = Traffic::start(TrafficConfig {
            proxy: proxy.address(),
            apps: fleet.profiles(),
            seed: SEED,
        });
        Ok(Self { local, fleet, traffic, proxy, _telemetry: telemetry })
    }

    /// Where the sample apps' numbers come from, for a person.
    pub(super) fn placement(&self) -> String {
        let Some(supervisor) = self.local.agent.supervisor() else {
            return "none".to_owned();
        };
        let instances = supervisor.instances();
        let in_cgroups =
            |instance: &supervisor::Instance| matches!(instance.placement, Placement::Cgroup(_));
        let cgroups = instances.iter().filter(|instance| in_cgroups(instance)).count();
        let placed = if cgroups == instances.len() {
            "each process in a cgroup of its own".to_owned()
        } else {
            format!(
                "{cgroups} of {} processes in cgroups, the others read from /proc",
                instances.len()
            )
        };
        match supervisor.notice() {
            None => placed,
            Some(notice) => format!("{placed}; notice: {notice}"),
        }
    }

    /// Sends the users home first, so that nobody meets a closed door.
    pub(super) async fn strike(self) -> Result<(), Failure> {
        self.traffic.stop().await;
        drop(self.proxy);
        self.local.shut_down().await
    }
}

/// A script is in more of a hurry than a person.
fn impatient(config: &mut Config) {
    use daemon::config::values::HumanDuration;
    config.alerting.restarts.settle = HumanDuration(Duration::from_secs(2));
    config.alerting.restarts.verify_within = HumanDuration(Duration::from_secs(15));
}

fn tenants_of(fleet: &Fleet) -> Vec<TenantId> {
    let mut tenants: Vec<TenantId> =
        fleet.apps().into_iter().map(|(tenant, _app, _personality)| tenant).collect();
    tenants.dedup();
    tenants
}

fn probe_of(member: &Member) -> Result<LocalProbe, Failure> {
    let get = HttpGet::new(member.port, &member.probe_path);
    let spec = Spec::new(Draft::new(Purpose::Liveness, Check::Http(get)))
        .map_err(|error| Failure::failed(format!("the demo's probe is invalid: {error}")))?;
    Ok(LocalProbe { target: member.target.clone(), spec })
}

/// Never blocks the proxy. What finds the queue full is lost to the statistics and said so.
fn hand_over(accesses: &mpsc::Sender<Access>, entry: &AccessEntry) {
    let access = Access {
        target: Arc::clone(&entry.target),
        route: entry.route.clone(),
        method: entry.method.clone(),
        code: entry.code,
        duration: entry.duration,
        request_bytes: entry.bytes_in,
        response_bytes: entry.bytes_out,
    };
    if accesses.try_send(access).is_err() {
        tracing::error!("a request was not counted: too many wait");
    }
}
