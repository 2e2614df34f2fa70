//! Tests on files captured from a real machine.

use std::path::{Path, PathBuf};

use model::{labels::Labels, metadata::MetricType, time::Timestamp, write::WriteBatch};

use super::{Node, boot_seconds, metadata};
use crate::{
    kernel::{DescriptorBudget, Kernel},
    series::InvalidTemplate,
};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/proc")
}

#[test]
fn a_machine_in_node_exporters_names() {
    let mut kernel = Kernel::new(DescriptorBudget::new(16));
    let mut node = Node::open(&kernel, &golden(), &[("node", "n1")]).expect("are labels");
    let mut batch = WriteBatch::default();
    let written = node.write(&mut kernel, Timestamp(1), &mut batch);
    assert_eq!((written.series, written.failed, written.dropped), (batch.series_count(), 0, 0));
    let value = |wanted: &str| {
        let found = batch.series().find(|series| {
            Labels::from_bytes(series.labels).is_some_and(|labels| labels.to_string() == wanted)
        });
        found.map(|series| series.samples[0].value)
    };
    for (series, expect) in [
        (r#"node_cpu_seconds_total{cpu="0", mode="user", node="n1"}"#, 460.06),
        (r#"node_cpu_seconds_total{cpu="1", mode="steal", node="n1"}"#, 1.21),
        (r#"node_boot_time_seconds{node="n1"}"#, 1_795_443_249.0),
        (r#"node_context_switches_total{node="n1"}"#, 7_890_320.0),
        (r#"node_forks_total{node="n1"}"#, 123_035.0),
        (r#"node_procs_running{node="n1"}"#, 9.0),
        (r#"node_load1{node="n1"}"#, 9.5),
        (r#"node_load15{node="n1"}"#, 4.97),
        (r#"node_memory_MemTotal_bytes{node="n1"}"#, 24_684_092.0 * 1024.0),
        (r#"node_disk_read_bytes_total{device="vda", node="n1"}"#, 24_886_522.0 * 512.0),
        (r#"node_disk_io_time_seconds_total{device="vda", node="n1"}"#, 51.396),
        (r#"node_network_receive_bytes_total{device="eth0", node="n1"}"#, 674_141_416.0),
        (r#"node_network_transmit_packets_total{device="eth0", node="n1"}"#, 15_661.0),
    ] {
        let found = value(series).unwrap_or_else(|| panic!("no {series}"));
        assert!((found - expect).abs() <= expect * 1e-12, "{series} is {found}");
    }
    assert_eq!(value(r#"node_disk_read_bytes_total{device="loop7", node="n1"}"#), None);
}

#[test]
fn this_machine() {
    let mut kernel = Kernel::new(DescriptorBudget::new(16));
    let mut node = Node::open(&kernel, Path::new("/proc"), &[]).expect("are labels");
    let mut batch = WriteBatch::default();
    assert!(node.write(&mut kernel, Timestamp(1), &mut batch).series > 20);
    assert!(boot_seconds(&mut kernel).expect("is readable") > 1.6e9);
}

#[test]
fn files_that_are_not_there_are_left_out() {
    let mut kernel = Kernel::new(DescriptorBudget::new(16));
    let empty = tempfile::tempdir().expect("there is room for a directory");
    let mut node = Node::open(&kernel, empty.path(), &[]).expect("are labels");
    let mut batch = WriteBatch::default();
    assert_eq!(node.write(&mut kernel, Timestamp(1), &mut batch).series, 0);
    let error = Node::open(&kernel, empty.path(), &[("mode", "x")]).map(|_| ()).unwrap_err();
    assert_eq!(error, InvalidTemplate::Reserved { name: "mode".to_owned() });
}

#[test]
fn types_follow_from_names() {
    let kind = |metric| metadata(metric).map(|metadata| metadata.kind);
    assert_eq!(kind("node_cpu_seconds_total"), Some(MetricType::Counter));
    assert_eq!(kind("node_load1"), Some(MetricType::Gauge));
    assert_eq!(kind("container_memory_rss"), None);
}
