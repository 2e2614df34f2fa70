//! Pods of a Kubernetes cluster, as the API server lists them and then tells of changes.

pub(crate) mod owners;
mod pod;

use std::{collections::BTreeMap, time::Duration};

use daemon::{http::install_crypto, stop::Stop};
use futures_util::{
    StreamExt,
    stream::{BoxStream, SelectAll, select_all},
};
use k8s_openapi::{
    api::core::v1::{Namespace, Node, Pod},
    serde::de::DeserializeOwned,
};
use kube::{
    Api, Client, Config, Resource, ResourceExt,
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{
        WatchStreamExt,
        watcher::{self, Event},
    },
};
use scrape::{config::discovery::KubernetesSettings, group::Group, labels::LabelSet};

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
pub(crate) fn namespaces(settings: &KubernetesSettings, own: &str) -> Vec<String> {
    let mut names = settings.namespaces.names.clone();
    if settings.namespaces.own_namespace && !names.iter().any(|name| name == own) {
        names.push(own.to_owned());
    }
    if names.is_empty() { vec![String::new()] } else { names }
}

/// Watches the pods of one namespace, and what they are on and in where that is asked for.
pub(crate) struct Watch {
    client: Client,
    settings: KubernetesSettings,
    namespace: String,
    outlet: Outlet,
    pods: Known<FoundPod>,
    nodes: Known<LabelSet>,
    namespaces: Known<LabelSet>,
}

/// A pod's targets, and where to look for more labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FoundPod {
    group: Group,
    node: String,
    namespace: String,
}

/// Objects by name, kept up by events.
#[derive(Debug)]
struct Known<T> {
    objects: BTreeMap<String, T>,
    /// Being listed anew.
    listed: BTreeMap<String, T>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), listed: BTreeMap::new() }
    }
}

impl<T: PartialEq> Known<T> {
    /// Takes in an event. Returns whether anything may have changed.
    fn handle<K: ResourceExt>(&mut self, event: Event<K>, keep: impl Fn(&K) -> T) -> bool {
        let key = |object: &K| {
            format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
        };
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(object) => {
                self.listed.insert(key(&object), keep(&object));
            }
            Event::InitDone => {
                self.objects = std::mem::take(&mut self.listed);
                return true;
            }
            Event::Apply(object) => {
                let (key, new) = (key(&object), keep(&object));
                let same = self.objects.get(&key).is_some_and(|old| *old == new);
                self.objects.insert(key, new);
                return !same;
            }
            Event::Delete(object) => return self.objects.remove(&key(&object)).is_some(),
        }
        false
    }
}

/// What the API server tells.
enum Told {
    Pod(Box<Event<Pod>>),
    Node(Box<Event<Node>>),
    Namespace(Box<Event<Namespace>>),
}

type Events = BoxStream<'static, Result<Told, watcher::Error>>;

fn watch<K>(api: Api<K>, config: watcher::Config, told: fn(Event<K>) -> Told) -> Events
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug + Send + 'static,
{
    // Broken watches are begun again where they ended, with growing waits; where the server has
    // forgotten that place, all is listed anew.
    let events = watcher::watcher(api, config).default_backoff();
    events.map(move |event| event.map(told)).boxed()
}

impl Watch {
    pub(crate) fn new(
        client: Client,
        settings: &KubernetesSettings,
        namespace: &str,
        outlet: Outlet,
    ) -> Self {
        Self {
            client,
            settings: settings.clone(),
            namespace: namespace.to_owned(),
            outlet,
            pods: Known::default(),
            nodes: Known::default(),
            namespaces: Known::default(),
        }
    }

    /// Watches until `stop`.
    pub(crate) async fn run(mut self, stop: Stop) {
        let mut events = self.events();
        let mut dirty = false;
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = tokio::time::sleep(QUIET), if dirty => {
                    dirty = false;
                    if !self.outlet.send(self.groups()).await {
                        return;
                    }
                    continue;
                }
                () = stop.stopped() => return,
            };
            match event {
                Some(Ok(told)) => dirty |= self.handle(told),
                Some(Err(error)) => tracing::warn!(%error, "pods cannot be watched"),
                None => return,
            }
        }
    }

    fn events(&self) -> SelectAll<Events> {
        let Self { client, settings, namespace, .. } = self;
        let client = || client.clone();
        let pods = if namespace.is_empty() {
            Api::all(client())
        } else {
            Api::namespaced(client(), namespace)
        };
        let mut all = vec![watch(pods, pod_config(settings), |event| Told::Pod(Box::new(event)))];
        if settings.attach_metadata.node {
            let config = named(&settings.node);
            all.push(watch(Api::all(client()), config, |event| Told::Node(Box::new(event))));
        }
        if settings.attach_metadata.namespace {
            all.push(watch(Api::all(client()), named(namespace), |event| {
                Told::Namespace(Box::new(event))
            }));
        }
        select_all(all)
    }

    fn handle(&mut self, told: Told) -> bool {
        let with_job = self.settings.attach_metadata.job;
        match told {
            Told::Pod(event) => self.pods.handle(*event, |pod| found(pod, with_job)),
            Told::Node(event) => self.nodes.handle(*event, |node| {
                let mut labels = LabelSet::default();
                labels.set(format!("{}node_name", pod::META), node.name_any());
                pod::add_object(&mut labels, "node", &node.metadata);
                labels
            }),
            Told::Namespace(event) => self.namespaces.handle(*event, |namespace| {
                let mut labels = LabelSet::default();
                pod::add_object(&mut labels, "namespace", &namespace.metadata);
                labels
            }),
        }
    }

    /// All targets as they are known now. Where labels of nodes are asked for, a pod whose node is
    /// not known has none.
    fn groups(&self) -> Vec<Group> {
        let attach = &self.settings.attach_metadata;
        let groups = self.pods.objects.values().filter_map(|found| {
            let mut group = found.group.clone();
            if attach.node {
                extend(&mut group, self.nodes.objects.get(&format!("/{}", found.node))?);
            }
            if attach.namespace
                && let Some(labels) = self.namespaces.objects.get(&format!("/{}", found.namespace))
            {
                extend(&mut group, labels);
            }
            Some(group)
        });
        groups.collect()
    }
}

fn extend(group: &mut Group, labels: &LabelSet) {
    for (name, value) in labels.iter() {
        group.labels.set(name, value);
    }
}

fn found(pod: &Pod, with_job: bool) -> FoundPod {
    let mut group = pod::group(pod);
    if let Some(job) = pod::job_name(pod).filter(|_| with_job) {
        group.labels.set(format!("{}pod_job_name", pod::META), job);
    }
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
    FoundPod {
        group,
        node: node.unwrap_or_default(),
        namespace: pod.namespace().unwrap_or_default(),
    }
}

/// All objects, or the one of that name.
fn named(name: &str) -> watcher::Config {
    let config = watcher::Config::default();
    if name.is_empty() { config } else { config.fields(&format!("metadata.name={name}")) }
}

fn pod_config(settings: &KubernetesSettings) -> watcher::Config {
    let own_node = match settings.node.as_str() {
        "" => String::new(),
        node => format!("spec.nodeName={node}"),
    };
    let selectors = settings.selectors.iter();
    let fields = [own_node, settings.field_selector.clone()]
        .into_iter()
        .chain(selectors.clone().map(|selector| selector.field.clone()));
    let labels = std::iter::once(settings.label_selector.clone())
        .chain(selectors.map(|selector| selector.label.clone()));
    let joined = |parts: &mut dyn Iterator<Item = String>| {
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",")
    };
    let (fields, labels) = (joined(&mut fields.into_iter()), joined(&mut labels.into_iter()));
    let mut config = watcher::Config::default();
    if !fields.is_empty() {
        config = config.fields(&fields);
    }
    if !labels.is_empty() {
        config = config.labels(&labels);
    }
    config
}

#[cfg(test)]
mod tests;
