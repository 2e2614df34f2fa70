//! Tests that the number of tenants named is bounded, and that the others are counted.

use model::tenant::TenantId;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, text},
    registry::Registry,
};
use tsdb::{limits::Limits, outcome::RejectReason, stats::TenantStats};

use super::encode;

#[derive(Debug)]
struct Fixed(Vec<TenantStats>, usize);

impl Collector for Fixed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        encode(&mut encoder, &mut self.0.clone(), self.1)
    }
}

fn share(name: &str, series: u64) -> TenantStats {
    let mut rejected_for = [0; RejectReason::ALL.len()];
    rejected_for[RejectReason::SeriesLimit as usize] = series / 2;
    TenantStats {
        tenant: TenantId::new(name).unwrap(),
        series,
        samples_appended: series * 10,
        rejected: series / 2,
        rejected_for,
        sample_bytes: series * 100,
        index_bytes: series,
        limits: Limits { active_series: 7, ..Limits::default() },
    }
}

fn encoded(shares: Vec<TenantStats>, max: usize) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Fixed(shares, max)));
    let mut text = String::new();
    text::encode(&mut text, &registry).unwrap();
    text
}

#[test]
fn the_largest_are_named_and_the_rest_is_one() {
    let shares = vec![share("a", 1), share("b", 5), share("c", 3), share("d", 3)];
    let text = encoded(shares.clone(), 2);
    for line in [
        "tsdb_tenant_head_series{tenant=\"b\"} 5",
        "tsdb_tenant_head_series{tenant=\"c\"} 3",
        "tsdb_tenant_head_series{tenant=\"(others)\"} 4",
        "tsdb_tenant_head_bytes{tenant=\"(others)\"} 404",
        "tsdb_tenant_limit_head_series{tenant=\"b\"} 7",
        "tsdb_tenant_samples_appended_total{tenant=\"(others)\"} 40",
        "tsdb_tenant_samples_rejected_total{tenant=\"b\",reason=\"series_limit\"} 2",
        "tsdb_tenant_samples_rejected_total{tenant=\"(others)\",reason=\"series_limit\"} 1",
    ] {
        let mut numbers = text.lines().map(|found| found.trim_end_matches(".0"));
        assert!(numbers.any(|found| found == line), "{line} is missing:\n{text}");
    }
    for absent in
        ["tenant=\"a\"", "tenant=\"d\"", "tsdb_tenant_limit_head_series{tenant=\"(others)\"}"]
    {
        assert!(!text.contains(absent), "{absent}:\n{text}");
    }
    assert!(!encoded(shares, 4).contains("(others)"));
    assert!(!encoded(Vec::new(), 4).contains("(others)"));
}
