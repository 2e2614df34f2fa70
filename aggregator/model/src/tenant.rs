//! A tenant's name: the key of a partition of storage, never a mere label.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// A valid tenant name: 1 to 64 bytes of `a-z A-Z 0-9 _ . -`, and neither `.` nor `..`.
///
/// The alphabet is narrow on purpose: a name travels in headers, labels and file names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(Arc<str>);

/// The request header by which a caller that reaches several tenants binds a request to one of them.
pub const TENANT_HEADER: &str = "x-tidewatch-tenant";

/// The label that names a series' tenant where series of several are together.
pub const TENANT_LABEL: &str = "tenant";

/// Longest name in bytes.
pub const TENANT_BYTES_MAX: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid tenant name {name:?}: use 1 to {TENANT_BYTES_MAX} letters, digits, '_', '.' or '-', other than \".\" and \"..\""
)]
pub struct InvalidTenant {
    pub name: String,
}

impl TenantId {
    pub fn new(name: &str) -> Result<Self, InvalidTenant> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let valid = (1..=TENANT_BYTES_MAX).contains(&name.len())
            && name.bytes().all(allowed)
            && name != "."
            && name != "..";
        if valid { Ok(Self(name.into())) } else { Err(InvalidTenant { name: shorten(name) }) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Keeps a hostile name from filling an error message.
fn shorten(name: &str) -> String {
    name.chars().take(TENANT_BYTES_MAX + 1).collect()
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TenantId {
    type Error = InvalidTenant;
    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(&name)
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> Self {
        tenant.0.as_ref().to_owned()
    }
}

impl Borrow<str> for TenantId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests;
