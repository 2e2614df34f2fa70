//! Pods of a Kubernetes cluster, as the API server lists them and then tells of changes.

mod pod;

use std::{collections::BTreeMap, time::Duration};

use daemon::{http::install_crypto, stop::Stop};
use futures_util::{StreamExt, pin_mut};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, Config, ResourceExt,
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{
        WatchStreamExt,
        watcher::{self, Event},
    },
};
use scrape::{config::discovery::KubernetesSettings, group::Group};

use crate::Outlet;

/// Changes that come this close together are told together.
const QUIET: Duration = Duration::from_millis(250);

/// Why there is no way to the API server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("not inside of a pod, and neither api_server nor kubeconfig_file is given: {0}")]
    NotInCluster(#[from] kube::config::InClusterError),
    #[error("kubeconfig_file: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    #[error("api_server: {0}")]
    Address(String),
    #[error(transparent)]
    Client(#[from] kube::Error),
}

/// A client as configured.
pub(crate) async fn client(settings: &KubernetesSettings) -> Result<Client, ClientError> {
    install_crypto();
    let config = if !settings.api_server.is_empty() {
        let address = settings.api_server.parse();
        Config::new(address.map_err(|_| ClientError::Address(settings.api_server.clone()))?)
    } else if !settings.kubeconfig_file.is_empty() {
        let file = Kubeconfig::read_from(&settings.kubeconfig_file)?;
        Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?
    } else {
        Config::incluster()?
    };
    Ok(Client::try_from(config)?)
}

/// The namespaces to watch, each by itself; one empty name stands for all.
pub(crate) fn namespaces(settings: &KubernetesSettings) -> Vec<String> {
    match settings.namespaces.names.as_slice() {
        [] => vec![String::new()],
        names => names.to_vec(),
    }
}

/// Watches the pods of one namespace.
pub(crate) struct Watch {
    pods: Api<Pod>,
    config: watcher::Config,
    outlet: Outlet,
    known: BTreeMap<String, Group>,
    /// Being listed anew.
    listed: BTreeMap<String, Group>,
}

impl Watch {
    pub(crate) fn new(
        client: Client,
        settings: &KubernetesSettings,
        namespace: &str,
        outlet: Outlet,
    ) -> Self {
        let pods = if namespace.is_empty() {
            Api::all(client)
        } else {
            Api::namespaced(client, namespace)
        };
        let mut fields = Vec::new();
        if !settings.node.is_empty() {
            fields.push(format!("spec.nodeName={}", settings.node));
        }
        if !settings.field_selector.is_empty() {
            fields.push(settings.field_selector.clone());
        }
        let mut config = watcher::Config::default();
        if !fields.is_empty() {
            config = config.fields(&fields.join(","));
        }
        if !settings.label_selector.is_empty() {
            config = config.labels(&settings.label_selector);
        }
        let (known, listed) = (BTreeMap::new(), BTreeMap::new());
        Self { pods, config, outlet, known, listed }
    }

    /// Watches until `stop`. A watch that breaks is begun again, with growing waits.
    pub(crate) async fn run(mut self, stop: Stop) {
        let events = watcher::watcher(self.pods.clone(), self.config.clone()).default_backoff();
        pin_mut!(events);
        let mut dirty = false;
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = tokio::time::sleep(QUIET), if dirty => {
                    dirty = false;
                    if !self.outlet.send(self.known.values().cloned().collect()).await {
                        return;
                    }
                    continue;
                }
                () = stop.stopped() => return,
            };
            match event {
                Some(Ok(event)) => dirty |= self.handle(event),
                Some(Err(error)) => tracing::warn!(%error, "pods cannot be watched"),
                None => return,
            }
        }
    }

    /// Takes in an event. Returns whether the targets may have changed.
    fn handle(&mut self, event: Event<Pod>) -> bool {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(pod) => {
                self.listed.insert(key(&pod), pod::group(&pod));
            }
            Event::InitDone => {
                self.known = std::mem::take(&mut self.listed);
                return true;
            }
            Event::Apply(pod) => {
                let group = pod::group(&pod);
                return self.known.insert(key(&pod), group.clone()) != Some(group);
            }
            Event::Delete(pod) => return self.known.remove(&key(&pod)).is_some(),
        }
        false
    }
}

fn key(pod: &Pod) -> String {
    format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any())
}

#[cfg(test)]
mod tests;
