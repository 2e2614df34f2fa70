//! Pods of an API server of the test's own reach the registry.

use containers::{container::Source, handle::Containers, mapping::Mapping, registry::Registry};
use daemon::stop::Stop;
use model::time::Timestamp;
use scrape::config::discovery::KubernetesSettings;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{follow_pods, known};
use crate::kubernetes::tests::serve_pods;

/// The uid of a static pod, which is no uid of the API server's.
const STATIC: &str = "0123456789abcdef0123456789abcdef";

fn pod(tenant: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-0", "namespace": "shop", "uid": "mirror", "resourceVersion": "1",
            "labels": { "tidewatch.dev/tenant": tenant },
            "annotations": { "kubernetes.io/config.mirror": STATIC },
        },
        "spec": { "nodeName": "n1", "containers": [] },
        "status": { "containerStatuses": [{
            "name": "nginx", "image": "nginx:1", "imageID": "", "ready": true, "restartCount": 0,
            "containerID": "containerd://c1",
        }] },
    })
}

fn uid_of(pod: Value) -> String {
    known(&serde_json::from_value(pod).unwrap()).0.uid
}

/// The tenant of the container, once it is this.
async fn until_tenant(containers: &Containers, tenant: &str) {
    let waiting = async {
        loop {
            let known = containers.lock().container("c1");
            if known.and_then(|known| known.owner.tenant).is_some_and(|own| own.as_str() == tenant)
            {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let limit = std::time::Duration::from_secs(30);
    tokio::time::timeout(limit, waiting).await.expect("is told of the tenant");
}

#[tokio::test]
async fn labels_of_pods_name_the_owner_of_their_containers() {
    let (tell, events) = mpsc::channel(8);
    let (address, asked) = serve_pods(pod("acme"), events).await;
    let settings = KubernetesSettings {
        api_server: address,
        node: "n1".to_owned(),
        ..KubernetesSettings::default()
    };
    let registry = Registry::new(Mapping::default(), Timestamp(0));
    let (containers, _news) = Containers::new(registry);
    let stop = Stop::default();
    let following = {
        let (containers, stop) = (containers.clone(), stop.clone());
        tokio::spawn(async move { follow_pods(&settings, containers, stop).await })
    };
    until_tenant(&containers, "acme").await;
    let facts = containers.lock().container("c1").unwrap().facts;
    assert_eq!((&*facts.pod_uid, &*facts.name, &*facts.namespace), (STATIC, "nginx", "shop"));
    tell.send(json!({ "type": "MODIFIED", "object": pod("other") })).await.unwrap();
    until_tenant(&containers, "other").await;
    assert!(containers.lock().hears(Source::ApiServer));
    assert!(asked.lock().await[0].contains("fieldSelector=spec.nodeName%3Dn1"));
    // Only a static pod has another uid than its own.
    let mut taken = pod("other");
    taken["metadata"]["annotations"]["kubernetes.io/config.mirror"] =
        json!("0a1b2c3d-0000-4000-8000-000000000001");
    assert_eq!(uid_of(taken), "mirror");
    assert_eq!(uid_of(pod("other")), STATIC);
    stop.stop();
    following.await.unwrap().unwrap();
}
