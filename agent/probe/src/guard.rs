//! Which addresses may be probed for whom.
//!
//! A tenant names paths and hosts; without a guard it could make a privileged prober call the
//! node, a neighbour or a metadata service (server-side request forgery). So the address that is
//! really connected to, after name resolution, must be allowed for the tenant. An empty list
//! allows nothing.

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use model::tenant::TenantId;

/// Asked with the address itself right before each connection; between the question and the
/// connection no name is resolved again.
pub trait Guard: fmt::Debug + Send + Sync {
    fn allows(&self, tenant: &TenantId, address: IpAddr) -> bool;
}

/// A network in CIDR form. IPv4 in IPv6 (`::ffff:a.b.c.d`) counts as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a network: write an address, or an address and a prefix length as in 10.0.0.0/8"
)]
pub struct InvalidNetwork(String);

impl Network {
    /// `None` when the prefix is longer than the address.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= bits).then_some(Self { address, prefix })
    }

    /// One address only.
    pub fn host(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.prefix);
                let top = |ip: Ipv4Addr| u32::from(ip).checked_shr(shift).unwrap_or(0);
                top(own) == top(other)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.prefix);
                let top = |ip: Ipv6Addr| u128::from(ip).checked_shr(shift).unwrap_or(0);
                top(own) == top(other)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;
    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let parse = || {
            let Some((address, prefix)) = text.split_once('/') else {
                return text.parse().ok().map(Self::host);
            };
            Self::new(address.parse().ok()?, prefix.parse().ok()?)
        };
        parse().ok_or_else(|| InvalidNetwork(text.chars().take(64).collect()))
    }
}

/// A fixed list per tenant.
#[derive(Clone, Debug, Default)]
pub struct AllowList {
    tenants: BTreeMap<TenantId, Vec<Network>>,
    everyone: Vec<Network>,
}

impl AllowList {
    pub fn allow(&mut self, tenant: TenantId, network: Network) {
        self.tenants.entry(tenant).or_default().push(network);
    }

    /// Allows a network for every tenant: for a machine of one's own, not for a platform.
    pub fn allow_everyone(&mut self, network: Network) {
        self.everyone.push(network);
    }
}

impl Guard for AllowList {
    fn allows(&self, tenant: &TenantId, address: IpAddr) -> bool {
        let own = self.tenants.get(tenant).into_iter().flatten();
        own.chain(&self.everyone).any(|network| network.contains(address))
    }
}

#[cfg(test)]
mod tests;
