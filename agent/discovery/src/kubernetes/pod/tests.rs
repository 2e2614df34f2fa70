//! Labels of pods.

use serde_json::json;

use super::*;

fn shown(labels: &LabelSet) -> Vec<String> {
    labels
        .iter()
        .map(|(name, value)| format!("{}={value}", name.trim_start_matches("__meta_kubernetes_")))
        .collect()
}

fn web_pod() -> Pod {
    let pod = serde_json::from_value(json!({
        "metadata": {
            "name": "web-1", "namespace": "shop", "uid": "u-1",
            "labels": { "app.kubernetes.io/name": "web" },
            "annotations": { "prometheus.io/scrape": "true", "prometheus.io/port": "9100" },
            "ownerReferences": [
                { "apiVersion": "v1", "kind": "Other", "name": "o", "uid": "x" },
                { "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "y", "controller": true },
            ],
        },
        "spec": {
            "nodeName": "n1",
            "containers": [
                { "name": "app", "image": "app:1", "ports": [
                    { "name": "http", "containerPort": 80, "protocol": "TCP" },
                    { "containerPort": 81 },
                ] },
                { "name": "side" },
            ],
            "initContainers": [{ "name": "init" }],
        },
        "status": {
            "podIP": "fd00::1", "hostIP": "10.1.1.1", "phase": "Running",
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [{
                "name": "app", "containerID": "containerd://abc", "image": "", "imageID": "",
                "ready": true, "restartCount": 0,
            }],
        },
    }));
    pod.expect("is a pod")
}

#[test]
fn each_port_is_a_target_and_the_pod_says_the_rest() {
    let group = group(&web_pod());
    let targets: Vec<Vec<String>> = group.targets.iter().map(shown).collect();
    assert_eq!(
        targets,
        [
            vec![
                "__address__=[fd00::1]:80",
                "pod_container_id=containerd://abc",
                "pod_container_image=app:1",
                "pod_container_init=false",
                "pod_container_name=app",
                "pod_container_port_name=http",
                "pod_container_port_number=80",
                "pod_container_port_protocol=TCP",
            ],
            vec![
                "__address__=[fd00::1]:81",
                "pod_container_id=containerd://abc",
                "pod_container_image=app:1",
                "pod_container_init=false",
                "pod_container_name=app",
                "pod_container_port_number=81",
                "pod_container_port_protocol=TCP",
            ],
            vec!["__address__=fd00::1", "pod_container_init=false", "pod_container_name=side"],
            vec!["__address__=fd00::1", "pod_container_init=true", "pod_container_name=init"],
        ]
    );
    assert_eq!(
        shown(&group.labels),
        [
            "namespace=shop",
            "pod_annotation_prometheus_io_port=9100",
            "pod_annotation_prometheus_io_scrape=true",
            "pod_annotationpresent_prometheus_io_port=true",
            "pod_annotationpresent_prometheus_io_scrape=true",
            "pod_controller_kind=ReplicaSet",
            "pod_controller_name=web",
            "pod_host_ip=10.1.1.1",
            "pod_ip=fd00::1",
            "pod_label_app_kubernetes_io_name=web",
            "pod_labelpresent_app_kubernetes_io_name=true",
            "pod_name=web-1",
            "pod_node_name=n1",
            "pod_phase=Running",
            "pod_ready=true",
            "pod_uid=u-1",
        ]
    );
}

#[test]
fn a_pod_without_an_address_has_no_targets() {
    assert_eq!(group(&Pod::default()), Group::default());
}
