//! A real network namespace with a pair of interfaces, as a container has.

use std::{
    io::{BufRead, BufReader, Read},
    net::UdpSocket,
    process::{Child, Command, Stdio},
};

use collector::{
    hierarchy::Hierarchy,
    kernel::{DescriptorBudget, Kernel},
    network::{Attachment, Networks},
    series::Template,
    usage::Depth,
};
use model::{labels::Labels, time::Timestamp, write::WriteBatch};

use crate::real_groups::RealGroup;

/// A process in a network namespace of its own, with an interface `eth0`.
struct Container {
    process: Child,
    host_end: String,
}

impl Drop for Container {
    fn drop(&mut self) {
        // The pair ends with the namespace, but only a moment later.
        drop(run("ip", &["link", "delete", &self.host_end]));
        self.process.kill().expect("is ours");
        self.process.wait().expect("is ours");
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stderr);
    output.status.success().then_some(()).ok_or_else(|| format!("{program} {arguments:?}: {text}"))
}

impl Container {
    /// `None` where this machine does not permit it.
    fn start(number: u8) -> Result<Self, String> {
        let mut process = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo in; read line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().expect("is piped"));
        output.read_line(&mut line).map_err(|error| error.to_string())?;
        let host_end = format!("twtest{}n{number}", std::process::id() % 10_000);
        let container = Self { process, host_end };
        if line != "in\n" {
            return Err("a network namespace is not permitted".to_owned());
        }
        let pid = container.process.id().to_string();
        let end = container.host_end.as_str();
        let (ours, theirs) = (format!("10.213.{number}.1/24"), format!("10.213.{number}.2/24"));
        let peer = ["type", "veth", "peer", "name", "eth0", "netns", &pid];
        run("ip", &[&["link", "add", end], &peer[..]].concat())?;
        run("ip", &["addr", "add", &ours, "dev", end])?;
        run("ip", &["link", "set", end, "up"])?;
        for inside in [
            &["addr", "add", &theirs, "dev", "eth0"][..],
            &["link", "set", "eth0", "address", "02:00:00:00:00:02"],
            &["link", "set", "eth0", "up"],
        ] {
            run("nsenter", &[&["-t", &pid, "-n", "ip"], inside].concat())?;
        }
        // So that nothing waits for an answer.
        let address = format!("10.213.{number}.2");
        let neighbour = ["lladdr", "02:00:00:00:00:02", "dev", end, "nud", "permanent"];
        run("ip", &[&["neigh", "replace", &address], &neighbour[..]].concat())?;
        Ok(container)
    }

    /// Received and sent bytes and packets as seen from inside.
    fn inside(&self) -> [u64; 4] {
        let path = format!("/proc/{}/net/dev", self.process.id());
        let mut text = String::new();
        #[expect(clippy::disallowed_methods, reason = "the test reads the truth by itself")]
        let mut file = std::fs::File::open(path).expect("it runs");
        file.read_to_string(&mut text).expect("is text");
        let line = text.lines().find_map(|line| line.trim().strip_prefix("eth0:"));
        let columns: Vec<u64> = line
            .expect("has an interface")
            .split_whitespace()
            .map(|word| word.parse().expect("is a number"))
            .collect();
        [columns[0], columns[1], columns[8], columns[9]]
    }
}

fn told(networks: &mut Networks, attachment: &Attachment) -> Vec<(String, f64)> {
    networks.read().expect("the kernel answers");
    let mut template = Template::new(&[("id", "/pod")]).expect("are labels");
    let mut batch = WriteBatch::default();
    for traffic in networks.traffic(attachment) {
        template.write_traffic(&traffic, Depth::Full, Timestamp(1), &mut batch);
    }
    let named = |labels: &[u8]| Labels::from_bytes(labels).expect("are labels").to_string();
    let series = batch.series();
    let told = series.map(|series| (named(series.labels), series.samples[0].value)).collect();
    let mut end = WriteBatch::default();
    assert_eq!(template.write_stale(Timestamp(2), &mut end), batch.series_count());
    told
}

#[test]
fn what_a_container_receives_the_host_has_sent() {
    let mut kernel = Kernel::new(DescriptorBudget::new(64));
    let Ok(hierarchy) = Hierarchy::detect(&mut kernel) else {
        return println!("no cgroups; not tested here");
    };
    let container = match Container::start(77) {
        Ok(container) => container,
        Err(error) => return println!("{error}; networks of containers are not tested here"),
    };
    let names = ["network-oldest", "network-of-host"]
        .map(|name| format!("/tidewatch-test-{}-{name}", std::process::id()));
    let [Some(inside), Some(outside)] =
        names.each_ref().map(|path| RealGroup::create(&hierarchy, path))
    else {
        return;
    };
    inside.enter(container.process.id());
    let mut host = Command::new("sleep").arg("1000").spawn().expect("sleep is everywhere");
    outside.enter(host.id());
    let groups = names.each_ref().map(|path| hierarchy.group(path).expect("is a group path"));
    let mut attachments = [Attachment::default(), Attachment::default()];
    let mut networks = Networks::open().expect("netlink is everywhere");
    networks.renew(&mut kernel, groups.iter().zip(&mut attachments)).expect("the kernel answers");
    assert_eq!(networks.owned(), 1, "the host's own network is no container's");

    let socket = UdpSocket::bind("10.213.77.1:0").expect("is our address");
    for _ in 0..100 {
        socket.send_to(&[7; 1000], "10.213.77.2:9").expect("is sent");
    }
    // Interfaces that have just begun also speak of themselves: what is told lies between.
    let before = container.inside();
    let told = told(&mut networks, &attachments[0]);
    let after = container.inside();
    assert!(before[0] > 100_000, "{before:?}");
    assert_eq!(told.len(), 8);
    for (metric, column) in [
        ("receive_bytes", 0),
        ("receive_packets", 1),
        ("transmit_bytes", 2),
        ("transmit_packets", 3),
    ] {
        let name = format!("container_network_{metric}_total{{id=\"/pod\", interface=\"eth0\"}}");
        let (_, value) = told.iter().find(|(series, _)| *series == name).expect("is told");
        let between = before[column] as f64..=after[column] as f64;
        assert!(between.contains(value), "{metric}: {before:?} {value} {after:?}");
    }
    assert_eq!(networks.traffic(&attachments[1]).count(), 0);
    host.kill().expect("is ours");
    host.wait().expect("is ours");
    networks.release(&attachments[0]);
    assert_eq!(networks.owned(), 0);
    // Before its group, which cannot be removed with a process inside.
    drop(container);
}
