//! Processors, load and memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    node::out::Out,
    parse::{
        self,
        cgroup::pressure,
        lines,
        node::{CPU_MODES, cpu_guests, cpu_line, loadavg, meminfo_line, stat_value},
    },
    process::tick_nanos,
};

/// Single numbers of `/proc/stat`.
const STAT_FIELDS: [(&str, &str); 6] = [
    ("btime", "node_boot_time_seconds"),
    ("ctxt", "node_context_switches_total"),
    ("intr", "node_intr_total"),
    ("processes", "node_forks_total"),
    ("procs_running", "node_procs_running"),
    ("procs_blocked", "node_procs_blocked"),
];
/// Fields of `/proc/vmstat` that dashboards ask for, as node_exporter does by default.
const VIRTUAL_MEMORY: [&str; 7] = [
    "node_vmstat_oom_kill",
    "node_vmstat_pgfault",
    "node_vmstat_pgmajfault",
    "node_vmstat_pgpgin",
    "node_vmstat_pgpgout",
    "node_vmstat_pswpin",
    "node_vmstat_pswpout",
];
/// Idle time and time waiting for I/O, by their places in [`CPU_MODES`].
const IDLE_MODES: [usize; 2] = [3, 4];
/// A fall by more than this, in clock ticks of seconds, is a processor that was taken out and came
/// back, not the kernel's own imprecision.
const IDLE_FALL_MAX_SECONDS: f64 = 3.0;

/// Idle ticks as last written: the kernel sums these over times that can go back a little, which
/// a reader of counters takes for a restart.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Idle([u64; IDLE_MODES.len()]);

impl Idle {
    /// Puts the larger of the last and the present value into `ticks`.
    fn hold(&mut self, ticks: &mut [u64; CPU_MODES.len()], per_second: f64) {
        for (last, mode) in self.0.iter_mut().zip(IDLE_MODES) {
            let Some(now) = ticks.get_mut(mode) else { continue };
            let fall = last.saturating_sub(*now);
            if fall as f64 <= IDLE_FALL_MAX_SECONDS * per_second {
                *now = (*now).max(*last);
            }
            *last = *now;
        }
    }
}

impl Out<'_> {
    pub(super) fn stat(&mut self, text: &[u8], idle: &mut BTreeMap<u32, Idle>) {
        let seconds = tick_nanos() as f64 / 1e9;
        let mut seen = BTreeSet::new();
        for line in lines(text) {
            let Some((processor, mut ticks)) = cpu_line(line) else { continue };
            if !self.admit(&mut seen, processor) {
                continue;
            }
            idle.entry(processor).or_default().hold(&mut ticks, 1.0 / seconds);
            let name = processor.to_string();
            for (mode, ticks) in CPU_MODES.iter().zip(ticks) {
                let own = [("cpu", name.as_str()), ("mode", mode)];
                self.put("node_cpu_seconds_total", &own, ticks as f64 * seconds);
            }
            for (mode, ticks) in ["user", "nice"].iter().zip(cpu_guests(line).unwrap_or_default()) {
                let own = [("cpu", name.as_str()), ("mode", mode)];
                self.put("node_cpu_guest_seconds_total", &own, ticks as f64 * seconds);
            }
        }
        idle.retain(|processor, _| seen.contains(processor));
        for (field, metric) in STAT_FIELDS {
            if let Some(value) = stat_value(text, field.as_bytes()) {
                self.put(metric, &[], value as f64);
            }
        }
    }

    /// Every field: `Active(anon)` becomes `node_memory_Active_anon_bytes`.
    pub(super) fn memory(&mut self, text: &[u8]) {
        let mut metric = String::new();
        for (name, value, memory) in lines(text).filter_map(meminfo_line) {
            let Ok(name) = std::str::from_utf8(name) else { continue };
            metric.clear();
            metric.push_str("node_memory_");
            metric.extend(name.chars().filter(|c| *c != ')').map(|c| match c {
                'a'..='z' | 'A'..='Z' | '0'..='9' => c,
                _ => '_',
            }));
            metric.push_str(if memory { "_bytes" } else { "" });
            self.put(&metric, &[], value as f64);
        }
    }

    pub(super) fn load(&mut self, text: &[u8]) {
        if let Some([one, five, fifteen]) = loadavg(text) {
            self.put("node_load1", &[], one);
            self.put("node_load5", &[], five);
            self.put("node_load15", &[], fifteen);
        }
    }

    pub(super) fn virtual_memory(&mut self, text: &[u8]) {
        for (name, value) in parse::pairs(text) {
            let known = VIRTUAL_MEMORY.iter().find(|metric| {
                metric.strip_prefix("node_vmstat_").is_some_and(|field| field.as_bytes() == name)
            });
            if let Some(metric) = known {
                self.put(metric, &[], value as f64);
            }
        }
    }

    /// Time in which something waited, and in which all did: for processors the latter is always
    /// zero on a whole machine and left out.
    pub(super) fn pressure(&mut self, resource: &str, text: &[u8]) {
        let Some(stall) = pressure(text) else { return };
        let mut put = |kind: &str, micros: u64| {
            let metric = format!("node_pressure_{resource}_{kind}_seconds_total");
            self.put(&metric, &[], micros as f64 / 1e6);
        };
        put("waiting", stall.some_micros);
        if let (true, Some(micros)) = (resource != "cpu", stall.full_micros) {
            put("stalled", micros);
        }
    }
}
