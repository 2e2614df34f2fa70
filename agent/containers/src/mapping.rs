//! From the labels of a pod to whose it is: tenant, app and component.

use model::tenant::TenantId;
use serde::Deserialize;

use crate::container::Keys;

/// Which labels or annotations name tenant, app and component: the first that is there decides.
/// Labels come before annotations, those of the pod before the container's own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    pub tenant: Vec<String>,
    pub app: Vec<String>,
    pub component: Vec<String>,
    /// Take the namespace for the tenant of a pod that names none.
    pub namespace_as_tenant: bool,
}

impl Default for Mapping {
    fn default() -> Self {
        let keys = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect();
        Self {
            tenant: keys(&["tidewatch.dev/tenant"]),
            app: keys(&["tidewatch.dev/app", "app.kubernetes.io/name", "app", "k8s-app"]),
            component: keys(&["tidewatch.dev/component", "app.kubernetes.io/component"]),
            namespace_as_tenant: true,
        }
    }
}

/// Whose something is. Empty where nothing says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    pub tenant: Option<TenantId>,
    pub app: String,
    pub component: String,
}

impl Mapping {
    /// The owner of what carries these keys, the most telling first. A name that no tenant can
    /// have counts as none.
    pub fn owner(&self, keys: &[&Keys], namespace: &str, container: &str) -> Owner {
        let tenant = all(&self.tenant, keys).find_map(|name| TenantId::new(name).ok());
        let by_namespace = || TenantId::new(namespace).ok().filter(|_| self.namespace_as_tenant);
        let first = |names| all(names, keys).find(|value| !value.is_empty());
        Owner {
            tenant: tenant.or_else(by_namespace),
            app: first(&self.app).unwrap_or(container).to_owned(),
            component: first(&self.component).unwrap_or_default().to_owned(),
        }
    }
}

/// The values of these keys in order of preference.
fn all<'a>(names: &'a [String], keys: &'a [&'a Keys]) -> impl Iterator<Item = &'a str> {
    names.iter().flat_map(|name| keys.iter().filter_map(move |keys| keys.get(name))).map(|v| &**v)
}

#[cfg(test)]
mod tests;
