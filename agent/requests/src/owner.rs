//! Whose a request is: found from what its line says, within what its source may write for.
//!
//! A source lists the tenants that it may write for. Whatever a line says, and clients have a say
//! in lines, its request counts for one of these or for nobody.

use std::collections::BTreeMap;

use model::tenant::{InvalidTenant, TenantId};
use serde::Deserialize;

use crate::log::{Fields, LogLine, Owner};

/// How the requests of one source are attributed. Of several ways that name a tenant or an app the
/// first of these wins: a field, the host, the cluster, and what is fixed for the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Attribution {
    /// Who the source may write for. One alone is the tenant of all that name none.
    pub tenants: Vec<String>,
    /// The app of requests that name none; with `component` and `instance`.
    pub app: String,
    pub component: String,
    pub instance: String,
    /// Apps by the host that was asked for, without its port, in small letters.
    pub hosts: BTreeMap<String, App>,
    /// Take namespace and service of `outbound|80||service.namespace.svc.cluster.local` for
    /// tenant and app.
    pub clusters: bool,
    /// JSON fields that say it.
    pub fields: Fields,
    /// Whose the rest is; without it the rest is counted as unattributed.
    pub default: Option<App>,
}

/// An app of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Empty for the only tenant of the source.
    #[serde(default)]
    pub tenant: String,
    pub app: String,
    #[serde(default)]
    pub component: String,
}

/// An attribution that attributes nothing, or to someone it may not.
#[derive(Debug, thiserror::Error)]
pub enum InvalidAttribution {
    #[error("tenants must name at least one")]
    NoTenant,
    #[error("tenants: {0}")]
    Tenant(#[from] InvalidTenant),
    #[error("{what} is for tenant {tenant:?}, which is not one of tenants")]
    Foreign { what: String, tenant: String },
    #[error("{what} has no app")]
    NoApp { what: String },
    #[error("hosts.{0:?} must be in small letters and without a port")]
    Host(String),
    #[error("nothing says the app: set app, hosts, clusters, fields.app or default")]
    NoWay,
}

impl Attribution {
    pub fn validate(&self) -> Result<(), InvalidAttribution> {
        if self.tenants.is_empty() {
            return Err(InvalidAttribution::NoTenant);
        }
        for tenant in &self.tenants {
            TenantId::new(tenant)?;
        }
        for (host, app) in &self.hosts {
            if host_key(host) != host || host.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return Err(InvalidAttribution::Host(host.clone()));
            }
            self.check(format!("hosts.{host:?}"), app)?;
        }
        if let Some(default) = &self.default {
            self.check("default".to_owned(), default)?;
        }
        let app = !self.app.is_empty() || !self.fields.app.is_empty();
        if !app && self.hosts.is_empty() && !self.clusters && self.default.is_none() {
            return Err(InvalidAttribution::NoWay);
        }
        Ok(())
    }

    fn check(&self, what: String, app: &App) -> Result<(), InvalidAttribution> {
        if app.app.is_empty() {
            return Err(InvalidAttribution::NoApp { what });
        }
        match self.allowed(first([&app.tenant, self.only_tenant()])) {
            Some(_) => Ok(()),
            None => Err(InvalidAttribution::Foreign { what, tenant: app.tenant.clone() }),
        }
    }

    /// The tenant as this source knows it, `None` when it may not write for it.
    fn allowed(&self, tenant: &str) -> Option<&str> {
        self.tenants.iter().map(String::as_str).find(|allowed| *allowed == tenant)
    }

    fn only_tenant(&self) -> &str {
        match self.tenants.as_slice() {
            [only] => only,
            _ => "",
        }
    }

    /// Whose the request of this line is, `None` when nobody's that is known.
    pub fn owner<'a>(&'a self, line: &'a LogLine<'_>) -> Option<Owner<'a>> {
        let host = self.host(&line.authority);
        let part = |part: fn(&App) -> &str| host.map_or("", part);
        let (service, namespace) =
            if self.clusters { cluster(&line.upstream_cluster) } else { ("", "") };
        let [tenant, app, component, instance] =
            line.named.each_ref().map(|value| match &**value {
                "-" => "",
                value => value,
            });
        let tenant = first([tenant, part(|app| &app.tenant), namespace, self.only_tenant()]);
        let app = first([app, part(|app| &app.app), service, &self.app]);
        let component = first([component, part(|app| &app.component), &self.component]);
        let instance = first([instance, &self.instance]);
        match self.allowed(tenant) {
            Some(tenant) if !app.is_empty() => Some(Owner { tenant, app, component, instance }),
            _ => self.default.as_ref().and_then(|default| {
                let tenant = self.allowed(first([&default.tenant, self.only_tenant()]))?;
                let (app, component) = (&*default.app, &*default.component);
                Some(Owner { tenant, app, component, instance })
            }),
        }
    }

    fn host(&self, authority: &str) -> Option<&App> {
        if self.hosts.is_empty() {
            return None;
        }
        let host = host_key(authority);
        // Few clients write capitals.
        self.hosts.get(host).or_else(|| {
            let capitals = host.bytes().any(|byte| byte.is_ascii_uppercase());
            capitals.then(|| self.hosts.get(&host.to_ascii_lowercase()))?
        })
    }
}

fn first<const N: usize>(texts: [&str; N]) -> &str {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

/// A host without its port and the dot of the root.
fn host_key(authority: &str) -> &str {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    host.strip_suffix('.').unwrap_or(host)
}

/// Service and namespace of `direction|port|subset|service.namespace.svc.domain`, Istio's name of
/// a cluster; both empty where it has another form.
fn cluster(name: &str) -> (&str, &str) {
    let Some((_, host)) = name.rsplit_once('|') else { return ("", "") };
    let mut parts = host.split('.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(service), Some(namespace), Some("svc")) => (service, namespace),
        _ => ("", ""),
    }
}

#[cfg(test)]
mod tests;
