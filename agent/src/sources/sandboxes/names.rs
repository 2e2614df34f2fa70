//! Whose a sandbox is, by what the runtime and the pod say of themselves in its state file.

use std::collections::BTreeMap;

use model::tenant::TenantId;
use sandbox::state::State;

/// What the series of one pod are labelled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) tenant: TenantId,
    pub(super) app: String,
    pub(super) component: String,
    pub(super) pod: String,
    pub(super) namespace: String,
}

impl Names {
    /// The tenant is what the pod's annotations name, else its namespace, else `fallback`.
    pub(super) fn of(root: &State, fallback: &TenantId) -> Self {
        let namespace = first(
            &root.annotations,
            &["io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri-o.Namespace"],
        );
        let pod = first(
            &root.annotations,
            &["io.kubernetes.cri.sandbox-name", "io.kubernetes.cri-o.KubeName"],
        );
        let pod = if pod.is_empty() { short(&root.sandbox) } else { pod };
        let named = first(&root.annotations, &["tidewatch.dev/tenant"]);
        let tenant = TenantId::new(named).or_else(|_unusable| TenantId::new(namespace));
        let app = first(
            &root.annotations,
            &["tidewatch.dev/app", "app.kubernetes.io/name", "app.kubernetes.io/instance"],
        );
        let component =
            first(&root.annotations, &["tidewatch.dev/component", "app.kubernetes.io/component"]);
        Self {
            tenant: tenant.unwrap_or_else(|_unusable| fallback.clone()),
            app: if app.is_empty() { pod } else { app }.to_owned(),
            component: component.to_owned(),
            pod: pod.to_owned(),
            namespace: namespace.to_owned(),
        }
    }
}

/// A container's name and image, as cAdvisor gives them: `POD` for the one that holds the pod together.
pub(super) fn container(state: &State) -> (&str, &str) {
    let name = first(
        &state.annotations,
        &["io.kubernetes.cri.container-name", "io.kubernetes.cri-o.ContainerName"],
    );
    let image = first(&state.annotations, &["io.kubernetes.cri.image-name"]);
    match (state.is_app(), name) {
        (false, _) => ("POD", image),
        (true, "") => (short(&state.container), image),
        (true, name) => (name, image),
    }
}

fn first<'a>(annotations: &'a BTreeMap<String, String>, names: &[&str]) -> &'a str {
    let mut values = names.iter().filter_map(|name| annotations.get(*name));
    values.find(|value| !value.is_empty()).map_or("", String::as_str)
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests;
