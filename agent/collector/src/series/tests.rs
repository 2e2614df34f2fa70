//! Tests of the series that a snapshot becomes.

use std::sync::Arc;

use model::{columns::is_stale, labels::Labels, time::Timestamp, write::WriteBatch};

use super::{InvalidTemplate, LABELS_MAX, Template, metadata, metrics::METRICS};
use crate::usage::{Cpu, Depth, DeviceIo, DeviceNumber, Limit, Memory, Pressure, Stall, Usage};

fn full() -> Usage {
    Usage {
        depth: Depth::Full,
        cpu: Cpu {
            usage_nanos: Some(1_500_000_000),
            user_nanos: Some(1_000_000_000),
            system_nanos: Some(500_000_000),
            periods: Some(48),
            throttled_periods: Some(42),
            throttled_nanos: Some(1_581_000_000),
            quota_micros: Some(Limit::To(20_000)),
            period_micros: Some(100_000),
        },
        memory: Memory {
            usage: Some(1000),
            working_set: Some(900),
            rss: Some(800),
            cache: Some(100),
            mapped_file: Some(50),
            swap: Some(7),
            inactive_file: Some(100),
            limit: Some(Limit::Unlimited),
            failures: Some(3),
            oom_kills: Some(1),
        },
        io: vec![DeviceIo {
            number: Some(DeviceNumber { major: 8, minor: 0 }),
            name: Arc::from("/dev/sda"),
            read_bytes: Some(4096),
            written_bytes: None,
            reads: Some(1),
            writes: None,
        }],
        io_dropped: 0,
        pressure: Pressure {
            cpu: Some(Stall { some_micros: 250_000, full_micros: None }),
            memory: None,
            io: Some(Stall { some_micros: 1, full_micros: Some(2) }),
        },
        processes: Some(2),
        threads: Some(9),
        threads_limit: Some(Limit::To(32)),
        start_seconds: Some(1_795_443_249.5),
        populated: Some(true),
    }
}

fn lines(batch: &WriteBatch) -> Vec<String> {
    batch
        .series()
        .map(|series| {
            let labels = Labels::from_bytes(series.labels).expect("are packed labels");
            let [sample] = series.samples else { panic!("not one sample") };
            assert_eq!(sample.time, 5_000);
            if is_stale(sample.value) {
                format!("{labels} stale")
            } else {
                format!("{labels} {}", sample.value)
            }
        })
        .collect()
}

fn write(template: &mut Template, usage: &Usage) -> Vec<String> {
    let mut batch = WriteBatch::default();
    let written = template.write(usage, Timestamp(5_000), &mut batch);
    assert_eq!(written, batch.series_count());
    lines(&batch)
}

fn template() -> Template {
    Template::new(&[("app", "shop"), ("Zone", "a"), ("zz", "")]).expect("are labels")
}

#[test]
fn everything_has_cadvisors_name_and_unit() {
    let of = |metric: &str, own: &str, value: &str| {
        let own = if own.is_empty() { String::new() } else { format!(", {own}") };
        format!("{metric}{{Zone=\"a\", app=\"shop\"{own}}} {value}")
    };
    let expect = [
        of("container_cpu_usage_seconds_total", r#"cpu="total""#, "1.5"),
        of("container_cpu_user_seconds_total", "", "1"),
        of("container_cpu_system_seconds_total", "", "0.5"),
        of("container_cpu_cfs_periods_total", "", "48"),
        of("container_cpu_cfs_throttled_periods_total", "", "42"),
        of("container_cpu_cfs_throttled_seconds_total", "", "1.581"),
        of("container_memory_usage_bytes", "", "1000"),
        of("container_oom_events_total", "", "1"),
        of("container_pressure_cpu_waiting_seconds_total", "", "0.25"),
        of("container_pressure_io_waiting_seconds_total", "", "0.000001"),
        of("container_pressure_io_stalled_seconds_total", "", "0.000002"),
        of("container_memory_working_set_bytes", "", "900"),
        of("container_memory_rss", "", "800"),
        of("container_memory_cache", "", "100"),
        of("container_memory_mapped_file", "", "50"),
        of("container_memory_swap", "", "7"),
        of("container_memory_failcnt", "", "3"),
        of("container_spec_memory_limit_bytes", "", "0"),
        of("container_spec_cpu_period", "", "100000"),
        of("container_spec_cpu_quota", "", "20000"),
        of("container_processes", "", "2"),
        of("container_threads", "", "9"),
        of("container_threads_max", "", "32"),
        of("container_start_time_seconds", "", "1795443249.5"),
        of("container_fs_reads_bytes_total", r#"device="/dev/sda""#, "4096"),
        of("container_fs_reads_total", r#"device="/dev/sda""#, "1"),
    ];
    assert_eq!(write(&mut template(), &full()), expect);
}

#[test]
fn what_is_unknown_is_absent() {
    let nothing = Usage { depth: Depth::Full, ..Usage::default() };
    assert_eq!(write(&mut template(), &nothing), Vec::<String>::new());
    let unlimited = Usage {
        cpu: Cpu { quota_micros: Some(Limit::Unlimited), periods: Some(0), ..Cpu::default() },
        ..nothing
    };
    assert_eq!(write(&mut template(), &unlimited), Vec::<String>::new());
}

#[test]
fn a_fast_read_writes_what_it_renewed() {
    let fast = Usage { depth: Depth::Fast, ..full() };
    let lines = write(&mut template(), &fast);
    assert_eq!(lines.len(), 11);
    assert!(lines.iter().all(|line| !line.contains("working_set") && !line.contains("_fs_")));
}

#[test]
fn series_end_when_their_value_does() {
    let mut template = template();
    let first = write(&mut template, &full());
    let mut lifted = full();
    lifted.cpu.quota_micros = Some(Limit::Unlimited);
    let stale = |lines: &[String]| lines.iter().filter(|line| line.ends_with("stale")).count();
    assert_eq!(stale(&write(&mut template, &lifted)), 4, "three of throttling and the quota");
    assert_eq!(stale(&write(&mut template, &lifted)), 0, "they end once");

    let mut batch = WriteBatch::default();
    let ended = template.write_stale(Timestamp(5_000), &mut batch);
    assert_eq!(ended, first.len() - 4);
    assert_eq!(stale(&lines(&batch)), ended);
    batch.clear();
    assert_eq!(template.write_stale(Timestamp(5_000), &mut batch), 0);
}

#[test]
fn a_process_trees_io_has_no_device() {
    let mut usage = full();
    usage.io[0].name = Arc::from("");
    let lines = write(&mut template(), &usage);
    let line = lines.iter().find(|line| line.contains("_fs_reads_bytes_total")).expect("is there");
    assert!(!line.contains("device"), "{line}");
}

#[test]
fn labels_are_checked() {
    let many: Vec<_> = (0..=LABELS_MAX).map(|number| (format!("l{number:02}"), "x")).collect();
    let many: Vec<_> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let error = |labels: &[(&str, &str)]| Template::new(labels).map(|_| ()).unwrap_err();
    assert_eq!(error(&many), InvalidTemplate::TooMany { count: LABELS_MAX + 1 });
    for name in ["__name__", "device", "cpu"] {
        assert_eq!(error(&[(name, "x")]), InvalidTemplate::Reserved { name: name.to_owned() });
    }
    assert!(matches!(error(&[("a", "1"), ("a", "2")]), InvalidTemplate::Labels(_)));
    let mut all = Template::new(&many[..LABELS_MAX]).expect("so many are allowed");
    let mut batch = WriteBatch::default();
    assert_eq!(all.write(&full(), Timestamp(0), &mut batch), 26);
    assert!(batch.series().all(|series| Labels::from_bytes(series.labels).is_some()));
}

#[test]
fn names_are_unique_and_described() {
    let mut names: Vec<_> = metadata().map(|(name, _)| name).collect();
    assert!(metadata().all(|(_, metadata)| metadata.help.ends_with('.')));
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    assert_eq!(all, METRICS.len() + 4 + 8);
}
