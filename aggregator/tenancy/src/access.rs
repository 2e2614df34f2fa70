//! What an authenticated caller may do.

use std::collections::BTreeSet;

use model::tenant::TenantId;
use serde::Deserialize;

/// One thing that a token may permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Query metrics and the timeline.
    MetricsRead,
    /// Write metrics for the token's own tenant.
    MetricsWrite,
    /// Write metrics and events of any tenant for one node, and receive that node's commands.
    Agent,
    /// Decide on restarts: read all events, record decisions, command nodes. Say what rules came to,
    /// and write their series for one tenant in each request.
    Alerting,
    /// Copy, delete and clean up stored metrics, where the aggregator is told to serve that.
    Admin,
    /// End a quarantine and use what else a person on call uses.
    Operator,
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MetricsRead => "metrics-read",
            Self::MetricsWrite => "metrics-write",
            Self::Agent => "agent",
            Self::Alerting => "alerting",
            Self::Admin => "admin",
            Self::Operator => "operator",
        }
    }
}

/// Which tenants a token reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenants {
    One(TenantId),
    Some(BTreeSet<TenantId>),
    All,
}

impl Tenants {
    pub fn contains(&self, tenant: &TenantId) -> bool {
        match self {
            Self::One(one) => one == tenant,
            Self::Some(some) => some.contains(tenant),
            Self::All => true,
        }
    }
}

/// The rights of one caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The token's name, for logs and for the caller's own information.
    pub name: String,
    pub tenants: Tenants,
    pub scopes: BTreeSet<Scope>,
    /// The node that an agent's token is bound to; `None` binds to none.
    pub node: Option<String>,
}

/// The caller is known, and may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    #[error("this token lacks the scope {}", .0.as_str())]
    Scope(Scope),
    #[error("this token is not for that tenant")]
    Tenant,
    #[error("this token is not for that node")]
    Node,
}

impl Access {
    /// Requires one of the scopes; the error names the first.
    pub fn require(&self, any_of: &[Scope]) -> Result<(), Forbidden> {
        match any_of.first() {
            Some(first) if !any_of.iter().any(|scope| self.scopes.contains(scope)) => {
                Err(Forbidden::Scope(*first))
            }
            _ => Ok(()),
        }
    }

    pub fn require_tenant(&self, tenant: &TenantId) -> Result<(), Forbidden> {
        if self.tenants.contains(tenant) { Ok(()) } else { Err(Forbidden::Tenant) }
    }

    /// The same rights for one of its tenants only.
    pub fn bound_to(&self, tenant: &TenantId) -> Result<Self, Forbidden> {
        self.require_tenant(tenant)?;
        Ok(Self { tenants: Tenants::One(tenant.clone()), ..self.clone() })
    }

    /// An agent speaks for its own node only; a token without a node speaks for every node.
    pub fn require_node(&self, node: &str) -> Result<(), Forbidden> {
        match &self.node {
            Some(own) if own != node => Err(Forbidden::Node),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
