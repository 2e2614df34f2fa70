//! The sample platform: three tenants with two apps each, eight instances in all.

use std::{
    ffi::OsString,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use model::{
    event::Target,
    tenant::{InvalidTenant, TenantId},
};
use serde::{Deserialize, Serialize};
use supervisor::spec::Spec;

use crate::{
    fault::{CONTROL_SOCKET, CRASH_LOOP_FILE, Fault},
    proxy::Upstream,
    traffic::AppProfile,
};

/// Bytes of memory that an instance may use, unless configured otherwise.
pub const MEMORY_LIMIT_DEFAULT: u64 = 64 * 1024 * 1024;
/// Where every instance answers probes.
pub const PROBE_PATH: &str = "/healthz";

/// Longest path of a Unix socket, in bytes, without the final zero (unix(7)).
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// What kind of app it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Personality {
    /// Renders pages from a cache of items; the most traffic.
    Shop,
    /// Small JSON answers and some writes.
    Api,
    /// Works in the background, writes to disk, and is seldom asked anything.
    Worker,
}

impl Personality {
    pub fn name(self) -> &'static str {
        match self {
            Self::Shop => "shop",
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Shop, Self::Api, Self::Worker].into_iter().find(|known| known.name() == name)
    }

    /// Mean requests per second and app; the fleet's add up to about 45.
    pub fn rate(self) -> f64 {
        match self {
            Self::Shop => 14.0,
            Self::Api => 8.0,
            Self::Worker => 1.0,
        }
    }
}

/// One app of the sample platform.
#[derive(Clone, Copy, Debug)]
struct App {
    tenant: &'static str,
    app: &'static str,
    component: &'static str,
    personality: Personality,
    instances: usize,
}

const APPS: [App; 6] = [
    App {
        tenant: "acme",
        app: "storefront",
        component: "web",
        personality: Personality::Shop,
        instances: 2,
    },
    App {
        tenant: "acme",
        app: "checkout",
        component: "api",
        personality: Personality::Api,
        instances: 1,
    },
    App {
        tenant: "globex",
        app: "catalog",
        component: "api",
        personality: Personality::Api,
        instances: 2,
    },
    App {
        tenant: "globex",
        app: "mailer",
        component: "worker",
        personality: Personality::Worker,
        instances: 1,
    },
    App {
        tenant: "initech",
        app: "portal",
        component: "web",
        personality: Personality::Shop,
        instances: 1,
    },
    App {
        tenant: "initech",
        app: "reports",
        component: "worker",
        personality: Personality::Worker,
        instances: 1,
    },
];

/// Which instance suffers what, in the order in which it is shown.
const FAULTS: [(Fault, &str); 4] = [
    (Fault::Hang, "storefront-0"),
    (Fault::Errors, "catalog-0"),
    (Fault::Leak, "reports-0"),
    (Fault::CrashLoop, "mailer-0"),
];

/// How to make a fleet.
#[derive(Clone, Debug)]
pub struct FleetConfig {
    /// The node's name in every target.
    pub node: String,
    /// The program that runs [`crate::sample_app::main`].
    pub program: PathBuf,
    /// The arguments that come before the sample app's own.
    pub args: Vec<OsString>,
    /// Where each instance gets a directory of its own.
    pub state_dir: PathBuf,
    /// Bytes per instance.
    pub memory_limit: u64,
}

/// One instance.
#[derive(Clone, Debug)]
pub struct Member {
    pub target: Target,
    pub personality: Personality,
    /// On 127.0.0.1; the same over all its runs.
    pub port: u16,
    pub probe_path: String,
    /// Bytes.
    pub memory_limit: u64,
    pub state_dir: PathBuf,
    /// The socket on which it takes faults.
    pub control: PathBuf,
    program: PathBuf,
    args: Vec<OsString>,
}

#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    #[error("cannot find a free port")]
    Port(#[source] io::Error),
    #[error("cannot create the state directory {path}")]
    State {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The kernel takes no longer address.
    #[error(
        "the state directory's name is too long: the path of a socket in it, {path}, exceeds {SOCKET_PATH_BYTES_MAX} bytes"
    )]
    SocketPath { path: PathBuf },
    #[error(transparent)]
    Tenant(#[from] InvalidTenant),
}

/// The sample platform's instances.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub members: Vec<Member>,
}

impl Fleet {
    /// Chooses ports and makes the state directories.
    pub fn new(config: &FleetConfig) -> Result<Self, FleetError> {
        let count = APPS.iter().map(|app| app.instances).sum();
        let mut ports = free_ports(count).map_err(FleetError::Port)?.into_iter();
        let mut members = Vec::with_capacity(count);
        for app in APPS {
            for (number, port) in (0..app.instances).zip(&mut ports) {
                members.push(Member::new(config, app, number, port)?);
            }
        }
        Ok(Self { members })
    }

    pub fn member(&self, target: &Target) -> Option<&Member> {
        self.members.iter().find(|member| member.target == *target)
    }

    /// The faults to show, each with its instance.
    pub fn faults(&self) -> Vec<(Fault, Target)> {
        let find =
            |instance: &str| self.members.iter().find(|member| member.target.instance == instance);
        let faults = FAULTS.into_iter();
        faults.filter_map(|(fault, name)| Some((fault, find(name)?.target.clone()))).collect()
    }

    /// The instances as the proxy wants them.
    pub fn upstreams(&self) -> Vec<Upstream> {
        let upstream = |m: &Member| Upstream { target: m.target.clone(), address: m.address() };
        self.members.iter().map(upstream).collect()
    }

    /// The apps as the traffic wants them.
    pub fn profiles(&self) -> Vec<AppProfile> {
        let profile = |(tenant, app, personality): (_, _, Personality)| AppProfile {
            tenant,
            app,
            personality,
            rate: personality.rate(),
        };
        self.apps().into_iter().map(profile).collect()
    }

    /// Each app once: tenant, app and what kind it is.
    pub fn apps(&self) -> Vec<(TenantId, String, Personality)> {
        let mut apps: Vec<_> = self
            .members
            .iter()
            .map(|m| (m.target.tenant.clone(), m.target.app.clone(), m.personality))
            .collect();
        apps.dedup();
        apps
    }
}

impl Member {
    fn new(config: &FleetConfig, app: App, number: usize, port: u16) -> Result<Self, FleetError> {
        let instance = format!("{}-{number}", app.app);
        let state_dir = config.state_dir.join(&instance);
        let control = state_dir.join(CONTROL_SOCKET);
        if control.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            return Err(FleetError::SocketPath { path: control });
        }
        prepare(&state_dir)
            .map_err(|source| FleetError::State { path: state_dir.clone(), source })?;
        Ok(Self {
            target: Target {
                tenant: TenantId::new(app.tenant)?,
                app: app.app.to_owned(),
                component: app.component.to_owned(),
                instance,
                node: config.node.clone(),
            },
            personality: app.personality,
            port,
            probe_path: PROBE_PATH.to_owned(),
            memory_limit: config.memory_limit,
            control,
            state_dir,
            program: config.program.clone(),
            args: config.args.clone(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// What the supervisor is to run.
    pub fn spec(&self) -> Spec {
        let mut args = self.args.clone();
        let own: [(&str, OsString); 4] = [
            ("--name", self.target.instance.clone().into()),
            ("--personality", self.personality.name().into()),
            ("--port", self.port.to_string().into()),
            ("--state-dir", self.state_dir.clone().into()),
        ];
        args.extend(own.into_iter().flat_map(|(name, value)| [name.into(), value]));
        Spec {
            target: self.target.clone(),
            command: self.program.clone(),
            args,
            env: Vec::new(),
            working_dir: None,
            memory_limit: Some(self.memory_limit),
        }
    }
}

/// Makes an instance's directory and removes what an earlier fleet may have left there: a new fleet
/// is healthy.
fn prepare(state_dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(state_dir)?;
    match std::fs::remove_file(state_dir.join(CRASH_LOOP_FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// How far below the ephemeral ports ours are looked for.
const PORT_SPAN: u16 = 12_000;

/// Distinct ports on 127.0.0.1 that are free now. They lie below the range that the kernel hands to
/// outgoing connections, because one of those might otherwise take an instance's port while it is
/// being restarted.
fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let first_ephemeral = first_ephemeral_port().unwrap_or(32_768);
    let low = first_ephemeral.saturating_sub(PORT_SPAN).max(1024);
    let span = u32::from(first_ephemeral.saturating_sub(low));
    // Processes that start together look in different places.
    let start = std::process::id().wrapping_mul(97);
    let mut listeners = Vec::with_capacity(count);
    for offset in 0..span {
        if listeners.len() == count {
            break;
        }
        let port = u32::from(low) + (start.wrapping_add(offset)) % span;
        let port = u16::try_from(port).unwrap_or(low);
        listeners.extend(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    }
    while listeners.len() < count {
        listeners.push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?);
    }
    listeners.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

/// The lower end of the range in `/proc/sys/net/ipv4/ip_local_port_range` (ip(7)).
fn first_ephemeral_port() -> Option<u16> {
    #[expect(clippy::disallowed_methods, reason = "the kernel's settings are not on a disk")]
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    range.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests;
