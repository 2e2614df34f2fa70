//! A watch, at an API server of the test's own. No cluster can run in a test; this one speaks the
//! protocol of list and watch over HTTP as the API's documentation has it.

use std::sync::Arc;

use scrape::{
    config::discovery::{AttachMetadata, Namespaces, Role, Selector},
    group::{ADDRESS, Update},
};
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::{Mutex, mpsc},
};

use super::*;
use crate::testing::{respond, serve};

fn pod(name: &str, ip: &str, version: u32) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "namespace": "shop", "resourceVersion": version.to_string() },
        "spec": {
            "nodeName": "n1",
            "containers": [{ "name": "app", "ports": [{ "containerPort": 80 }] }],
        },
        "status": { "podIP": ip, "phase": "Running" },
    })
}

/// Lists one pod; what the test sends goes to whoever watches.
async fn api_server(events: mpsc::Receiver<Value>) -> (String, Arc<Mutex<Vec<String>>>) {
    serve_pods(pod("a", "10.0.0.1", 1), events).await
}

/// Lists this pod; what the test sends goes to whoever watches.
pub(super) async fn serve_pods(
    pod: Value,
    events: mpsc::Receiver<Value>,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (events, log) = (Arc::new(Mutex::new(events)), Arc::clone(&asked));
    let address = serve(move |request, mut stream| {
        let (events, log) = (Arc::clone(&events), Arc::clone(&log));
        let pod = pod.clone();
        async move {
            let line = request.lines().next().unwrap_or_default().to_owned();
            let is_watch = line.contains("watch=true");
            log.lock().await.push(line);
            if is_watch {
                watched(stream, &mut *events.lock().await).await;
                return;
            }
            let list = json!({
                "apiVersion": "v1",
                "kind": "PodList",
                "metadata": { "resourceVersion": "1" },
                "items": [pod],
            });
            respond(&mut stream, "200 OK", "application/json", &list.to_string()).await;
        }
    })
    .await;
    (address, asked)
}

async fn watched(mut stream: TcpStream, events: &mut mpsc::Receiver<Value>) {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("is written");
    while let Some(event) = events.recv().await {
        let line = format!("{event}\n");
        let chunk = format!("{:x}\r\n{line}\r\n", line.len());
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn addresses(update: Update) -> Vec<String> {
    let targets = update.groups.into_iter().flat_map(|group| group.targets);
    targets.map(|target| target.get(ADDRESS).to_owned()).collect()
}

/// Watches the first namespace.
async fn begin(
    settings: &KubernetesSettings,
) -> (mpsc::Receiver<Update>, Stop, tokio::task::JoinHandle<()>) {
    let (updates, found) = mpsc::channel(8);
    let outlet = Outlet { job: 3, source: "k".to_owned(), updates };
    let client = client(settings).await.expect("is set up");
    let stop = Stop::default();
    let watch = Watch::new(client, settings, &namespaces(settings, "own")[0], outlet);
    (found, stop.clone(), tokio::spawn(watch.run(stop)))
}

#[tokio::test]
async fn pods_come_change_and_go() {
    let (tell, events) = mpsc::channel(8);
    let (address, asked) = api_server(events).await;
    let settings = KubernetesSettings {
        api_server: address,
        namespaces: Namespaces { names: vec!["shop".to_owned()], ..Namespaces::default() },
        node: "n1".to_owned(),
        label_selector: "app=x".to_owned(),
        ..KubernetesSettings::default()
    };
    let (mut found, stop, watching) = begin(&settings).await;

    let first = found.recv().await.expect("is told");
    assert_eq!((first.job, first.source.as_str()), (3, "k"));
    assert_eq!(addresses(first), ["10.0.0.1:80"]);
    tell.send(json!({ "type": "ADDED", "object": pod("b", "10.0.0.2", 2) }))
        .await
        .expect("is sent");
    assert_eq!(addresses(found.recv().await.expect("is told")), ["10.0.0.1:80", "10.0.0.2:80"]);
    tell.send(json!({ "type": "MODIFIED", "object": pod("a", "10.0.0.9", 3) }))
        .await
        .expect("is sent");
    assert_eq!(addresses(found.recv().await.expect("is told")), ["10.0.0.9:80", "10.0.0.2:80"]);
    tell.send(json!({ "type": "DELETED", "object": pod("b", "10.0.0.2", 4) }))
        .await
        .expect("is sent");
    assert_eq!(addresses(found.recv().await.expect("is told")), ["10.0.0.9:80"]);

    let asked = asked.lock().await;
    assert!(asked[0].starts_with("GET /api/v1/namespaces/shop/pods?"), "{asked:?}");
    for part in ["fieldSelector=spec.nodeName%3Dn1", "labelSelector=app%3Dx"] {
        assert!(asked[0].contains(part), "{part}: {asked:?}");
    }
    stop.stop();
    watching.await.expect("ends");
}

#[test]
fn namespaces_are_those_named_and_ones_own() {
    for (names, own_namespace, expected) in [
        (&[][..], false, &[""][..]),
        (&["a", "b"], false, &["a", "b"]),
        (&[], true, &["own"]),
        (&["a"], true, &["a", "own"]),
        (&["own"], true, &["own"]),
    ] {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let settings = KubernetesSettings {
            namespaces: Namespaces { names, own_namespace },
            ..KubernetesSettings::default()
        };
        assert_eq!(namespaces(&settings, "own"), expected);
    }
}

#[test]
fn selectors_are_joined() {
    let selector = Selector { label: "a=1".to_owned(), field: "f=1".to_owned(), role: Role::Pod };
    let settings = KubernetesSettings {
        node: "n1".to_owned(),
        label_selector: "b=2".to_owned(),
        selectors: vec![selector],
        ..KubernetesSettings::default()
    };
    let config = pod_config(&settings);
    assert_eq!(config.field_selector.as_deref(), Some("spec.nodeName=n1,f=1"));
    assert_eq!(config.label_selector.as_deref(), Some("b=2,a=1"));
}

/// Answers to watches, one after another: what is told before the connection ends.
async fn broken_server(watches: Vec<Vec<Value>>) -> (String, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let watches = Arc::new(Mutex::new(std::collections::VecDeque::from(watches)));
    let address = serve(move |request, mut stream| {
        let (watches, log) = (Arc::clone(&watches), Arc::clone(&log));
        async move {
            let line = request.lines().next().unwrap_or_default().to_owned();
            let is_watch = line.contains("watch=true");
            let lists = {
                let mut log = log.lock().await;
                log.push(line);
                log.iter().filter(|line| !line.contains("watch=true")).count()
            };
            if !is_watch {
                let list = json!({
                    "apiVersion": "v1", "kind": "PodList",
                    "metadata": { "resourceVersion": format!("{lists}00") },
                    "items": [pod("a", &format!("10.0.0.{lists}"), 1)],
                });
                respond(&mut stream, "200 OK", "application/json", &list.to_string()).await;
                return;
            }
            let Some(events) = watches.lock().await.pop_front() else {
                // The last watch stays open.
                return std::future::pending().await;
            };
            let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
            respond(&mut stream, "200 OK", "application/json", &lines).await;
        }
    })
    .await;
    (address, asked)
}

#[tokio::test]
async fn a_watch_goes_on_where_it_ended_and_lists_anew_where_that_is_forgotten() {
    let bookmark = json!({ "type": "BOOKMARK", "object": {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "resourceVersion": "150", "creationTimestamp": null },
        "spec": { "containers": [] },
    } });
    let gone = json!({ "type": "ERROR", "object": {
        "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
        "message": "too old resource version", "reason": "Expired", "code": 410,
    } });
    let added = json!({ "type": "ADDED", "object": pod("b", "10.0.1.1", 120) });
    let (address, asked) = broken_server(vec![vec![added, bookmark], vec![gone]]).await;
    let settings = KubernetesSettings { api_server: address, ..KubernetesSettings::default() };
    let (mut found, stop, watching) = begin(&settings).await;
    let seen = loop {
        let seen = addresses(found.recv().await.expect("is told"));
        // The second list has another address, and no pod b.
        if seen == ["10.0.0.2:80"] {
            break seen;
        }
        assert!(seen.starts_with(&["10.0.0.1:80".to_owned()]), "{seen:?}");
    };
    assert_eq!(seen.len(), 1);
    stop.stop();
    watching.await.expect("ends");
    let asked = asked.lock().await;
    let has = |number: usize, part: &str| asked[number].contains(part);
    assert!(!has(0, "watch=true") && has(1, "resourceVersion=100"), "{asked:?}");
    assert!(has(1, "allowWatchBookmarks=true"), "{asked:?}");
    assert!(has(2, "watch=true") && has(2, "resourceVersion=150"), "{asked:?}");
    assert!(!has(3, "watch=true"), "{asked:?}");
}

#[tokio::test]
async fn labels_of_nodes_namespaces_and_jobs_are_attached() {
    let settings = KubernetesSettings {
        attach_metadata: AttachMetadata { node: true, namespace: true, job: true },
        ..KubernetesSettings::default()
    };
    let object = |name: &str| json!({ "metadata": { "name": name, "labels": { "zone": "z1" }, "annotations": { "x/y": "1" } } });
    let mut runs = pod("a", "10.0.0.1", 1);
    runs["metadata"]["ownerReferences"] = json!([
        { "apiVersion": "batch/v1", "kind": "Job", "name": "backup", "uid": "u", "controller": true },
    ]);
    install_crypto();
    let nowhere = Config::new("http://127.0.0.1:1".parse().expect("is an address"));
    let client = Client::try_from(nowhere).expect("is set up");
    let (updates, _found) = mpsc::channel(1);
    let outlet = Outlet { job: 3, source: "k".to_owned(), updates };
    let mut watch = Watch::new(client, &settings, "", outlet);
    let read = |value: Value| serde_json::from_value(value).expect("is a pod");
    assert!(watch.handle(Told::Pod(Box::new(Event::Apply(read(runs.clone()))))));
    assert!(!watch.handle(Told::Pod(Box::new(Event::Apply(read(runs))))), "nothing changed");
    assert_eq!(watch.groups(), [], "the node is not known yet");
    let node = serde_json::from_value(object("n1")).expect("is a node");
    assert!(watch.handle(Told::Node(Box::new(Event::Apply(node)))));
    let namespace = serde_json::from_value(object("shop")).expect("is a namespace");
    assert!(watch.handle(Told::Namespace(Box::new(Event::Apply(namespace)))));
    let groups = watch.groups();
    for (name, value) in [
        ("node_name", "n1"),
        ("node_label_zone", "z1"),
        ("node_labelpresent_zone", "true"),
        ("node_annotation_x_y", "1"),
        ("namespace_label_zone", "z1"),
        ("namespace_annotationpresent_x_y", "true"),
        ("pod_job_name", "backup"),
        ("pod_controller_kind", "Job"),
        ("namespace", "shop"),
    ] {
        assert_eq!(groups[0].labels.get(&format!("__meta_kubernetes_{name}")), value, "{name}");
    }
}
