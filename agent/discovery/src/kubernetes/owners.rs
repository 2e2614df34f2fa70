//! The pods of a node for the registry of containers: labels and annotations as the API server has
//! them, which runtimes know only as they were when the pod was made.

use std::collections::BTreeMap;

use containers::{
    container::{Facts, Pod as Known, Source},
    handle::Containers,
};
use daemon::{clock, stop::Stop};
use futures_util::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    runtime::{
        WatchStreamExt,
        watcher::{Event, watcher},
    },
};
use scrape::config::discovery::KubernetesSettings;

use super::{ClientError, client, pod_config};

/// Errors one after the other until the API server counts as away: a broken watch is begun again
/// where it ended, and a short absence changes nothing.
const FAILURES_MAX: u32 = 5;
/// What a static pod's mirror says of the pod: the identifier that the runtime knows it by.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// Why pods cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("kubernetes: {0}")]
pub struct OwnersError(String);

/// Tells `containers` of all pods that these settings select, in any namespace, until `stop`.
pub async fn follow_pods(
    settings: &KubernetesSettings,
    containers: Containers,
    stop: Stop,
) -> Result<(), OwnersError> {
    let client =
        client(settings).await.map_err(|error: ClientError| OwnersError(error.to_string()))?;
    let events = watcher(Api::<Pod>::all(client), pod_config(settings)).default_backoff();
    let mut events = std::pin::pin!(events);
    let mut listed = Vec::new();
    let mut failures = 0;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = stop.stopped() => return Ok(()),
        };
        match event {
            Some(Ok(event)) => {
                failures = 0;
                take(event, &mut listed, &containers);
            }
            Some(Err(error)) => {
                tracing::warn!(%error, "the node's pods cannot be watched");
                failures += 1;
                if failures == FAILURES_MAX {
                    containers.lock().lost(Source::ApiServer);
                }
            }
            None => return Ok(()),
        }
    }
}

type Found = (Known, Vec<(String, Facts)>);

fn take(event: Event<Pod>, listed: &mut Vec<Found>, containers: &Containers) {
    match event {
        Event::Init => listed.clear(),
        Event::InitApply(pod) => listed.push(known(&pod)),
        Event::InitDone => {
            let (pods, ids): (Vec<_>, Vec<_>) = std::mem::take(listed).into_iter().unzip();
            let ids = ids.into_iter().flatten().collect();
            containers
                .change(|registry| registry.replace(Source::ApiServer, ids, pods, clock::now()));
        }
        Event::Apply(pod) => {
            let (pod, ids) = known(&pod);
            containers.change(|registry| {
                registry.tell_pod(Source::ApiServer, pod);
                ids.into_iter()
                    .flat_map(|(id, facts)| registry.tell(Source::ApiServer, &id, facts))
                    .collect()
            });
        }
        Event::Delete(pod) => {
            let (pod, ids) = known(&pod);
            let now = clock::now();
            let mut registry = containers.lock();
            registry.forget_pod(Source::ApiServer, &pod.uid);
            for (id, _) in ids {
                registry.forget(Source::ApiServer, &id, now);
            }
        }
    }
}

/// A pod and its containers, as far as they have been made.
fn known(pod: &Pod) -> Found {
    let annotations: BTreeMap<_, _> = pod.annotations().clone();
    // The name of a static pod's file content is no uid that the API server gives, so that no pod can
    // take the place of another by an annotation.
    let is_static = |uid: &&String| uid.len() == 32 && uid.bytes().all(|b| b.is_ascii_hexdigit());
    let mirrored = annotations.get(MIRROR).filter(is_static).cloned();
    let uid = mirrored.or_else(|| pod.uid()).unwrap_or_default();
    let known = Known {
        uid,
        name: pod.name_any(),
        namespace: pod.namespace().unwrap_or_default(),
        labels: pod.labels().clone(),
        annotations,
    };
    let status = pod.status.as_ref();
    let statuses = [
        status.and_then(|status| status.container_statuses.as_ref()),
        status.and_then(|status| status.init_container_statuses.as_ref()),
        status.and_then(|status| status.ephemeral_container_statuses.as_ref()),
    ];
    let made = statuses.into_iter().flatten().flatten().filter_map(|status| {
        // `containerd://<id>`.
        let (_, id) = status.container_id.as_deref()?.split_once("://")?;
        let facts = Facts {
            pod_uid: known.uid.clone(),
            pod_name: known.name.clone(),
            namespace: known.namespace.clone(),
            name: status.name.clone(),
            ..Facts::default()
        };
        Some((id.to_owned(), facts))
    });
    let made = made.collect();
    (known, made)
}

#[cfg(test)]
mod tests;
