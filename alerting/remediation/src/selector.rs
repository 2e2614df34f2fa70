//! Which targets a setting or an order is for.
//!
//! A selector that names nothing matches nothing. The opposite convention has erased fleets: an
//! empty target set that meant "everything" is the Diskerase incident of the SRE book.

use model::{event::Target, tenant::TenantId};

/// Names some levels of a target; all that are named must match. With none named it matches
/// nothing; to mean everything, say [`Scope::Everything`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    pub tenant: Option<TenantId>,
    pub app: Option<String>,
    pub component: Option<String>,
    pub instance: Option<String>,
    pub node: Option<String>,
}

impl Selector {
    pub fn tenant(tenant: TenantId) -> Self {
        Self { tenant: Some(tenant), ..Self::default() }
    }

    pub fn app(tenant: TenantId, app: &str) -> Self {
        Self { tenant: Some(tenant), app: Some(app.to_owned()), ..Self::default() }
    }

    pub fn node(node: &str) -> Self {
        Self { node: Some(node.to_owned()), ..Self::default() }
    }

    /// Exactly this instance.
    pub fn instance(target: &Target) -> Self {
        Self {
            tenant: Some(target.tenant.clone()),
            app: Some(target.app.clone()),
            component: Some(target.component.clone()),
            instance: Some(target.instance.clone()),
            node: Some(target.node.clone()),
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn matches(&self, target: &Target) -> bool {
        let agrees =
            |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|name| name == is);
        !self.is_empty()
            && self.tenant.as_ref().is_none_or(|tenant| *tenant == target.tenant)
            && agrees(&self.app, &target.app)
            && agrees(&self.component, &target.component)
            && agrees(&self.instance, &target.instance)
            && agrees(&self.node, &target.node)
    }
}

/// What a pause covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Everything,
    Selected(Selector),
}

impl Scope {
    pub fn covers(&self, target: &Target) -> bool {
        match self {
            Self::Everything => true,
            Self::Selected(selector) => selector.matches(target),
        }
    }
}

#[cfg(test)]
mod tests;
