//! What each tenant uses, as metrics: a bounded number of tenants by name, the others as one.

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use tsdb::{outcome::RejectReason, stats::TenantStats};

/// Stands for all tenants that are not named. No tenant can have this name.
pub(super) const OTHERS: &str = "(others)";

/// Shares of the named tenants, and what the others have together.
struct Shares<'a> {
    named: &'a [TenantStats],
    others: Option<Sum>,
}

#[derive(Default)]
struct Sum {
    series: u64,
    samples: u64,
    rejected: [u64; RejectReason::ALL.len()],
    bytes: u64,
}

impl Sum {
    fn of(shares: &[TenantStats]) -> Self {
        let mut sum = Self::default();
        for share in shares {
            sum.series += share.series;
            sum.samples += share.samples_appended;
            sum.bytes += bytes(share);
            for (sum, count) in sum.rejected.iter_mut().zip(share.rejected_for) {
                *sum += count;
            }
        }
        sum
    }
}

fn bytes(share: &TenantStats) -> u64 {
    share.sample_bytes + share.index_bytes
}

/// Writes the metrics of the `max` tenants with the most series by name, and the rest under
/// [`OTHERS`]. Limits of the others are left out, because their sum limits nothing.
pub(super) fn encode(
    encoder: &mut DescriptorEncoder<'_>,
    tenants: &mut [TenantStats],
    max: usize,
) -> Result<(), std::fmt::Error> {
    tenants.sort_by(|a, b| b.series.cmp(&a.series).then_with(|| a.tenant.cmp(&b.tenant)));
    let (named, others) = tenants.split_at(max.min(tenants.len()));
    let others = (!others.is_empty()).then(|| Sum::of(others));
    let shares = Shares { named, others };
    shares.gauge(
        encoder,
        ("tsdb_tenant_head_series", "Active series, by tenant"),
        |share| share.series as f64,
        Some(|sum| sum.series as f64),
    )?;
    shares.gauge(
        encoder,
        (
            "tsdb_tenant_head_bytes",
            "Memory of samples not in blocks yet and of their index, by tenant",
        ),
        |share| bytes(share) as f64,
        Some(|sum| sum.bytes as f64),
    )?;
    shares.gauge(
        encoder,
        ("tsdb_tenant_limit_head_series", "Most active series, by tenant"),
        |share| share.limits.active_series as f64,
        None,
    )?;
    shares.gauge(
        encoder,
        ("tsdb_tenant_limit_new_series_per_second", "Most new series per second, by tenant"),
        |share| share.limits.new_series_per_second,
        None,
    )?;
    shares.gauge(
        encoder,
        ("tsdb_tenant_limit_samples_per_second", "Most samples per second, by tenant"),
        |share| share.limits.samples_per_second,
        None,
    )?;
    shares.gauge(
        encoder,
        ("tsdb_tenant_limit_bytes_per_second", "Most bytes written per second, by tenant"),
        |share| share.limits.bytes_per_second,
        None,
    )?;
    shares.counters(encoder)
}

impl Shares<'_> {
    fn gauge(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help): (&str, &str),
        value: fn(&TenantStats) -> f64,
        of_others: Option<fn(&Sum) -> f64>,
    ) -> Result<(), std::fmt::Error> {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for share in self.named {
            let labels = [("tenant", share.tenant.as_str())];
            ConstGauge::new(value(share)).encode(family.encode_family(&labels)?)?;
        }
        if let (Some(value), Some(others)) = (of_others, &self.others) {
            ConstGauge::new(value(others)).encode(family.encode_family(&[("tenant", OTHERS)])?)?;
        }
        Ok(())
    }

    fn counters(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let named = self
            .named
            .iter()
            .map(|share| (share.tenant.as_str(), share.samples_appended, share.rejected_for));
        let others = self.others.iter().map(|sum| (OTHERS, sum.samples, sum.rejected));
        let all: Vec<_> = named.chain(others).collect();
        let mut appended = encoder.encode_descriptor(
            "tsdb_tenant_samples_appended",
            "Samples taken, by tenant",
            None,
            MetricType::Counter,
        )?;
        for (tenant, samples, _) in &all {
            let labels = [("tenant", *tenant)];
            ConstCounter::new(*samples).encode(appended.encode_family(&labels)?)?;
        }
        let mut rejected = encoder.encode_descriptor(
            "tsdb_tenant_samples_rejected",
            "Samples refused, by tenant and reason",
            None,
            MetricType::Counter,
        )?;
        for (tenant, _, counts) in &all {
            for (reason, count) in RejectReason::ALL.iter().zip(counts) {
                if *count > 0 {
                    let labels = [("tenant", *tenant), ("reason", reason.as_str())];
                    ConstCounter::new(*count).encode(rejected.encode_family(&labels)?)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
