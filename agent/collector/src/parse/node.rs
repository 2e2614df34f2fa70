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

/// Time of guests in the same line, which `user` and `nice` hold too: in user mode, and niced.
pub fn cpu_guests(line: &[u8]) -> Option<[u64; 2]> {
    let mut words = words(line).skip(1 + CPU_MODES.len());
    Some([words.next().and_then(number)?, words.next().and_then(number)?])
}

/// A line of `/proc/meminfo`: its name and value, and whether it is an amount of memory: that is
/// in bytes then, where the file says kB.
pub fn meminfo_line(line: &[u8]) -> Option<(&[u8], u64, bool)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, rest) = line.split_at_checked(colon)?;
    let mut words = words(rest.get(1..)?);
    let value = words.next().and_then(number)?;
    let memory = words.next() == Some(b"kB");
    Some((name, value.checked_mul(if memory { 1024 } else { 1 })?, memory))
}

/// `/proc/loadavg`: the averages over 1, 5 and 15 minutes.
pub fn loadavg(text: &[u8]) -> Option<[f64; 3]> {
    let mut words = words(text);
    let mut next = || std::str::from_utf8(words.next()?).ok()?.parse::<f64>().ok();
    let averages = [next()?, next()?, next()?];
    averages.iter().all(|average| average.is_finite()).then_some(averages)
}

/// A line of `/proc/diskstats`, in the file's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk<'a> {
    pub name: &'a [u8],
    /// The first columns, up to [`DISK_COLUMNS`]: kernels before 4.18 have 11, before 5.5 15.
    columns: [u64; DISK_COLUMNS],
    length: usize,
}

/// Columns after a disk's name that have a metric.
pub const DISK_COLUMNS: usize = 17;
/// Every kernel has these.
const DISK_COLUMNS_MIN: usize = 11;
/// Bytes of a sector in `/proc/diskstats`, whatever the device's own is.
pub const SECTOR_BYTES: u64 = 512;

impl Disk<'_> {
    /// The columns that this kernel has.
    pub fn columns(&self) -> &[u64] {
        self.columns.get(..self.length).unwrap_or_default()
    }

    /// Whether it is a partition, a loop device, a RAM disk or a floppy: node_exporter leaves these
    /// out, because what a partition does its disk does too.
    pub fn is_minor(&self) -> bool {
        let letters = |name: &[u8]| name.iter().all(u8::is_ascii_lowercase) && !name.is_empty();
        let trimmed = self.name.trim_ascii_end();
        let digits = trimmed.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let Some((stem, number)) = trimmed.split_at_checked(trimmed.len() - digits) else {
            return false;
        };
        if number.is_empty() {
            return false;
        }
        if matches!(stem, b"ram" | b"loop" | b"fd") {
            return true;
        }
        let disk = [&b"hd"[..], b"sd", b"vd", b"xvd"];
        if disk.iter().any(|kind| stem.strip_prefix(*kind).is_some_and(letters)) {
            return true;
        }
        // nvme0n1p2
        stem.strip_prefix(b"nvme").and_then(|rest| rest.strip_suffix(b"p")).is_some_and(|rest| {
            let mut parts = rest.split(|byte| *byte == b'n');
            let mut numbered = || parts.next().and_then(number_of).is_some();
            numbered() && numbered() && parts.next().is_none()
        })
    }
}

fn number_of(text: &[u8]) -> Option<u64> {
    text.iter().all(u8::is_ascii_digit).then(|| number(text)).flatten()
}

/// A line of `/proc/diskstats`.
pub fn disk_line(line: &[u8]) -> Option<Disk<'_>> {
    let mut words = words(line);
    let name = words.nth(2)?;
    let mut columns = [0; DISK_COLUMNS];
    let mut length = 0;
    for (slot, word) in columns.iter_mut().zip(words) {
        *slot = number(word)?;
        length += 1;
    }
    (length >= DISK_COLUMNS_MIN).then_some(Disk { name, columns, length })
}

/// Columns of `/proc/net/dev`, in its order and as node_exporter names them.
pub const INTERFACE_COUNTERS: [&str; INTERFACE_COLUMNS] = [
    "node_network_receive_bytes_total",
    "node_network_receive_packets_total",
    "node_network_receive_errs_total",
    "node_network_receive_drop_total",
    "node_network_receive_fifo_total",
    "node_network_receive_frame_total",
    "node_network_receive_compressed_total",
    "node_network_receive_multicast_total",
    "node_network_transmit_bytes_total",
    "node_network_transmit_packets_total",
    "node_network_transmit_errs_total",
    "node_network_transmit_drop_total",
    "node_network_transmit_fifo_total",
    "node_network_transmit_colls_total",
    "node_network_transmit_carrier_total",
    "node_network_transmit_compressed_total",
];
pub const INTERFACE_COLUMNS: usize = 16;

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

/// `/proc/net/snmp` and `/proc/net/netstat`: a line of names, then one of values, each with the
/// protocol first. Gives protocol, name and value; numbers below zero are passed over.
pub fn protocol_counters(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8], u64)> {
    let mut names: &[u8] = b"";
    lines(text)
        .enumerate()
        .filter_map(move |(index, line)| {
            if index % 2 == 0 {
                names = line;
                return None;
            }
            let (mut heads, mut values) = (words(names), words(line));
            let protocol = heads.next()?;
            if values.next() != Some(protocol) {
                return None;
            }
            let protocol = protocol.strip_suffix(b":")?;
            Some(
                heads
                    .zip(values)
                    .filter_map(move |(name, value)| Some((protocol, name, number(value)?))),
            )
        })
        .flatten()
}

/// `/proc/net/sockstat` and `sockstat6`: protocol, what is counted, and how many.
pub fn sockstat(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8], u64)> {
    lines(text).flat_map(|line| {
        let mut words = words(line);
        let protocol = words.next().and_then(|word| word.strip_suffix(b":"));
        std::iter::from_fn(move || {
            let (name, value) = (words.next()?, words.next()?);
            Some((protocol?, name, number(value)?))
        })
    })
}

/// A line of `/proc/net/softnet_stat`: packets processed, dropped, and times that work was put off
/// for want of time. Numbers are hexadecimal; there is one line for each processor.
pub fn softnet_line(line: &[u8]) -> Option<[u64; 3]> {
    let mut words = words(line);
    let mut next = || u64::from_str_radix(std::str::from_utf8(words.next()?).ok()?, 16).ok();
    Some([next()?, next()?, next()?])
}

/// A line of `/proc/mounts`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mount {
    pub device: String,
    pub mountpoint: String,
    pub fstype: String,
    pub read_only: bool,
}

/// A line of `/proc/mounts`; `None` also where a name is not UTF-8.
pub fn mount_line(line: &[u8]) -> Option<Mount> {
    let mut words = words(line);
    let mut next = || String::from_utf8(unescape(words.next()?)).ok();
    let (device, mountpoint, fstype) = (next()?, next()?, next()?);
    let read_only = words.next()?.split(|byte| *byte == b',').any(|option| option == b"ro");
    Some(Mount { device, mountpoint, fstype, read_only })
}

/// The kernel writes blanks and backslashes of a path as `\` and three octal digits.
fn unescape(word: &[u8]) -> Vec<u8> {
    let mut rest = word.iter().copied();
    let mut out = Vec::with_capacity(word.len());
    while let Some(byte) = rest.next() {
        let mut after = rest.clone();
        let code = (byte == b'\\').then(|| {
            (0..3).try_fold(0u8, |code, _| {
                let digit = after.next()?.wrapping_sub(b'0');
                if digit > 7 { None } else { code.checked_mul(8)?.checked_add(digit) }
            })
        });
        match code.flatten() {
            Some(code) => {
                out.push(code);
                rest = after;
            }
            None => out.push(byte),
        }
    }
    out
}

/// A line of `os-release`: a name and its value without quotes.
pub fn os_release_line(line: &[u8]) -> Option<(&str, &str)> {
    let (name, value) = std::str::from_utf8(line).ok()?.split_once('=')?;
    let value = value.trim();
    let bare = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value);
    Some((name.trim(), bare))
}
