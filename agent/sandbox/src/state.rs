//! `runsc`'s state files: one for each container, `<container>_sandbox:<sandbox>.state`, in JSON.
//!
//! The format is gVisor's own and not promised to anyone; here are the few fields that versions from
//! 2022 to 2024 share, and all others are ignored. The files are written by `runsc`, which is as
//! trusted as the host, but the annotations in them come from whoever may create pods.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// Larger state files are not read.
pub const STATE_BYTES_MAX: usize = 1 << 20;
/// Longest accepted identifier, in bytes.
pub const ID_BYTES_MAX: usize = 256;
/// Longer annotations are left out.
const ANNOTATION_BYTES_MAX: usize = 256;
/// Annotations that say something about identity.
const ANNOTATIONS: [&str; 4] =
    ["io.kubernetes.cri.", "io.kubernetes.cri-o.", "tidewatch.dev/", "app.kubernetes.io/"];

/// Why a state file tells nothing.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("not a state file as runsc writes it")]
    Malformed(#[from] serde_json::Error),
    #[error("an identifier is empty, too long, or holds '/' or a control character")]
    Identifier,
    /// The container is there, but nothing runs in it.
    #[error("the container has no running sandbox")]
    Ended,
}

/// One container, as `runsc` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub container: String,
    pub sandbox: String,
    /// The sentry's process, on the host.
    pub pid: u32,
    /// Where the control socket is; `None` for versions that use an abstract name.
    pub socket: Option<PathBuf>,
    /// When it was created, as `runsc` wrote it (RFC 3339); tells one life of a name from another.
    pub created: String,
    /// Identity only: what the runtime and the pod say of themselves.
    pub annotations: BTreeMap<String, String>,
    /// The cgroup that `runsc` keeps for tools which look for one; empty of processes.
    pub compat_cgroup: Option<String>,
}

impl State {
    /// Whether it is an app's container, not the one that only holds a pod together.
    pub fn is_app(&self) -> bool {
        let kind = self
            .annotations
            .get("io.kubernetes.cri.container-type")
            .or_else(|| self.annotations.get("io.kubernetes.cri-o.ContainerType"));
        kind.is_none_or(|kind| kind != "sandbox")
    }
}

/// Whether a file of this name is a state file.
pub fn is_state_file(name: &Path) -> bool {
    name.extension().is_some_and(|extension| extension == "state")
}

/// Reads a state file's content.
pub fn parse(content: &[u8]) -> Result<State, StateError> {
    let raw: RawState = serde_json::from_slice(content)?;
    let sandbox = raw.sandbox.ok_or(StateError::Ended)?;
    if !is_id(&raw.id) || !is_id(&sandbox.id) {
        return Err(StateError::Identifier);
    }
    let pid = u32::try_from(sandbox.pid).ok().filter(|pid| *pid > 0);
    let pid = pid.filter(|_| raw.status != "stopped").ok_or(StateError::Ended)?;
    let known = |name: &str| ANNOTATIONS.iter().any(|prefix| name.starts_with(prefix));
    let mut annotations = raw.spec.annotations;
    annotations.retain(|name, value| known(name) && value.len() <= ANNOTATION_BYTES_MAX);
    Ok(State {
        container: raw.id,
        sandbox: sandbox.id,
        pid,
        socket: Some(sandbox.socket).filter(|path| !path.as_os_str().is_empty()),
        created: raw.created,
        annotations,
        compat_cgroup: raw.compat.and_then(|compat| compat.v1).map(|group| group.name),
    })
}

fn is_id(id: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&id.len()) && !id.contains(|c: char| c == '/' || c.is_control())
}

#[derive(Deserialize)]
struct RawState {
    id: String,
    #[serde(default)]
    spec: RawSpec,
    #[serde(default)]
    status: String,
    #[serde(default, rename = "createdAt")]
    created: String,
    sandbox: Option<RawSandbox>,
    #[serde(default, rename = "compatCgroup")]
    compat: Option<RawCompat>,
}

#[derive(Default, Deserialize)]
struct RawSpec {
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RawSandbox {
    id: String,
    #[serde(default)]
    pid: i64,
    #[serde(default, rename = "controlSocketPath")]
    socket: PathBuf,
}

#[derive(Deserialize)]
struct RawCompat {
    #[serde(default, rename = "cgroupv1")]
    v1: Option<RawGroup>,
}

#[derive(Deserialize)]
struct RawGroup {
    name: String,
}

#[cfg(test)]
mod tests;
