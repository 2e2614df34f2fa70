//! What is known of a container and of its pod.

use std::collections::BTreeMap;

use model::time::Timestamp;

use crate::mapping::Owner;

/// Labels or annotations.
pub type Keys = BTreeMap<String, String>;

/// Who says something, from the least to the most trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The path of a cgroup.
    Cgroup,
    /// The events and lists of containerd itself.
    Containerd,
    /// The runtime through CRI.
    Cri,
    /// The API server's pods of this node.
    ApiServer,
}

impl Source {
    pub const ALL: [Self; 4] = [Self::Cgroup, Self::Containerd, Self::Cri, Self::ApiServer];
}

/// How far a container has come. An identifier is never used twice, so it only goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    #[default]
    Unknown,
    Created,
    Running,
    Exited,
}

/// A container's life so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub phase: Phase,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    /// The exit code, 128 and the signal where one killed it.
    pub code: Option<i32>,
    /// The runtime's word for how it ended (`Completed`, `Error`, `OOMKilled`).
    pub reason: String,
    /// Killed for want of memory.
    pub oom: bool,
}

/// A pod as a source describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    pub uid: String,
    pub name: String,
    pub namespace: String,
    pub labels: Keys,
    pub annotations: Keys,
}

/// A container as a source describes it. What is empty the source does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub pod_uid: String,
    pub pod_name: String,
    pub namespace: String,
    /// The container that holds the pod's namespaces; the pod is known by it too.
    pub sandbox: String,
    /// The container's name in its pod.
    pub name: String,
    pub image: String,
    /// How often the container of this name was started before, kubelet's restart count.
    pub attempt: Option<u32>,
    pub labels: Keys,
    pub annotations: Keys,
    /// The path of its cgroup, where the source knows it.
    pub cgroup: String,
    /// Bytes of memory that it may use, where it is limited.
    pub memory_limit: Option<u64>,
    pub state: State,
}

/// What all sources together say of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    pub id: String,
    pub facts: Facts,
    pub owner: Owner,
}
