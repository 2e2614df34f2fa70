//! What a group is called: by what the runtimes know, else by its path.

use collector::{
    identity::{Identity, Kind},
    series::{InvalidTemplate, Template},
};
use containers::{
    container::{Container, Source},
    registry::Registry,
};
use model::tenant::TenantId;

use crate::sources::NodeLabels;

/// The labels of a group, beside those of the node.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    tenant: String,
    app: String,
    component: String,
    instance: String,
    container: String,
    pod: String,
    namespace: String,
    image: String,
    name: String,
    /// Whether a runtime or the API server is expected to know it, and does not yet.
    pub(super) expected: bool,
}

impl Names {
    pub(super) fn of(
        path: &str,
        identity: &Identity,
        registry: Option<&Registry>,
        host: &TenantId,
    ) -> Self {
        let mut names = Self::by_path(path, identity, host);
        let Some(registry) = registry else { return names };
        match (identity.kind, &identity.container_id, &identity.pod_uid) {
            (Kind::Container, Some(id), _) => match registry.container(id) {
                // One without a name is known by its group alone.
                Some(known) if !known.facts.name.is_empty() && !is_whole(path, id) => {
                    let whole = Self::of_container(&known, host);
                    // Counted in the container's own group already.
                    return Self { app: String::new(), container: String::new(), ..whole };
                }
                Some(known) if !known.facts.name.is_empty() => {
                    return Self::of_container(&known, host);
                }
                _ => names.expected = registry.hears(Source::Cri) || !registry.is_settled(),
            },
            (Kind::Pod, _, Some(uid)) => {
                if let Some((pod, owner)) = registry.pod(uid) {
                    let tenant = owner.tenant.as_ref().unwrap_or(host);
                    names.tenant = tenant.as_str().to_owned();
                    names.instance.clone_from(&pod.name);
                    names.pod = pod.name;
                    names.namespace = pod.namespace;
                }
            }
            _ => {}
        }
        names
    }

    pub(super) fn of_container(known: &Container, host: &TenantId) -> Self {
        let Container { id, facts, owner } = known;
        let tenant = owner.tenant.as_ref().unwrap_or(host);
        Self {
            tenant: tenant.as_str().to_owned(),
            app: owner.app.clone(),
            component: owner.component.clone(),
            instance: if facts.pod_name.is_empty() { id.clone() } else { facts.pod_name.clone() },
            container: facts.name.clone(),
            pod: facts.pod_name.clone(),
            namespace: facts.namespace.clone(),
            image: facts.image.clone(),
            name: id.clone(),
            expected: false,
        }
    }

    fn by_path(path: &str, identity: &Identity, host: &TenantId) -> Self {
        let whole = path.trim_matches('/').to_owned();
        let short = |id: &str| id.get(..12).unwrap_or(id).to_owned();
        let container = identity.container_id.as_deref().map(short).unwrap_or_default();
        let named = |name: &str| Self {
            tenant: host.as_str().to_owned(),
            app: name.to_owned(),
            instance: name.to_owned(),
            container: container.clone(),
            ..Self::default()
        };
        match (identity.kind, &identity.pod_uid, &identity.unit) {
            // These hold others: as apps they would count everything twice.
            (Kind::Root | Kind::Slice | Kind::Pod, _, _) => named(""),
            (Kind::Container, Some(pod), _) => named(pod),
            (Kind::Container, None, _) => named(&container),
            (_, _, Some(unit)) => named(unit),
            (_, _, None) => named(&whole),
        }
    }

    /// Labels ready for writing; `id` is the path, as cAdvisor has it.
    pub(super) fn template(
        &self,
        path: &str,
        labels: &NodeLabels,
    ) -> Result<Template, InvalidTemplate> {
        let mut pairs = vec![
            ("tenant", &*self.tenant),
            ("app", &self.app),
            ("component", &self.component),
            ("instance", &self.instance),
            ("container", &self.container),
            ("pod", &self.pod),
            ("namespace", &self.namespace),
            ("image", &self.image),
            ("name", &self.name),
            ("id", path),
        ];
        pairs.extend(labels.pairs());
        Template::new(&pairs)
    }
}

/// Whether this is a container's own group, not one that its processes made below.
pub(super) fn is_whole(path: &str, id: &str) -> bool {
    path.rsplit('/').next().is_some_and(|last| last.contains(id))
}

#[cfg(test)]
mod tests;
