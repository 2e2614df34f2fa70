//! What is written of containers that no tick has seen.

use collector::{
    kernel::{DescriptorBudget, Kernel},
    usage::{Cpu, Usage},
};
use containers::{
    container::{Container, Facts, Phase, State},
    handle::Containers,
    mapping::{Mapping, Owner},
    registry::Registry,
};
use model::{
    columns::is_stale, labels::Labels, tenant::TenantId, time::Timestamp, write::WriteBatch,
};

use super::CgroupSource;
use crate::{
    containers::{Brief, Known},
    sources::{NodeLabels, Source, Tick, sandboxes::Claims},
};

fn brief() -> Brief {
    let facts = Facts {
        name: "job".to_owned(),
        pod_name: "job-0".to_owned(),
        namespace: "shop".to_owned(),
        cgroup: "/kubepods/podx/c1".to_owned(),
        state: State {
            phase: Phase::Exited,
            started: Some(Timestamp(1_000)),
            finished: Some(Timestamp(1_300)),
            ..State::default()
        },
        ..Facts::default()
    };
    let owner =
        Owner { tenant: TenantId::new("acme").ok(), app: "web".to_owned(), ..Owner::default() };
    let cpu = Cpu { usage_nanos: Some(250_000_000), ..Cpu::default() };
    Brief {
        container: Container { id: "c1".to_owned(), facts, owner },
        usage: Usage { cpu, ..Usage::default() },
    }
}

#[test]
fn a_short_life_is_written_from_its_start_to_its_end() {
    let (containers, _news) = Containers::new(Registry::new(Mapping::default(), Timestamp(0)));
    let known = Known::new(containers);
    let labels =
        NodeLabels { node: "n1".to_owned(), cluster: String::new(), region: String::new() };
    let kernel = Kernel::new(DescriptorBudget::new(16));
    let host = TenantId::new("host").unwrap();
    // Nothing is there: what is written comes from the runtime's word alone.
    let prefix = "/tidewatch-nowhere";
    let mut source =
        CgroupSource::new(kernel, prefix, host, labels, Claims::default(), Some(known.clone()))
            .unwrap();
    known.remember(brief());
    let mut batch = WriteBatch::default();
    source.collect(&Tick { now: Timestamp(2_000), full: false }, &mut batch);

    let mut samples = Vec::new();
    for series in batch.series() {
        let labels = Labels::from_bytes(series.labels).unwrap();
        let labels: Vec<(&str, &str)> = labels.iter().collect();
        for expected in [
            ("__name__", "container_cpu_usage_seconds_total"),
            ("tenant", "acme"),
            ("app", "web"),
            ("instance", "job-0"),
            ("pod", "job-0"),
            ("namespace", "shop"),
            ("container", "job"),
            ("name", "c1"),
            ("id", "/kubepods/podx/c1"),
            ("node", "n1"),
        ] {
            assert!(labels.contains(&expected), "{expected:?}: {labels:?}");
        }
        samples.extend(series.samples.iter().map(|sample| (sample.time, sample.value)));
    }
    let [start, end, (2_000, stale)] = samples[..] else { panic!("{samples:?}") };
    assert_eq!((start, end), ((1_000, 0.0), (1_300, 0.25)));
    assert!(is_stale(stale));

    // Told once.
    batch.clear();
    source.collect(&Tick { now: Timestamp(3_000), full: false }, &mut batch);
    assert!(batch.is_empty());
}
