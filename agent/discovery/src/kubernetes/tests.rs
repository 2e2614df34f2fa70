//! A watch, at an API server of the test's own. No cluster can run in a test; this one speaks the
//! protocol of list and watch over HTTP as the API's documentation has it.

use std::sync::Arc;

use scrape::{
    config::discovery::Namespaces,
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
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (events, log) = (Arc::new(Mutex::new(events)), Arc::clone(&asked));
    let address = serve(move |request, mut stream| {
        let (events, log) = (Arc::clone(&events), Arc::clone(&log));
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
                "items": [pod("a", "10.0.0.1", 1)],
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

#[tokio::test]
async fn pods_come_change_and_go() {
    let (tell, events) = mpsc::channel(8);
    let (address, asked) = api_server(events).await;
    let settings = KubernetesSettings {
        api_server: address,
        namespaces: Namespaces { names: vec!["shop".to_owned()] },
        node: "n1".to_owned(),
        label_selector: "app=x".to_owned(),
        ..KubernetesSettings::default()
    };
    let (updates, mut found) = mpsc::channel(8);
    let outlet = Outlet { job: 3, source: "k".to_owned(), updates };
    let client = client(&settings).await.expect("is set up");
    let stop = Stop::default();
    let watch = Watch::new(client, &settings, &namespaces(&settings)[0], outlet);
    let watching = tokio::spawn(watch.run(stop.clone()));

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
