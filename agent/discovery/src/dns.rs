//! Targets in the domain name system: A, AAAA and SRV records of a name.

use std::{net::IpAddr, time::Duration};

use daemon::stop::Stop;
use hickory_resolver::{
    TokioResolver,
    proto::rr::{RData, RecordType},
};
use scrape::{
    config::discovery::{DnsSettings, RecordKind},
    fetch::Reach,
    group::{ADDRESS, Group},
    labels::LabelSet,
};

use crate::{
    DiscoveryError, Outlet,
    poll::{self, Source},
};

const NAME: &str = "__meta_dns_name";
const SRV_TARGET: &str = "__meta_dns_srv_record_target";
const SRV_PORT: &str = "__meta_dns_srv_record_port";

/// A resolver that is set up as the system is.
pub(crate) fn system() -> Result<TokioResolver, DiscoveryError> {
    let fault = |error: &dyn std::fmt::Display| DiscoveryError::Dns(error.to_string());
    let builder = TokioResolver::builder_tokio().map_err(|error| fault(&error))?;
    builder.build().map_err(|error| fault(&error))
}

/// Looks one name up.
pub(crate) struct Lookups {
    resolver: TokioResolver,
    name: String,
    kind: RecordKind,
    port: u16,
    interval: Duration,
    reach: Reach,
    outlet: Outlet,
}

impl Lookups {
    pub(crate) fn new(
        resolver: TokioResolver,
        settings: &DnsSettings,
        name: &str,
        reach: Reach,
        outlet: Outlet,
    ) -> Self {
        let DnsSettings { kind, port, refresh_interval, .. } = settings;
        let (kind, port, interval) = (*kind, *port, refresh_interval.0);
        Self { resolver, name: name.to_owned(), kind, port, interval, reach, outlet }
    }

    pub(crate) async fn run(self, stop: Stop) {
        let (outlet, interval) = (self.outlet.clone(), self.interval);
        poll::run(self, outlet, interval, stop).await;
    }

    fn target(&self, record: &RData) -> Option<LabelSet> {
        let mut labels = LabelSet::from_iter([(NAME, self.name.as_str())]);
        let address = match record {
            RData::A(address) => host_port(IpAddr::V4(address.0), self.port),
            RData::AAAA(address) => host_port(IpAddr::V6(address.0), self.port),
            RData::SRV(service) => {
                let (target, port) = (service.target.to_string(), service.port.to_string());
                let address = format!("{}:{port}", target.trim_end_matches('.'));
                labels.set(SRV_TARGET, target);
                labels.set(SRV_PORT, port);
                address
            }
            // An alias comes along with what it stands for.
            _ => return None,
        };
        if !self.reach.allows_answer(&self.name, &address) {
            tracing::warn!(name = self.name, address, "a name stands for a forbidden address");
            return None;
        }
        labels.set(ADDRESS, address);
        Some(labels)
    }
}

fn host_port(address: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}

impl Source for Lookups {
    async fn ask(&mut self) -> Option<Vec<Group>> {
        let kind = match self.kind {
            RecordKind::A => RecordType::A,
            RecordKind::Aaaa => RecordType::AAAA,
            RecordKind::Srv => RecordType::SRV,
        };
        match self.resolver.lookup(self.name.as_str(), kind).await {
            Ok(answer) => {
                let records = answer.answers().iter();
                let mut targets: Vec<LabelSet> =
                    records.filter_map(|record| self.target(&record.data)).collect();
                // Servers rotate what they answer.
                targets.sort();
                Some(vec![Group { targets, ..Group::default() }])
            }
            Err(error) if error.is_no_records_found() => Some(Vec::new()),
            Err(error) => {
                tracing::warn!(name = self.name, %error, "targets cannot be looked up");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
