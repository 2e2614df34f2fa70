//! The real node_exporter beside us: what both tell must be the same, by name and labels.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use collector::{
    kernel::{DescriptorBudget, Kernel},
    node::Node,
};
use model::{labels::Labels, time::Timestamp, write::WriteBatch};

/// Series by name and labels. Empty labels are none, as everywhere in Prometheus.
type Series = BTreeMap<String, f64>;

struct Exporter(Child);

impl Drop for Exporter {
    fn drop(&mut self) {
        self.0.kill().expect("is ours");
        self.0.wait().expect("is ours");
    }
}

impl Exporter {
    fn start() -> (Self, String) {
        let mut child = Command::new("prometheus-node-exporter")
            .arg("--web.listen-address=127.0.0.1:0")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("apt-get install prometheus-node-exporter, or set TIDEWATCH_WITHOUT_PEERS");
        let mut lines = BufReader::new(child.stderr.take().expect("is piped")).lines();
        let address = lines.find_map(|line| {
            let line = line.expect("is text");
            let (_, address) = line.split_once("address=127.0.0.1:")?;
            Some(format!("127.0.0.1:{}", address.trim_end_matches('"')))
        });
        // Read on, so that it never waits for us.
        std::thread::spawn(move || lines.count());
        (Self(child), address.expect("it says where it listens"))
    }
}

fn scrape(address: &str) -> Series {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    let lines = text.lines().filter(|line| line.starts_with("node_"));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a value follows");
            let labels: String = series
                .split_once('{')
                .map(|(name, labels)| {
                    let labels = labels.trim_end_matches('}').split("\",");
                    let kept: Vec<String> = labels
                        .map(|label| format!("{}\"", label.trim_end_matches('"')))
                        .filter(|label| !label.ends_with("=\""))
                        .collect();
                    format!("{name}{{{}}}", kept.join(", "))
                })
                .unwrap_or_else(|| series.to_owned());
            (labels, value.parse().expect("is a number"))
        })
        .collect()
}

fn ours(node: &mut Node, kernel: &mut Kernel) -> Series {
    let mut batch = WriteBatch::default();
    let since = std::time::UNIX_EPOCH.elapsed().expect("it is later").as_millis();
    let now = Timestamp(i64::try_from(since).expect("fits"));
    node.write(kernel, now, &mut batch);
    let named = |labels: &[u8]| Labels::from_bytes(labels).expect("are labels").to_string();
    batch.series().map(|series| (named(series.labels), series.samples[0].value)).collect()
}

/// What may change much between two readings that follow each other.
const LIVELY: [&str; 16] = [
    "node_load",
    "node_procs_",
    "node_memory_",
    "node_disk_io_now",
    "node_filesystem_avail_bytes",
    "node_filesystem_free_bytes",
    "node_filesystem_files_free",
    "node_sockstat_",
    "node_netstat_Tcp_CurrEstab",
    "node_filefd_allocated",
    "node_entropy_available_bits",
    "node_nf_conntrack_entries",
    "node_arp_entries",
    "node_network_up",
    "node_network_carrier",
    "node_network_info",
];

/// Of node_exporter's default metrics on this machine, what dashboards do not ask for, or what
/// needs more than reading: udev's database, the adjusted clock (`adjtimex`), other programs' files.
const LEFT_OUT: [&str; 18] = [
    "node_disk_info",
    "node_exporter_build_info",
    "node_network_address_assign_type",
    "node_network_device_id",
    "node_network_dormant",
    "node_network_iface_link_mode",
    "node_network_name_assign_type",
    "node_network_net_dev_group",
    "node_nf_conntrack_stat_",
    "node_scrape_collector_",
    "node_selinux_",
    "node_textfile_",
    "node_time_clocksource_",
    "node_time_zone_offset_seconds",
    "node_timex_",
    "node_udp_queues",
    "node_cooling_device_",
    "node_schedstat_",
];

#[test]
fn what_both_tell_is_the_same() {
    if std::env::var_os("TIDEWATCH_WITHOUT_PEERS").is_some() {
        eprintln!("left out: node_exporter beside us (TIDEWATCH_WITHOUT_PEERS)");
        return;
    }
    let mut kernel = Kernel::new(DescriptorBudget::new(64));
    let node = Node::open(&kernel, Path::new("/proc"), &[]).expect("are labels");
    let mut node = node.of_this_machine(&mut kernel);
    let (_exporter, address) = Exporter::start();
    // Theirs between two of ours: what is counted lies between, whatever else the machine does.
    let before = ours(&mut node, &mut kernel);
    let theirs = scrape(&address);
    let after = ours(&mut node, &mut kernel);
    let (mut wrong, mut both) = (Vec::new(), 0);
    for (series, value) in &theirs {
        let (Some(first), Some(last)) = (before.get(series), after.get(series)) else { continue };
        both += 1;
        let slack = if LIVELY.iter().any(|lively| series.starts_with(lively)) {
            // A tenth of a gauge that others move; a handful for the small ones.
            let small = if series.contains("bytes") { 64.0 * 1024.0 * 1024.0 } else { 50.0 };
            (first.abs().max(last.abs()) * 0.1).max(small)
        } else {
            // Theirs are floating point sums of the same numbers; processors' ticks are 10 ms.
            first.abs() * 1e-9 + 0.011
        };
        if *value < first.min(*last) - slack || *value > first.max(*last) + slack {
            wrong.push(format!("{series}: {first}, theirs {value}, {last}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(both > 200, "only {both} series of {} are in both", theirs.len());
    let missing: Vec<_> = theirs
        .iter()
        // A speed below zero is one that nobody knows.
        .filter(|(series, value)| !before.contains_key(*series) && **value >= 0.0)
        .map(|(series, _)| series)
        // Interfaces that another test makes and takes away.
        .filter(|series| !series.contains("twtest"))
        .filter(|series| !LEFT_OUT.iter().any(|name| series.starts_with(name)))
        .collect();
    assert!(missing.is_empty(), "{both} series are in both, these only in theirs: {missing:#?}");
}
