//! Measurements as series, named as blackbox_exporter names them.
//!
//! Its label `target` has no place here: a probe is named by `app`, `component`, `instance`,
//! `node` and `probe`. Counters of ours follow: `probe_results_total{result,class}`,
//! `probe_skipped_total` and `probe_late_total`.

use model::{
    labels::{InvalidLabels, METRIC_NAME},
    metadata::{Metadata, MetricType},
    write::{Sample, WriteBatch},
};

use crate::{
    outcome::{Class, Verdict},
    prober::Measurement,
};

/// Series per measurement at most.
pub const SERIES_MAX: usize = 14 + Class::ALL.len();

/// Names, types and help texts of everything that [`write()`] makes.
const METRICS: [(&str, MetricType, &str, &str); 12] = [
    ("probe_success", MetricType::Gauge, "", "Whether the probe succeeded"),
    ("probe_duration_seconds", MetricType::Gauge, "seconds", "How long the whole probe took"),
    (
        "probe_http_duration_seconds",
        MetricType::Gauge,
        "seconds",
        "How long a phase of the probe took",
    ),
    ("probe_http_status_code", MetricType::Gauge, "", "Status of the last answer, 0 for none"),
    ("probe_http_redirects", MetricType::Gauge, "", "Redirects followed"),
    (
        "probe_http_uncompressed_body_length",
        MetricType::Gauge,
        "",
        "Bytes of the body that were read, at most 10240",
    ),
    (
        "probe_failed_due_to_regex",
        MetricType::Gauge,
        "",
        "Whether the probe failed because of what its body lacks",
    ),
    ("probe_ip_protocol", MetricType::Gauge, "", "IP version that was used, 4 or 6"),
    ("probe_dns_lookup_time_seconds", MetricType::Gauge, "seconds", "How long resolving took"),
    (
        "probe_results_total",
        MetricType::Counter,
        "",
        "Probes by result (success, failure, unknown) and class of failure",
    ),
    ("probe_skipped_total", MetricType::Counter, "", "Ticks for which no probe was made"),
    ("probe_late_total", MetricType::Counter, "", "Probes begun more than 100 ms after their tick"),
];

/// Adds the metadata of all series, once per batch or more rarely.
pub fn write_metadata(batch: &mut WriteBatch) {
    for (name, kind, unit, help) in METRICS {
        let metadata = Metadata { kind, help: help.to_owned(), unit: unit.to_owned() };
        batch.push_metadata(name.to_owned(), metadata);
    }
}

/// Adds the series of a measurement, at the time the probe began. `extra` labels (region, cluster)
/// go on every one; they must not repeat the names above. A probe that is
/// [`Verdict::Unknown`] gives counters only: of the target it says nothing.
pub fn write(
    measurement: &Measurement,
    extra: &[(&str, &str)],
    batch: &mut WriteBatch,
) -> Result<(), InvalidLabels> {
    let mut out = Writer { measurement, extra, batch };
    let outcome = &measurement.outcome;
    let counters = &measurement.counters;
    if outcome.verdict != Verdict::Unknown {
        let yes = |condition: bool| if condition { 1.0 } else { 0.0 };
        out.put("probe_success", &[], yes(outcome.verdict == Verdict::Success))?;
        out.put("probe_duration_seconds", &[], outcome.duration.as_secs_f64())?;
        let lookup = outcome.phases.resolve.as_secs_f64();
        out.put("probe_dns_lookup_time_seconds", &[], lookup)?;
        if let Some(address) = outcome.address {
            let version = if address.is_ipv4() { 4.0 } else { 6.0 };
            out.put("probe_ip_protocol", &[], version)?;
        }
        if measurement.http {
            for (phase, took) in [
                ("resolve", outcome.phases.resolve),
                ("connect", outcome.phases.connect),
                ("processing", outcome.phases.processing),
                ("transfer", outcome.phases.transfer),
            ] {
                let labels = [("phase", phase)];
                out.put("probe_http_duration_seconds", &labels, took.as_secs_f64())?;
            }
            out.put("probe_http_status_code", &[], outcome.status.unwrap_or(0).into())?;
            out.put("probe_http_redirects", &[], outcome.redirects.into())?;
            let length = outcome.body_bytes as f64;
            out.put("probe_http_uncompressed_body_length", &[], length)?;
            let body = outcome.verdict == Verdict::Failure(Class::Body);
            out.put("probe_failed_due_to_regex", &[], yes(body))?;
        }
    }
    out.put("probe_results_total", &[("result", "success")], counters.successes as f64)?;
    for (class, count) in Class::ALL.iter().zip(counters.failures) {
        if count > 0 {
            let labels = [("class", class.as_str()), ("result", "failure")];
            out.put("probe_results_total", &labels, count as f64)?;
        }
    }
    if counters.unknown > 0 {
        out.put("probe_results_total", &[("result", "unknown")], counters.unknown as f64)?;
    }
    out.put("probe_skipped_total", &[], counters.skipped as f64)?;
    out.put("probe_late_total", &[], counters.late as f64)
}

struct Writer<'a> {
    measurement: &'a Measurement,
    extra: &'a [(&'a str, &'a str)],
    batch: &'a mut WriteBatch,
}

impl Writer<'_> {
    fn put(
        &mut self,
        metric: &str,
        labels: &[(&str, &str)],
        value: f64,
    ) -> Result<(), InvalidLabels> {
        let target = &self.measurement.id.target;
        let mut all = vec![
            (METRIC_NAME, metric),
            ("app", target.app.as_str()),
            ("component", target.component.as_str()),
            ("instance", target.instance.as_str()),
            ("node", target.node.as_str()),
            ("probe", self.measurement.id.probe.as_str()),
        ];
        all.extend_from_slice(labels);
        all.extend_from_slice(self.extra);
        self.batch.begin_series(&mut all)?;
        let time = self.measurement.time.millis();
        self.batch.push_sample(Sample { time, value, start: 0 });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
