//! Parsers of files about the whole machine.

use super::{lines, number, words};

/// Modes of processor time in `/proc/stat`, in the file's order and as node_exporter names them.
pub const CPU_MODES: [&str; 8] =
    ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];

/// One processor's line of `/proc/stat`: its number and clock ticks in each of [`CPU_MODES`].
/// Time of guests is part of `user` and `nice`. `None` for other lines, and for the sum of all.
pub fn cpu_line(line: &[u8]) -> Option<(u32, [u64; CPU_MODES.len()])> {
    let mut words = words(line.strip_prefix(b"cpu")?);
    if line.get(3) == Some(&b' ') {
        return None;
    }
    let processor = u32::try_from(words.next().and_then(number)?).ok()?;
    let mut ticks = [0; CPU_MODES.len()];
    for slot in &mut ticks {
        *slot = words.next().and_then(number)?;
    }
    Some((processor, ticks))
}

/// A line of `/proc/meminfo`: its name and value, in bytes where the file says kB.
pub fn meminfo_line(line: &[u8]) -> Option<(&[u8], u64)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, rest) = line.split_at_checked(colon)?;
    let mut words = words(rest.get(1..)?);
    let value = words.next().and_then(number)?;
    let unit = if words.next() == Some(b"kB") { 1024 } else { 1 };
    Some((name, value.checked_mul(unit)?))
}

/// `/proc/loadavg`: the averages over 1, 5 and 15 minutes.
pub fn loadavg(text: &[u8]) -> Option<[f64; 3]> {
    let mut words = words(text);
    let mut next = || std::str::from_utf8(words.next()?).ok()?.parse::<f64>().ok();
    let averages = [next()?, next()?, next()?];
    averages.iter().all(|average| average.is_finite()).then_some(averages)
}

/// What is of use in a line of `/proc/diskstats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk<'a> {
    pub name: &'a [u8],
    pub reads: u64,
    pub read_sectors: u64,
    pub read_millis: u64,
    pub writes: u64,
    pub written_sectors: u64,
    pub write_millis: u64,
    pub in_flight: u64,
    /// Milliseconds in which anything was in flight.
    pub busy_millis: u64,
    /// The same, times how much was in flight.
    pub weighted_millis: u64,
}

/// Bytes of a sector in `/proc/diskstats`, whatever the device's own is.
pub const SECTOR_BYTES: u64 = 512;

/// A line of `/proc/diskstats`.
pub fn disk_line(line: &[u8]) -> Option<Disk<'_>> {
    let mut words = words(line);
    let name = words.nth(2)?;
    let mut values = [0; 11];
    for slot in &mut values {
        *slot = words.next().and_then(number)?;
    }
    let [
        reads,
        _,
        read_sectors,
        read_millis,
        writes,
        _,
        written_sectors,
        write_millis,
        in_flight,
        busy_millis,
        weighted_millis,
    ] = values;
    Some(Disk {
        name,
        reads,
        read_sectors,
        read_millis,
        writes,
        written_sectors,
        write_millis,
        in_flight,
        busy_millis,
        weighted_millis,
    })
}

/// Columns of `/proc/net/dev` that are of use, as node_exporter names them.
pub const INTERFACE_COUNTERS: [(&str, usize); 8] = [
    ("node_network_receive_bytes_total", 0),
    ("node_network_receive_packets_total", 1),
    ("node_network_receive_errs_total", 2),
    ("node_network_receive_drop_total", 3),
    ("node_network_transmit_bytes_total", 8),
    ("node_network_transmit_packets_total", 9),
    ("node_network_transmit_errs_total", 10),
    ("node_network_transmit_drop_total", 11),
];
const INTERFACE_COLUMNS: usize = 16;

/// A line of `/proc/net/dev`: the interface's name and all its columns. `None` for the heading.
pub fn interface_line(line: &[u8]) -> Option<(&[u8], [u64; INTERFACE_COLUMNS])> {
    let colon = line.iter().rposition(|byte| *byte == b':')?;
    let (name, rest) = line.split_at_checked(colon)?;
    let mut words = words(rest.get(1..)?);
    let mut columns = [0; INTERFACE_COLUMNS];
    for slot in &mut columns {
        *slot = words.next().and_then(number)?;
    }
    Some((name.trim_ascii(), columns))
}

/// Lines of `/proc/stat` with one number, which node_exporter also exports.
pub fn stat_value(text: &[u8], name: &[u8]) -> Option<u64> {
    lines(text).find_map(|line| {
        let mut words = words(line);
        (words.next() == Some(name)).then(|| words.next().and_then(number)).flatten()
    })
}
