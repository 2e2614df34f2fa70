//! Bearer tokens: compared by hash, in constant time, and never kept or printed in the clear.

use std::{collections::BTreeSet, fmt};

use model::{tenant::TenantId, time::Timestamp};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::access::{Access, Scope, Tenants};

/// The SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// Shortest token accepted, in bytes: 128 bits in hexadecimal.
pub const TOKEN_BYTES_MIN: usize = 32;
/// Longest token looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 4096;

/// One token as configuration describes it.
#[derive(Clone, Debug)]
pub struct Grant {
    pub hash: TokenHash,
    pub access: Access,
    /// After this moment the token is refused.
    pub expires: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGrant {
    #[error("token {name:?} has {length} characters; use at least {TOKEN_BYTES_MIN}")]
    Short { name: String, length: usize },
    #[error("token {name:?} has no scope, so it would permit nothing")]
    NoScope { name: String },
    #[error("token {name:?} names no tenant; list some, or write tenants = [\"*\"] for all")]
    NoTenant { name: String },
    #[error("token {name:?}: {message}")]
    Tenant { name: String, message: String },
    #[error("token {name:?} may write for its own tenant, so it must name exactly one")]
    WriterNeedsOneTenant { name: String },
}

impl Grant {
    /// Checks a token of the configuration. `tenants` is `["*"]` for all.
    pub fn new(
        name: &str,
        token: &str,
        tenants: &[String],
        scopes: BTreeSet<Scope>,
        node: Option<String>,
        expires: Option<Timestamp>,
    ) -> Result<Self, InvalidGrant> {
        let name = name.to_owned();
        if token.len() < TOKEN_BYTES_MIN {
            return Err(InvalidGrant::Short { name, length: token.len() });
        }
        if scopes.is_empty() {
            return Err(InvalidGrant::NoScope { name });
        }
        let tenants = match tenants {
            [] => return Err(InvalidGrant::NoTenant { name }),
            [all] if all == "*" => Tenants::All,
            some => {
                let parsed: Result<BTreeSet<TenantId>, _> =
                    some.iter().map(|tenant| TenantId::new(tenant)).collect();
                let parsed = parsed.map_err(|error| InvalidGrant::Tenant {
                    name: name.clone(),
                    message: error.to_string(),
                })?;
                match (parsed.len(), parsed.first()) {
                    (1, Some(one)) => Tenants::One(one.clone()),
                    _ => Tenants::Some(parsed),
                }
            }
        };
        if scopes.contains(&Scope::MetricsWrite) && !matches!(tenants, Tenants::One(_)) {
            return Err(InvalidGrant::WriterNeedsOneTenant { name });
        }
        let access = Access { name, tenants, scopes, node };
        Ok(Self { hash: TokenHash::of(token), access, expires })
    }
}

/// All tokens that are accepted.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    grants: Vec<Grant>,
}

/// Why a token was refused. A caller learns nothing beyond this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unauthorized {
    #[error("no token: send the header Authorization: Bearer <token>")]
    Missing,
    #[error("unknown or expired token")]
    Unknown,
}

impl Tokens {
    pub fn new(grants: Vec<Grant>) -> Self {
        Self { grants }
    }

    /// The rights that an `Authorization` header gives. The user part of Basic is ignored, so that
    /// clients that know only Basic can send a token as the password; decoding Basic is up to the
    /// caller.
    pub fn authenticate(
        &self,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<&Access, Unauthorized> {
        let token = token.filter(|token| !token.is_empty()).ok_or(Unauthorized::Missing)?;
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Unauthorized::Unknown);
        }
        let hash = TokenHash::of(token);
        // Every grant is compared, so that the time taken tells nothing of which one came close.
        let mut found = None;
        for grant in &self.grants {
            if bool::from(grant.hash.0.ct_eq(&hash.0)) {
                found = Some(grant);
            }
        }
        let grant = found.ok_or(Unauthorized::Unknown)?;
        match grant.expires {
            Some(expires) if expires <= now => Err(Unauthorized::Unknown),
            _ => Ok(&grant.access),
        }
    }
}

#[cfg(test)]
mod tests;
