//! What a cgroup's path tells about who made it: Kubernetes pods, containers, systemd units.
//!
//! The path is a hint, not the truth: names come from the container runtime or the API server.
//! Patterns, by kubelet's cgroup driver (any prefix may stand before, as in nested clusters):
//! - cgroupfs: `/kubepods[/burstable|/besteffort]/pod<uid>/<container id>`
//! - systemd: `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid_>.slice/`
//!   `cri-containerd-<id>.scope`, with `_` for `-` in the uid.

/// What kind of thing a group is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The root of the tree: the whole machine.
    Root,
    /// A container of any runtime; [`Identity::container_id`] is set.
    Container,
    /// A pod: [`Identity::pod_uid`] is set, and containers may be below.
    Pod,
    /// Kubernetes' own levels above pods, a systemd slice, a runtime's parent group.
    Slice,
    /// A systemd service, scope or other unit.
    Unit,
    /// Helpers of a container runtime, which belong to no customer.
    Helper,
    #[default]
    Plain,
}

/// Kubernetes' quality of service class of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QosClass {
    Guaranteed,
    Burstable,
    BestEffort,
}

/// The runtime that the name of a container's group betrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Runtime {
    Containerd,
    CriO,
    Docker,
    Podman,
}

/// What the path says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub kind: Kind,
    pub qos: Option<QosClass>,
    /// With dashes as the API server writes it, or 32 hexadecimal digits for static pods.
    pub pod_uid: Option<String>,
    pub container_id: Option<String>,
    pub runtime: Option<Runtime>,
    /// The innermost systemd unit (`nginx.service`, `user.slice`).
    pub unit: Option<String>,
}

/// Runtime names as they stand before a container's identifier.
const PREFIXES: [(&str, Runtime); 4] = [
    ("cri-containerd", Runtime::Containerd),
    ("crio", Runtime::CriO),
    ("docker", Runtime::Docker),
    ("libpod", Runtime::Podman),
];
const HELPERS: [&str; 3] = ["crio-conmon-", "libpod-conmon-", "libpod-payload-conmon-"];
const UNITS: [&str; 5] = [".service", ".scope", ".slice", ".mount", ".socket"];

/// Classifies a path such as `/kubepods/burstable/pod…/…`.
pub fn classify(path: &str) -> Identity {
    let mut identity = Identity::default();
    let mut parent = "";
    let parts = || path.split('/').filter(|part| !part.is_empty());
    if parts().next().is_none() {
        identity.kind = Kind::Root;
        return identity;
    }
    for part in parts() {
        step(&mut identity, parent, part);
        parent = part;
    }
    identity
}

/// Takes one component of the path into account.
fn step(identity: &mut Identity, parent: &str, part: &str) {
    let bare = strip_unit(part);
    if UNITS.iter().any(|suffix| part.ends_with(suffix)) {
        identity.unit = Some(part.to_owned());
    }
    // Below a container lies what its processes made themselves: it stays the container's.
    if identity.kind == Kind::Container || identity.kind == Kind::Helper {
        return;
    }
    if HELPERS.iter().any(|helper| part.starts_with(helper)) {
        identity.kind = Kind::Helper;
        return;
    }
    if let Some((runtime, id)) = container(identity, parent, bare) {
        identity.kind = Kind::Container;
        identity.runtime = runtime;
        identity.container_id = Some(id.to_owned());
        return;
    }
    if identity.kind == Kind::Pod {
        return;
    }
    if let Some(uid) = pod(bare) {
        identity.kind = Kind::Pod;
        identity.pod_uid = Some(uid);
        identity.qos = Some(qos(bare).or(identity.qos).unwrap_or(QosClass::Guaranteed));
        return;
    }
    identity.kind = match () {
        () if is_kubepods(bare) || matches!(part, "docker" | "crio" | "containerd") => Kind::Slice,
        () if qos(bare).is_some() && is_kubepods(strip_unit(parent)) => {
            identity.qos = qos(bare);
            Kind::Slice
        }
        () if part.ends_with(".slice") => Kind::Slice,
        () if bare != part => Kind::Unit,
        () => Kind::Plain,
    };
}

/// `kubepods` itself, with the prefix that nested clusters give it.
fn is_kubepods(bare: &str) -> bool {
    bare == "kubepods" || bare.ends_with("-kubepods")
}

/// A container's identifier and runtime, when this component names a container.
fn container<'a>(
    identity: &Identity,
    parent: &str,
    bare: &'a str,
) -> Option<(Option<Runtime>, &'a str)> {
    for (prefix, runtime) in PREFIXES {
        let id = bare.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
        if let Some(id) = id.filter(|id| is_container_id(id)) {
            return Some((Some(runtime), id));
        }
    }
    // containerd's systemd driver without systemd's own escaping: `<slice>:cri-containerd:<id>`.
    let mut fields = bare.rsplitn(3, ':');
    if let (Some(id), Some(name)) = (fields.next(), fields.next())
        && is_container_id(id)
    {
        let runtime = PREFIXES.iter().find(|(prefix, _)| *prefix == name);
        return Some((runtime.map(|(_, runtime)| *runtime), id));
    }
    if !is_container_id(bare) {
        return None;
    }
    match (parent, identity.kind) {
        ("docker", _) => Some((Some(Runtime::Docker), bare)),
        (_, Kind::Pod) | ("containerd" | "default" | "k8s.io", _) => Some((None, bare)),
        _ if bare.len() == CONTAINER_ID_DIGITS => Some((None, bare)),
        _ => None,
    }
}

const CONTAINER_ID_DIGITS: usize = 64;

/// Hexadecimal digits, 64 for every runtime known; shorter ones (12 or more) are accepted where
/// the place in the path says that a container is meant.
fn is_container_id(text: &str) -> bool {
    (12..=CONTAINER_ID_DIGITS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The pod's uid from `pod<uid>` or `kubepods-burstable-pod<uid_>`.
fn pod(bare: &str) -> Option<String> {
    let start = match bare.strip_prefix("pod") {
        Some(uid) => uid,
        None => {
            let (before, uid) = bare.rsplit_once("-pod")?;
            if !before.contains("kubepods") {
                return None;
            }
            uid
        }
    };
    let uid = start.replace('_', "-");
    is_pod_uid(&uid).then_some(uid)
}

/// A UUID with dashes, or the 32 digits of a static pod.
fn is_pod_uid(uid: &str) -> bool {
    let hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match uid.len() {
        32 => hexadecimal(uid),
        36 => {
            let lengths = [8, 4, 4, 4, 12];
            uid.split('-').count() == lengths.len()
                && uid.split('-').zip(lengths).all(|(part, n)| part.len() == n && hexadecimal(part))
        }
        _ => false,
    }
}

fn qos(bare: &str) -> Option<QosClass> {
    if bare == "burstable" || bare.contains("kubepods-burstable") {
        Some(QosClass::Burstable)
    } else if bare == "besteffort" || bare.contains("kubepods-besteffort") {
        Some(QosClass::BestEffort)
    } else {
        None
    }
}

/// Without systemd's suffix.
fn strip_unit(part: &str) -> &str {
    UNITS.iter().find_map(|suffix| part.strip_suffix(suffix)).unwrap_or(part)
}

#[cfg(test)]
mod tests;
