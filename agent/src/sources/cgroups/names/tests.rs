//! Names by what is known, and by the path where nothing is.

use collector::identity::classify;
use containers::{
    container::{Facts, Pod, Source},
    mapping::Mapping,
    registry::Registry,
};
use model::{tenant::TenantId, time::Timestamp};

use super::Names;

const UID: &str = "0a1b2c3d-0000-4000-8000-000000000001";

#[test]
fn what_is_known_comes_before_the_path() {
    let id = "ab".repeat(32);
    let host = TenantId::new("host").unwrap();
    let path = format!("/kubepods/burstable/pod{UID}/{id}");
    let pod_path = format!("/kubepods/burstable/pod{UID}");
    let mut registry = Registry::new(Mapping::default(), Timestamp(0));
    let of =
        |registry: &Registry, path: &str| Names::of(path, &classify(path), Some(registry), &host);
    assert!(of(&registry, &path).expected, "a runtime may be about to answer");
    registry.settle();
    let names = of(&registry, &path);
    assert_eq!((&*names.tenant, &*names.app, names.expected), ("host", UID, false));
    assert_eq!(names, Names::of(&path, &classify(&path), None, &host));

    let pod = Pod {
        uid: UID.to_owned(),
        name: "web-0".to_owned(),
        namespace: "shop".to_owned(),
        labels: [("app.kubernetes.io/name".to_owned(), "web".to_owned())].into(),
        ..Pod::default()
    };
    registry.tell_pod(Source::Cri, pod);
    assert!(of(&registry, &path).expected, "the runtime will tell of it");
    let facts = Facts {
        pod_uid: UID.to_owned(),
        name: "nginx".to_owned(),
        image: "nginx:1".to_owned(),
        ..Facts::default()
    };
    registry.tell(Source::Cri, &id, facts);
    let names = of(&registry, &path);
    assert_eq!((&*names.tenant, &*names.app, names.expected), ("shop", "web", false));
    assert_eq!((&*names.instance, &*names.container, &*names.pod), ("web-0", "nginx", "web-0"));
    assert_eq!((&*names.namespace, &*names.image, &*names.name), ("shop", "nginx:1", &*id));
    let below = of(&registry, &format!("{path}/made/inside"));
    assert_eq!((&*below.tenant, &*below.app, &*below.container), ("shop", "", ""));
    assert_eq!(&*below.pod, "web-0");
    // A pod's group holds those of its containers: it is the tenant's, and no app's.
    let names = of(&registry, &pod_path);
    assert_eq!((&*names.tenant, &*names.app, &*names.pod), ("shop", "", "web-0"));
    let names = of(&registry, "/system.slice/nginx.service");
    assert_eq!((&*names.tenant, &*names.app), ("host", "nginx.service"));
}
