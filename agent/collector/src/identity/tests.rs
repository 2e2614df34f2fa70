//! Tests of what paths tell.

use proptest::prelude::*;

use super::{Identity, Kind, QosClass, Runtime, classify};

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const UID: &str = "0f3a2f5e-6b0e-4c6e-9c1a-0123456789ab";
const STATIC_UID: &str = "0123456789abcdef0123456789abcdef";

fn pod(qos: QosClass) -> Identity {
    Identity {
        kind: Kind::Pod,
        qos: Some(qos),
        pod_uid: Some(UID.to_owned()),
        ..Identity::default()
    }
}

fn in_pod(qos: QosClass, runtime: Option<Runtime>) -> Identity {
    Identity { kind: Kind::Container, runtime, container_id: Some(ID.to_owned()), ..pod(qos) }
}

fn container(runtime: Option<Runtime>) -> Identity {
    let container_id = Some(ID.to_owned());
    Identity { kind: Kind::Container, runtime, container_id, ..Identity::default() }
}

fn unit(kind: Kind, name: &str) -> Identity {
    Identity { kind, unit: Some(name.to_owned()), ..Identity::default() }
}

fn with_unit(identity: Identity, name: &str) -> Identity {
    Identity { unit: Some(name.to_owned()), ..identity }
}

/// Writes `UID`, `UID_` (with underscores) and `ID` into a path.
fn path(pattern: &str) -> String {
    pattern.replace("UID_", &UID.replace('-', "_")).replace("UID", UID).replace("ID", ID)
}

#[test]
fn kubernetes_with_the_cgroupfs_driver() {
    use QosClass::{BestEffort, Burstable, Guaranteed};
    for (pattern, expect) in [
        ("/kubepods/burstable/podUID/ID", in_pod(Burstable, None)),
        ("/kubepods/besteffort/podUID/ID", in_pod(BestEffort, None)),
        ("/kubepods/podUID/ID", in_pod(Guaranteed, None)),
        ("/kubepods/podUID", pod(Guaranteed)),
        ("/kubepods/burstable/podUID", pod(Burstable)),
        ("/kubepods/burstable/podUID/crio-ID", in_pod(Burstable, Some(Runtime::CriO))),
        ("/nested/kubelet/kubepods/podUID/ID", in_pod(Guaranteed, None)),
        ("/docker/ID/kubelet/kubepods/podUID/ID", container(Some(Runtime::Docker))),
        ("/kubepods/podUID/ID/own/group", in_pod(Guaranteed, None)),
        (
            "/kubepods/burstable",
            Identity { kind: Kind::Slice, qos: Some(Burstable), ..Identity::default() },
        ),
        ("/kubepods", Identity { kind: Kind::Slice, ..Identity::default() }),
    ] {
        assert_eq!(classify(&path(pattern)), expect, "{pattern}");
    }
    let static_pod = classify(&format!("/kubepods/burstable/pod{STATIC_UID}/{ID}"));
    assert_eq!(static_pod.pod_uid.as_deref(), Some(STATIC_UID));
    assert_eq!(static_pod.kind, Kind::Container);
}

#[test]
fn kubernetes_with_the_systemd_driver() {
    use QosClass::{BestEffort, Burstable, Guaranteed};
    for (pattern, expect, unit) in [
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podUID_.slice/cri-containerd-ID.scope",
            in_pod(Burstable, Some(Runtime::Containerd)),
            "cri-containerd-ID.scope",
        ),
        (
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podUID_.slice/crio-ID.scope",
            in_pod(BestEffort, Some(Runtime::CriO)),
            "crio-ID.scope",
        ),
        (
            "/kubepods.slice/kubepods-podUID_.slice/docker-ID.scope",
            in_pod(Guaranteed, Some(Runtime::Docker)),
            "docker-ID.scope",
        ),
        ("/kubepods.slice/kubepods-podUID_.slice", pod(Guaranteed), "kubepods-podUID_.slice"),
        (
            "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-podUID_.slice/cri-containerd-ID.scope",
            in_pod(Burstable, Some(Runtime::Containerd)),
            "cri-containerd-ID.scope",
        ),
        (
            "/system.slice/containerd.service/kubepods-burstable-podUID_.slice:cri-containerd:ID",
            Identity { qos: None, pod_uid: None, ..in_pod(Burstable, Some(Runtime::Containerd)) },
            "containerd.service",
        ),
    ] {
        assert_eq!(classify(&path(pattern)), with_unit(expect, &path(unit)), "{pattern}");
    }
    let conmon = path("/kubepods.slice/kubepods-podUID_.slice/crio-conmon-ID.scope");
    assert_eq!(classify(&conmon).kind, Kind::Helper);
    assert_eq!(classify(&conmon).container_id, None);
}

#[test]
fn containers_without_kubernetes() {
    for (pattern, expect) in [
        ("/docker/ID", container(Some(Runtime::Docker))),
        (
            "/system.slice/docker-ID.scope",
            with_unit(container(Some(Runtime::Docker)), &path("docker-ID.scope")),
        ),
        (
            "/machine.slice/libpod-ID.scope/container",
            with_unit(container(Some(Runtime::Podman)), &path("libpod-ID.scope")),
        ),
        ("/default/ID", container(None)),
        ("/some/where/ID", container(None)),
        ("/docker", Identity { kind: Kind::Slice, ..Identity::default() }),
    ] {
        assert_eq!(classify(&path(pattern)), expect, "{pattern}");
    }
    assert_eq!(classify("/docker/0123456789ab").container_id.as_deref(), Some("0123456789ab"));
    assert_eq!(classify("/plain/0123456789ab").kind, Kind::Plain);
}

#[test]
fn units_and_plain_groups() {
    for (path, expect) in [
        ("/", Identity { kind: Kind::Root, ..Identity::default() }),
        ("", Identity { kind: Kind::Root, ..Identity::default() }),
        ("/system.slice", unit(Kind::Slice, "system.slice")),
        ("/system.slice/nginx.service", unit(Kind::Unit, "nginx.service")),
        ("/user.slice/user-0.slice/session-1.scope", unit(Kind::Unit, "session-1.scope")),
        ("/tidewatch/shop", Identity::default()),
        ("/podcast/podium", Identity::default()),
    ] {
        assert_eq!(classify(path), expect, "{path}");
    }
}

proptest! {
    #[test]
    fn no_path_makes_it_panic(path in "(/[a-z0-9:._-]{0,70}|/pod|/kubepods|:|-|\\PC){0,8}") {
        let identity = classify(&path);
        prop_assert_eq!(identity.kind == Kind::Container, identity.container_id.is_some());
        prop_assert!(identity.kind != Kind::Pod || identity.pod_uid.is_some());
    }
}
