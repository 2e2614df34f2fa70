//! Network interfaces, protocols and sockets.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    kernel::Kernel,
    netlink::Netlink,
    node::out::Out,
    parse::{
        lines,
        netlink::Link,
        node::{INTERFACE_COUNTERS, interface_line, protocol_counters, sockstat, softnet_line},
        number, words,
    },
};

/// `IF_OPER_…`, by number, as the kernel writes them below `/sys/class/net`.
const OPERATIONAL: [&str; 7] =
    ["unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"];
const OPERATIONAL_UP: u8 = 6;
/// `IFF_RUNNING`, `IFF_LOWER_UP` and `IFF_DORMANT`, which the kernel adds for netlink and leaves out
/// below `/sys/class/net`.
const STATE_FLAGS: u32 = 0x40 | 0x1_0000 | 0x2_0000;
/// `ARPHRD_ETHER`.
const ETHERNET: u16 = 1;
/// Counters of protocols that dashboards ask for, as node_exporter does by default.
const PROTOCOLS: [&str; 42] = [
    "node_netstat_Icmp6_InErrors",
    "node_netstat_Icmp6_InMsgs",
    "node_netstat_Icmp6_OutMsgs",
    "node_netstat_Icmp_InErrors",
    "node_netstat_Icmp_InMsgs",
    "node_netstat_Icmp_OutMsgs",
    "node_netstat_Ip6_InOctets",
    "node_netstat_Ip6_OutOctets",
    "node_netstat_IpExt_InOctets",
    "node_netstat_IpExt_OutOctets",
    "node_netstat_Ip_Forwarding",
    "node_netstat_TcpExt_ListenDrops",
    "node_netstat_TcpExt_ListenOverflows",
    "node_netstat_TcpExt_SyncookiesFailed",
    "node_netstat_TcpExt_SyncookiesRecv",
    "node_netstat_TcpExt_SyncookiesSent",
    "node_netstat_TcpExt_TCPOFOQueue",
    "node_netstat_TcpExt_TCPRcvQDrop",
    "node_netstat_TcpExt_TCPSynRetrans",
    "node_netstat_TcpExt_TCPTimeouts",
    "node_netstat_Tcp_ActiveOpens",
    "node_netstat_Tcp_CurrEstab",
    "node_netstat_Tcp_InErrs",
    "node_netstat_Tcp_InSegs",
    "node_netstat_Tcp_OutRsts",
    "node_netstat_Tcp_OutSegs",
    "node_netstat_Tcp_PassiveOpens",
    "node_netstat_Tcp_RetransSegs",
    "node_netstat_Udp6_InDatagrams",
    "node_netstat_Udp6_InErrors",
    "node_netstat_Udp6_NoPorts",
    "node_netstat_Udp6_OutDatagrams",
    "node_netstat_Udp6_RcvbufErrors",
    "node_netstat_Udp6_SndbufErrors",
    "node_netstat_UdpLite6_InErrors",
    "node_netstat_UdpLite_InErrors",
    "node_netstat_Udp_InDatagrams",
    "node_netstat_Udp_InErrors",
    "node_netstat_Udp_NoPorts",
    "node_netstat_Udp_OutDatagrams",
    "node_netstat_Udp_RcvbufErrors",
    "node_netstat_Udp_SndbufErrors",
];

impl Out<'_> {
    /// Interfaces as `/proc/net/dev` tells of them.
    pub(super) fn interfaces(&mut self, text: &[u8]) {
        let mut seen = BTreeSet::new();
        for (name, columns) in lines(text).filter_map(interface_line) {
            let Ok(name) = std::str::from_utf8(name) else { continue };
            if self.admit(&mut seen, name) {
                for (metric, value) in INTERFACE_COUNTERS.iter().zip(columns) {
                    self.put(metric, &[("device", name)], value as f64);
                }
            }
        }
    }

    /// Interfaces as the kernel tells of them when asked; false when it does not answer.
    pub(super) fn links(&mut self, netlink: &mut Netlink, sys: &Path, kernel: &mut Kernel) -> bool {
        let Ok(links) = netlink.links() else {
            self.written.failed += 1;
            return false;
        };
        let mut seen = BTreeSet::new();
        for link in &links {
            if !self.admit(&mut seen, link.name.as_str()) {
                continue;
            }
            let device = [("device", link.name.as_str())];
            if let Some(counters) = &link.counters {
                for (metric, value) in INTERFACE_COUNTERS.iter().zip(counters.columns()) {
                    self.put(metric, &device, value as f64);
                }
                let unwanted = counters.received_without_handler() as f64;
                self.put("node_network_receive_nohandler_total", &device, unwanted);
            }
            // What leads into a container has no cable, and there are many of them.
            let cable = link.hardware == ETHERNET && link.namespace.is_none();
            let folder = cable.then(|| sys.join("class/net").join(&link.name));
            let mut read = |name| {
                let text = kernel.read_path(&folder.as_ref()?.join(name)).ok()?;
                Some(std::str::from_utf8(text).ok()?.trim().to_owned())
            };
            let duplex = read("duplex").unwrap_or_default();
            // A link that is down, or has no speed, says -1.
            if let Some(megabits) = read("speed").and_then(|text| text.parse::<u32>().ok()) {
                self.put("node_network_speed_bytes", &device, f64::from(megabits) * 125_000.0);
            }
            self.state(link, &duplex);
        }
        true
    }

    fn state(&mut self, link: &Link, duplex: &str) {
        let device = [("device", link.name.as_str())];
        let up = link.operational == OPERATIONAL_UP;
        let state = OPERATIONAL.get(usize::from(link.operational)).unwrap_or(&"unknown");
        let (address, broadcast) = (hardware(&link.address), hardware(&link.broadcast));
        let info = [
            device[0],
            ("address", &address),
            ("broadcast", &broadcast),
            ("duplex", duplex),
            ("ifalias", &link.alias),
            ("operstate", state),
        ];
        self.put("node_network_info", &info, 1.0);
        self.put("node_network_up", &device, f64::from(u8::from(up)));
        self.put("node_network_flags", &device, f64::from(link.flags & !STATE_FLAGS));
        self.put("node_network_iface_id", &device, f64::from(link.index));
        self.put("node_network_protocol_type", &device, f64::from(link.hardware));
        let leads_to = link.leads_to.unwrap_or(link.index);
        self.put("node_network_iface_link", &device, f64::from(leads_to));
        for (metric, value) in [
            ("node_network_mtu_bytes", link.mtu),
            ("node_network_transmit_queue_length", link.queue_length),
            ("node_network_carrier", link.carrier.map(u32::from)),
            ("node_network_carrier_changes_total", link.carrier_changes),
            ("node_network_carrier_up_changes_total", link.carrier_ups),
            ("node_network_carrier_down_changes_total", link.carrier_downs),
        ] {
            if let Some(value) = value {
                self.put(metric, &device, f64::from(value));
            }
        }
    }

    pub(super) fn protocols(&mut self, text: &[u8]) {
        for (protocol, name, value) in protocol_counters(text) {
            self.protocol(&[protocol, b"_", name], value);
        }
    }

    /// `/proc/net/snmp6` has protocol and name in one word.
    pub(super) fn protocols6(&mut self, text: &[u8]) {
        for line in lines(text) {
            let mut words = words(line);
            let (Some(name), Some(value)) = (words.next(), words.next().and_then(number)) else {
                continue;
            };
            if let Some(split) = name.iter().position(|byte| *byte == b'6')
                && let Some((protocol, name)) = name.split_at_checked(split + 1)
            {
                self.protocol(&[protocol, b"_", name], value);
            }
        }
    }

    fn protocol(&mut self, name: &[&[u8]], value: u64) {
        let known = PROTOCOLS.iter().find(|metric| {
            metric
                .strip_prefix("node_netstat_")
                .and_then(|wanted| {
                    name.iter().try_fold(wanted.as_bytes(), |rest, part| rest.strip_prefix(*part))
                })
                .is_some_and(<[u8]>::is_empty)
        });
        if let Some(metric) = known {
            self.put(metric, &[], value as f64);
        }
    }

    /// Memory of sockets is in pages.
    pub(super) fn sockets(&mut self, text: &[u8]) {
        let page = rustix::param::page_size() as f64;
        for (protocol, name, value) in sockstat(text) {
            let (Ok(protocol), Ok(name)) =
                (std::str::from_utf8(protocol), std::str::from_utf8(name))
            else {
                continue;
            };
            let metric = format!("node_sockstat_{protocol}_{name}");
            self.put(&metric, &[], value as f64);
            if name == "mem" {
                self.put(&format!("{metric}_bytes"), &[], value as f64 * page);
            }
        }
    }

    pub(super) fn softnet(&mut self, text: &[u8]) {
        for (processor, counters) in lines(text).enumerate().take(super::DEVICES_MAX) {
            let Some([processed, dropped, squeezed]) = softnet_line(counters) else { continue };
            let name = processor.to_string();
            let cpu = [("cpu", name.as_str())];
            self.put("node_softnet_processed_total", &cpu, processed as f64);
            self.put("node_softnet_dropped_total", &cpu, dropped as f64);
            self.put("node_softnet_times_squeezed_total", &cpu, squeezed as f64);
        }
    }

    /// How many neighbours each interface has in `/proc/net/arp`.
    pub(super) fn neighbours(&mut self, text: &[u8]) {
        let mut entries: BTreeMap<&str, u32> = BTreeMap::new();
        for line in lines(text).skip(1) {
            let device = words(line).nth(5).and_then(|word| std::str::from_utf8(word).ok());
            if let Some(device) = device {
                *entries.entry(device).or_default() += 1;
            }
        }
        let mut seen = BTreeSet::new();
        for (device, count) in entries {
            if self.admit(&mut seen, device) {
                self.put("node_arp_entries", &[("device", device)], f64::from(count));
            }
        }
    }
}

/// An address of hardware as everyone writes it.
fn hardware(address: &[u8]) -> String {
    let bytes: Vec<String> = address.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(":")
}
