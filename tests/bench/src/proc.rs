//! What the kernel counts of another process: proc(5).

use std::fs;

/// The kernel's clock ticks per second (USER_HZ), 100 on every Linux.
const TICKS: f64 = 100.0;
/// Written to `clear_refs`, sets the peak of the resident set back to what it is now.
const RESET_PEAK: &str = "5";

/// User and system time of all threads so far, in seconds.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64, String> {
    parse_cpu(&read(pid, "stat")?)
        .ok_or_else(|| format!("cannot read the CPU time of process {pid}"))
}

/// The same, of its children as well: those that live and those that it has waited for.
pub(crate) fn cpu_seconds_with_children(pid: u32) -> Result<f64, String> {
    let ended = parse_times(&read(pid, "stat")?, 4)
        .ok_or_else(|| format!("cannot read the CPU time of process {pid}"))?;
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    // A child that ends meanwhile is among those that were waited for by the next reading.
    let living = children.unwrap_or_default();
    let living = living.split_whitespace().filter_map(|child| child.parse().ok());
    Ok(ended + living.filter_map(|child| cpu_seconds_with_children(child).ok()).sum::<f64>())
}

/// Resident memory in bytes.
pub(crate) fn resident_bytes(pid: u32) -> Result<f64, String> {
    memory(pid, "VmRSS")
}

/// The most resident memory since [`reset_peak`], in bytes.
pub(crate) fn peak_bytes(pid: u32) -> Result<f64, String> {
    memory(pid, "VmHWM")
}

pub(crate) fn reset_peak(pid: u32) -> Result<(), String> {
    let path = format!("/proc/{pid}/clear_refs");
    fs::write(&path, RESET_PEAK).map_err(|error| format!("{path}: {error}"))
}

fn memory(pid: u32, key: &str) -> Result<f64, String> {
    parse_memory(&read(pid, "status")?, key)
        .ok_or_else(|| format!("cannot read {key} of process {pid}"))
}

fn read(pid: u32, file: &str) -> Result<String, String> {
    let path = format!("/proc/{pid}/{file}");
    fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))
}

/// Fields 14 and 15 of `stat`. The second field is the command's name in parentheses, and may
/// itself hold blanks and parentheses.
fn parse_cpu(stat: &str) -> Option<f64> {
    parse_times(stat, 2)
}

/// The sum of so many fields from the 14th on: user and system time, then the same of children.
fn parse_times(stat: &str, count: usize) -> Option<f64> {
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace().skip(11);
    let ticks: Option<f64> = (0..count).map(|_| fields.next()?.parse::<f64>().ok()).sum();
    Some(ticks? / TICKS)
}

/// A line of `status` that is in kB.
fn parse_memory(status: &str, key: &str) -> Option<f64> {
    let value = |line: &str| {
        let rest = line.strip_prefix(key)?.strip_prefix(':')?;
        rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()
    };
    status.lines().find_map(value).map(|kib| kib * 1024.0)
}

#[cfg(test)]
mod tests;
