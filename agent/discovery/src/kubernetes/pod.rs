//! A pod as a group of targets: one for each port of each container, or one for a container without
//! ports.
//!
//! Source of the labels: Prometheus' configuration documentation, `kubernetes_sd_config`, role `pod`.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{Container, ContainerStatus, Pod},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use scrape::{
    group::{ADDRESS, Group},
    labels::LabelSet,
};

pub(super) const META: &str = "__meta_kubernetes_";

/// The targets of a pod; none while it has no address.
pub(super) fn group(pod: &Pod) -> Group {
    let status = pod.status.clone().unwrap_or_default();
    let Some(ip) = status.pod_ip.filter(|ip| !ip.is_empty()) else { return Group::default() };
    let spec = pod.spec.clone().unwrap_or_default();
    let mut targets = Vec::new();
    let statuses = status.container_statuses.unwrap_or_default();
    let init_statuses = status.init_container_statuses.unwrap_or_default();
    let init = spec.init_containers.unwrap_or_default();
    let containers = spec.containers.iter().map(|container| (container, &statuses, false));
    let all = containers.chain(init.iter().map(|container| (container, &init_statuses, true)));
    for (container, statuses, is_init) in all {
        add_container(container, statuses, is_init, &ip, &mut targets);
    }
    Group { targets, labels: labels(pod, &ip) }
}

fn add_container(
    container: &Container,
    statuses: &[ContainerStatus],
    is_init: bool,
    ip: &str,
    targets: &mut Vec<LabelSet>,
) {
    let mut common = LabelSet::default();
    let mut set =
        |name: &str, value: &str| common.set(format!("{META}pod_container_{name}"), value);
    set("name", &container.name);
    set("image", container.image.as_deref().unwrap_or_default());
    set("init", if is_init { "true" } else { "false" });
    let status = statuses.iter().find(|status| status.name == container.name);
    let id = status.and_then(|status| status.container_id.as_deref());
    set("id", id.unwrap_or_default());
    let ports = container.ports.as_deref().unwrap_or_default();
    if ports.is_empty() {
        common.set(ADDRESS, ip);
        targets.push(common);
        return;
    }
    for port in ports {
        let mut target = common.clone();
        let number = port.container_port.to_string();
        let host = if ip.contains(':') { format!("[{ip}]") } else { ip.to_owned() };
        target.set(ADDRESS, format!("{host}:{number}"));
        let mut set = |name: &str, value: &str| {
            target.set(format!("{META}pod_container_port_{name}"), value);
        };
        set("number", &number);
        set("name", port.name.as_deref().unwrap_or_default());
        set("protocol", port.protocol.as_deref().unwrap_or("TCP"));
        targets.push(target);
    }
}

/// The job that runs the pod, if a job does.
pub(super) fn job_name(pod: &Pod) -> Option<&str> {
    let owner = controller(pod)?;
    (owner.kind == "Job").then_some(owner.name.as_str())
}

fn controller(pod: &Pod) -> Option<&OwnerReference> {
    let owners = pod.metadata.owner_references.as_deref().unwrap_or_default();
    owners.iter().find(|owner| owner.controller == Some(true))
}

fn labels(pod: &Pod, ip: &str) -> LabelSet {
    let mut labels = LabelSet::default();
    let mut set = |name: &str, value: Option<&str>| {
        labels.set(format!("{META}{name}"), value.unwrap_or_default());
    };
    let (metadata, status) = (&pod.metadata, pod.status.as_ref());
    set("namespace", metadata.namespace.as_deref());
    set("pod_name", metadata.name.as_deref());
    set("pod_uid", metadata.uid.as_deref());
    set("pod_ip", Some(ip));
    set("pod_phase", status.and_then(|status| status.phase.as_deref()));
    set("pod_host_ip", status.and_then(|status| status.host_ip.as_deref()));
    set("pod_node_name", pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()));
    let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready");
    let ready = ready.map_or("unknown".to_owned(), |ready| ready.status.to_lowercase());
    set("pod_ready", Some(&ready));
    if let Some(owner) = controller(pod) {
        set("pod_controller_kind", Some(&owner.kind));
        set("pod_controller_name", Some(&owner.name));
    }
    add_object(&mut labels, "pod", metadata);
    labels
}

/// The labels and annotations of an object, as labels of a target.
pub(super) fn add_object(labels: &mut LabelSet, resource: &str, metadata: &ObjectMeta) {
    add_map(labels, resource, "label", metadata.labels.as_ref());
    add_map(labels, resource, "annotation", metadata.annotations.as_ref());
}

fn add_map(
    labels: &mut LabelSet,
    resource: &str,
    kind: &str,
    map: Option<&BTreeMap<String, String>>,
) {
    for (name, value) in map.into_iter().flatten() {
        let name: String = name
            .chars()
            .map(|char| if char.is_ascii_alphanumeric() || char == '_' { char } else { '_' })
            .collect();
        labels.set(format!("{META}{resource}_{kind}_{name}"), value.as_str());
        labels.set(format!("{META}{resource}_{kind}present_{name}"), "true");
    }
}

#[cfg(test)]
mod tests;
