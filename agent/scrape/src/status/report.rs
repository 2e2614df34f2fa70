//! The report on all targets, within its limits.

use std::{collections::HashMap, io, sync::Arc};

use model::target::{
    DroppedReport, Family, LabelMap, PoolReport, REPORT_BYTES_MAX, REPORT_RULES_MAX,
    REPORT_TARGETS_MAX, TargetReport, TargetsReport,
};
use reqwest::Url;
use serde::Serialize;

use super::{JobStatus, Status, TargetStatus};
use crate::{config::values::Span, labels::LabelSet, pool::Dropped};

/// What lists of families may take of a report.
const FAMILIES_BYTES_MAX: usize = REPORT_BYTES_MAX / 4;
/// What the rest may take: something is left for brackets and commas.
const BYTES_MAX: usize = REPORT_BYTES_MAX - FAMILIES_BYTES_MAX - (1 << 20);

/// A job's state, taken out of the lock.
struct Taken {
    pool: PoolReport,
    targets: Vec<TargetStatus>,
    dropped: Arc<Dropped>,
}

impl Status {
    /// What there is to say of all targets, for whom they are at `node`.
    pub fn report(&self, node: &str) -> TargetsReport {
        let taken: Vec<Taken> = self.lock().jobs.values().map(take).collect();
        let mut writer = Writer::default();
        let pools = taken.into_iter().map(|taken| writer.pool(taken, node)).collect();
        TargetsReport { pools, ..writer.report }
    }
}

fn take(status: &JobStatus) -> Taken {
    let job = &status.job;
    let pool = PoolReport {
        name: job.settings.job_name.clone(),
        tenant: job.tenant.clone(),
        config: job.shown(),
        rules: job.settings.relabel_configs.clone(),
        targets: Vec::new(),
        dropped: Vec::new(),
        dropped_counts: status.dropped.counts.clone(),
    };
    let targets = status.targets.values().cloned().collect();
    Taken { pool, targets, dropped: Arc::clone(&status.dropped) }
}

#[derive(Default)]
struct Writer {
    report: TargetsReport,
    targets: usize,
    bytes: usize,
    families_bytes: usize,
    /// By address, because lists are shared; `None` for those without room.
    families: HashMap<*const Vec<Family>, Option<usize>>,
}

impl Writer {
    fn pool(&mut self, taken: Taken, node: &str) -> PoolReport {
        let Taken { mut pool, targets, dropped } = taken;
        let bytes = json_bytes(&pool);
        if self.bytes + bytes > BYTES_MAX || pool.rules.len() > REPORT_RULES_MAX {
            // Without its settings a pool is as long as its name.
            pool.config.clear();
            pool.rules.clear();
        }
        self.bytes += bytes.min(json_bytes(&pool));
        for status in &targets {
            let mut target = target(status, node);
            if self.fits(&target) {
                target.families = self.families(&status.families);
                pool.targets.push(target);
            }
        }
        for (tenant, labels) in &dropped.shown {
            let dropped = DroppedReport { tenant: tenant.clone(), discovered: label_map(labels) };
            if self.fits(&dropped) {
                pool.dropped.push(dropped);
            }
        }
        pool
    }

    fn fits(&mut self, entry: &impl Serialize) -> bool {
        let bytes = json_bytes(entry) + 32;
        let fits = self.targets < REPORT_TARGETS_MAX && self.bytes + bytes <= BYTES_MAX;
        if fits {
            self.targets += 1;
            self.bytes += bytes;
        } else {
            self.report.left_out += 1;
        }
        fits
    }

    fn families(&mut self, families: &Arc<Vec<Family>>) -> Option<usize> {
        if families.is_empty() {
            return None;
        }
        let (report, used) = (&mut self.report, &mut self.families_bytes);
        *self.families.entry(Arc::as_ptr(families)).or_insert_with(|| {
            let bytes = json_bytes(families.as_slice());
            if *used + bytes > FAMILIES_BYTES_MAX {
                report.families_left_out += 1;
                return None;
            }
            *used += bytes;
            report.families.push(families.to_vec());
            Some(report.families.len() - 1)
        })
    }
}

fn target(status: &TargetStatus, node: &str) -> TargetReport {
    let TargetStatus { target, last, .. } = status;
    TargetReport {
        tenant: target.tenant.clone(),
        discovered: label_map(&target.discovered),
        labels: label_map(&target.labels),
        url: target.url.to_string(),
        global_url: global_url(&target.url, node),
        health: status.health(),
        last_error: last.as_ref().map_or_else(String::new, |last| last.error.clone()),
        last_scrape: last.as_ref().map(|last| last.at),
        duration_seconds: last.as_ref().map_or(0.0, |last| last.duration.as_secs_f64()),
        interval: Span(target.interval).to_string(),
        timeout: Span(target.timeout).to_string(),
        families: None,
    }
}

/// Elsewhere this machine is known by its name.
fn global_url(url: &Url, node: &str) -> String {
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let mut global = url.clone();
    if is_here && !node.is_empty() && global.set_host(Some(node)).is_err() {
        return url.to_string();
    }
    global.to_string()
}

fn label_map(labels: &LabelSet) -> LabelMap {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// How long the JSON is.
fn json_bytes(value: &(impl Serialize + ?Sized)) -> usize {
    let mut counted = Counted(0);
    match serde_json::to_writer(&mut counted, value) {
        Ok(()) => counted.0,
        Err(_unwritable) => usize::MAX / 4,
    }
}

struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
