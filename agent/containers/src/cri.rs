//! Kubernetes' Container Runtime Interface and containerd's own events, over one socket.
//!
//! Source of the messages: `runtime/v1/api.proto` of Kubernetes' cri-api, `services/events/v1` and
//! `events/task.proto` of containerd's API.

pub mod message;
pub mod task;

use std::path::Path;

use bytes::Bytes;
use wire::protobuf::writer::{put_message, put_string, put_varint};

use crate::{
    container::{Facts, Pod},
    cri::message::{Status, containers, sandboxes},
    grpc::{CallError, Channel, Messages},
};

const RUNTIME: &str = "/runtime.v1.RuntimeService/";
const SUBSCRIBE: &str = "/containerd.services.events.v1.Events/Subscribe";
/// containerd's namespace for Kubernetes.
pub const NAMESPACE: &str = "k8s.io";

/// A container runtime that speaks CRI.
#[derive(Debug)]
pub struct Runtime {
    channel: Channel,
}

/// The one or all.
fn by_id(id: Option<&str>) -> Vec<u8> {
    let mut request = Vec::new();
    if let Some(id) = id {
        put_message(&mut request, 1, |filter| put_string(filter, 1, id));
    }
    request
}

impl Runtime {
    pub async fn connect(socket: &Path) -> Result<Self, CallError> {
        Ok(Self { channel: Channel::connect(socket).await? })
    }

    /// Any call of the runtime service.
    pub async fn call(&self, method: &str, request: &[u8]) -> Result<Bytes, CallError> {
        self.channel.call(&format!("{RUNTIME}{method}"), request).await
    }

    /// All containers that the runtime knows, without the pods' sandboxes.
    pub async fn containers(&self) -> Result<Vec<(String, Facts)>, CallError> {
        let reply = self.call("ListContainers", &[]).await?;
        containers(&reply).map_err(|_corrupt| CallError::Malformed("ListContainers"))
    }

    /// The pods, each with the identifier of its sandbox; only that one where it is given.
    pub async fn pods(
        &self,
        sandbox: Option<&str>,
    ) -> Result<Vec<(String, Facts, Pod)>, CallError> {
        let reply = self.call("ListPodSandbox", &by_id(sandbox)).await?;
        sandboxes(&reply).map_err(|_corrupt| CallError::Malformed("ListPodSandbox"))
    }

    /// How one container is, with the place of its cgroup where the runtime tells it.
    pub async fn status(&self, id: &str) -> Result<Status, CallError> {
        let mut request = Vec::new();
        put_string(&mut request, 1, id);
        put_varint(&mut request, 2, 1);
        let reply = self.call("ContainerStatus", &request).await?;
        Status::decode(&reply).map_err(|_corrupt| CallError::Malformed("ContainerStatus"))
    }

    /// What CRI tells of changes: [`message::event`] reads them.
    pub async fn cri_events(&self) -> Result<Messages, CallError> {
        self.channel.stream(&format!("{RUNTIME}GetContainerEvents"), &[], &[]).await
    }

    /// What containerd tells of tasks: [`task::event`] reads them.
    pub async fn task_events(&self) -> Result<Messages, CallError> {
        let mut request = Vec::new();
        for topic in ["/tasks/start", "/tasks/exit", "/tasks/oom", "/containers/delete"] {
            put_string(&mut request, 1, &format!("topic==\"{topic}\",namespace=={NAMESPACE}"));
        }
        self.channel.stream(SUBSCRIBE, &request, &[("containerd-namespace", NAMESPACE)]).await
    }
}
