//! Tests of the parsers: what files say, and bytes that no kernel would write.

use proptest::prelude::*;

use super::{
    assignment,
    cgroup::{
        cfs_period, cfs_quota, cgroup_events, cgroup_procs, cpu_max, cpu_stat, cpuacct_stat,
        cpuacct_usage, memory_events, memory_failcnt, memory_limit_v1, memory_max,
        memory_oom_control, memory_stat_v1, memory_stat_v2, memory_swap_current, memory_usage,
        pids_current, pids_max, pressure,
    },
    io::{IoValue, blkio_bytes, blkio_operations, device_number, io_stat},
    lines,
    node::{
        cpu_guests, cpu_line, disk_line, interface_line, loadavg, meminfo_line, mount_line,
        os_release_line, protocol_counters, sockstat, softnet_line, stat_value,
    },
    number, pairs,
    process::{Rollup, Stat, io, smaps_rollup, stat, statm},
    words,
};
use crate::usage::{Cpu, DeviceNumber, Limit, Memory, Stall, Usage};

type Parser = fn(&[u8], &mut Usage) -> Option<()>;

fn cpu(text: &str, parser: Parser) -> Option<Cpu> {
    let mut usage = Usage::default();
    parser(text.as_bytes(), &mut usage).map(|()| usage.cpu)
}

fn memory(text: &str, parser: Parser) -> Option<Memory> {
    let mut usage = Usage::default();
    parser(text.as_bytes(), &mut usage).map(|()| usage.memory)
}

#[test]
fn numbers() {
    for (text, expect) in [
        ("0", Some(0)),
        ("17\n", Some(17)),
        ("  5 ", Some(5)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("99999999999999999999999", None),
        ("", None),
        ("\n", None),
        ("-1", None),
        ("1 2", None),
        ("0x10", None),
        ("max", None),
    ] {
        assert_eq!(number(text.as_bytes()), expect, "{text:?}");
    }
}

#[test]
fn processor_time() {
    let v2 = "usage_usec 114625\nuser_usec 600\nsystem_usec 114025\nnice_usec 0\n";
    let expect = Cpu {
        usage_nanos: Some(114_625_000),
        user_nanos: Some(600_000),
        system_nanos: Some(114_025_000),
        ..Cpu::default()
    };
    assert_eq!(cpu(v2, cpu_stat), Some(expect), "without a processor controller");
    let v1 = "nr_periods 48\nnr_throttled 42\nthrottled_time 1581022251\n";
    let throttled = |nanos| Cpu {
        periods: Some(48),
        throttled_periods: Some(42),
        throttled_nanos: Some(nanos),
        ..Cpu::default()
    };
    assert_eq!(cpu(v1, cpu_stat), Some(throttled(1_581_022_251)));
    let v2 = "nr_periods 48\nnr_throttled 42\nthrottled_usec 7\nnew_thing 1\n";
    assert_eq!(cpu(v2, cpu_stat), Some(throttled(7_000)));
    assert_eq!(cpu("nothing known\n", cpu_stat), None);

    let usage = cpu("904242881\n", cpuacct_usage).expect("is a number");
    assert_eq!(usage.usage_nanos, Some(904_242_881));
    assert_eq!(cpu("many\n", cpuacct_usage), None);

    let mut split = Usage::default();
    assert_eq!(cpuacct_stat(b"user 70\nsystem 20\n", &mut split, 10_000_000), Some(()));
    assert_eq!(split.cpu.user_nanos, Some(700_000_000));
    assert_eq!(split.cpu.system_nanos, Some(200_000_000));
    assert_eq!(cpuacct_stat(b"user 18446744073709551615\n", &mut split, 10_000_000), None);
}

#[test]
fn processor_limits() {
    let limits =
        |quota, period| Cpu { quota_micros: quota, period_micros: period, ..Cpu::default() };
    for (text, parser, expect) in [
        ("20000\n", cfs_quota as Parser, Some(limits(Some(Limit::To(20_000)), None))),
        ("-1\n", cfs_quota, Some(limits(Some(Limit::Unlimited), None))),
        ("x\n", cfs_quota, None),
        ("100000\n", cfs_period, Some(limits(None, Some(100_000)))),
        ("max 100000\n", cpu_max, Some(limits(Some(Limit::Unlimited), Some(100_000)))),
        ("20000 100000\n", cpu_max, Some(limits(Some(Limit::To(20_000)), Some(100_000)))),
        ("20000\n", cpu_max, None),
    ] {
        let mut usage = Usage::default();
        let parsed = parser(text.as_bytes(), &mut usage).map(|()| usage.cpu);
        assert_eq!(parsed, expect, "{text:?}");
    }
}

#[test]
fn memory_numbers() {
    let none = Memory::default;
    for (text, parser, expect) in [
        ("8601600\n", memory_usage as Parser, Some(Memory { usage: Some(8_601_600), ..none() })),
        (
            "9223372036854771712\n",
            memory_limit_v1,
            Some(Memory { limit: Some(Limit::Unlimited), ..none() }),
        ),
        (
            "33554432\n",
            memory_limit_v1,
            Some(Memory { limit: Some(Limit::To(33_554_432)), ..none() }),
        ),
        ("max\n", memory_max, Some(Memory { limit: Some(Limit::Unlimited), ..none() })),
        ("4096\n", memory_max, Some(Memory { limit: Some(Limit::To(4096)), ..none() })),
        ("6448\n", memory_failcnt, Some(Memory { failures: Some(6448), ..none() })),
        ("12\n", memory_swap_current, Some(Memory { swap: Some(12), ..none() })),
        (
            "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
            memory_oom_control,
            Some(Memory { oom_kills: Some(1), ..none() }),
        ),
        ("oom_kill_disable 0\nunder_oom 0\n", memory_oom_control, None),
        (
            "low 0\nhigh 0\nmax 71\noom 1\noom_kill 2\noom_group_kill 0\n",
            memory_events,
            Some(Memory { failures: Some(71), oom_kills: Some(2), ..none() }),
        ),
        ("", memory_usage, None),
        ("high\n", memory_max, None),
    ] {
        assert_eq!(memory(text, parser), expect, "{text:?}");
    }
}

#[test]
fn memory_by_kind() {
    let v1 = "cache 1\nrss 2\ninactive_file 3\nhierarchical_memory_limit 4\ntotal_cache 5\n\
              total_rss 6\ntotal_mapped_file 7\ntotal_swap 8\ntotal_inactive_file 9\n";
    let expect = Memory {
        cache: Some(5),
        rss: Some(6),
        mapped_file: Some(7),
        swap: Some(8),
        inactive_file: Some(9),
        ..Memory::default()
    };
    assert_eq!(memory(v1, memory_stat_v1), Some(expect));
    assert_eq!(memory("cache 1\n", memory_stat_v1), None);
    let v2 = "anon 94208\nfile 8404992\nfile_mapped 1\ninactive_file 8396800\nslab 2\n";
    let expect = Memory {
        cache: Some(8_404_992),
        rss: Some(94_208),
        mapped_file: Some(1),
        inactive_file: Some(8_396_800),
        ..Memory::default()
    };
    assert_eq!(memory(v2, memory_stat_v2), Some(expect));
}

#[test]
fn tasks_and_events() {
    let mut usage = Usage::default();
    assert_eq!(pids_current(b"7\n", &mut usage), Some(()));
    assert_eq!(pids_max(b"max\n", &mut usage), Some(()));
    assert_eq!(cgroup_procs(b"1\n20\n300\n", &mut usage), Some(()));
    assert_eq!(cgroup_events(b"populated 1\nfrozen 0\n", &mut usage), Some(()));
    assert_eq!((usage.threads, usage.processes), (Some(7), Some(3)));
    assert_eq!((usage.threads_limit, usage.populated), (Some(Limit::Unlimited), Some(true)));
    assert_eq!(cgroup_procs(b"", &mut usage), Some(()));
    assert_eq!(usage.processes, Some(0));
    assert_eq!(cgroup_events(b"frozen 0\n", &mut usage), None);
}

#[test]
fn pressure_totals() {
    let both = b"some avg10=9.87 avg60=4.32 avg300=1.04 total=3205106\n\
                 full avg10=9.81 avg60=4.29 avg300=1.03 total=3200644\n";
    let expect = Stall { some_micros: 3_205_106, full_micros: Some(3_200_644) };
    assert_eq!(pressure(both), Some(expect));
    let some = b"some avg10=0.00 avg60=0.00 avg300=0.00 total=12\n";
    assert_eq!(pressure(some), Some(Stall { some_micros: 12, full_micros: None }));
    assert_eq!(pressure(b"full avg10=0.00 total=12\n"), None);
    assert_eq!(pressure(b"some avg10=0.00\n"), None);
    assert_eq!(pressure(b""), None);
}

fn collect(
    text: &str,
    parser: impl FnOnce(&[u8], &mut dyn FnMut(DeviceNumber, IoValue)) -> Option<()>,
) -> Option<Vec<(String, IoValue)>> {
    let mut values = Vec::new();
    parser(text.as_bytes(), &mut |number, value| {
        values.push((format!("{}:{}", number.major, number.minor), value));
    })
    .map(|()| values)
}

#[test]
fn block_io() {
    let v1 = "8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 1\n8:0 Discard 0\n8:0 Total 12288\n\
              259:1 Read 1\nTotal 12289\n";
    let device = |name: &str, value| (name.to_owned(), value);
    let expect = vec![
        device("8:0", IoValue::ReadBytes(4096)),
        device("8:0", IoValue::WrittenBytes(8192)),
        device("259:1", IoValue::ReadBytes(1)),
    ];
    assert_eq!(collect(v1, |text, store| blkio_bytes(text, store)), Some(expect));
    let expect = vec![device("8:0", IoValue::Reads(3)), device("8:0", IoValue::Writes(4))];
    let operations = "8:0 Read 3\n8:0 Write 4\nTotal 7\n";
    assert_eq!(collect(operations, |text, store| blkio_operations(text, store)), Some(expect));
    assert_eq!(collect("Total 0\n", |text, store| blkio_bytes(text, store)), Some(vec![]));
    assert_eq!(collect("garbage\n", |text, store| blkio_bytes(text, store)), None);

    let v2 = "98:0 rbytes=5120 wbytes=8388608 rios=5 wios=72 dbytes=0 dios=0\n\
              8:16 rbytes=x cost.usage=3\nloop0 rbytes=1\n";
    let expect = vec![
        device("98:0", IoValue::ReadBytes(5120)),
        device("98:0", IoValue::WrittenBytes(8_388_608)),
        device("98:0", IoValue::Reads(5)),
        device("98:0", IoValue::Writes(72)),
    ];
    assert_eq!(collect(v2, |text, store| io_stat(text, store)), Some(expect));
    assert_eq!(collect("", |text, store| io_stat(text, store)), Some(vec![]));
    assert_eq!(device_number(b"8:4294967296"), None);
    assert_eq!(device_number(b":"), None);
}

#[test]
fn processes() {
    let text =
        b"4242 (a) b (c) S 17 4242 4200 0 -1 4194560 1 2 3 4 250 50 30 20 20 0 7 0 900 1 1\n";
    let expect = Stat {
        pid: 4242,
        state: b'S',
        parent: 17,
        group: 4242,
        session: 4200,
        user_ticks: 250,
        system_ticks: 50,
        children_user_ticks: 30,
        children_system_ticks: 20,
        threads: 7,
        start_ticks: 900,
    };
    assert_eq!(stat(text), Some(expect));
    for cut in 0..60 {
        assert_eq!(stat(&text[..cut]), None, "cut at {cut}");
    }
    assert_eq!(stat(b")("), None);
    assert_eq!(statm(b"765 433 404 5 0 123 0\n"), Some((433, 404)));
    assert_eq!(statm(b"765\n"), None);
    let rollup = b"5500-7fff ---p 0 00:00 0 [rollup]\nRss:  1732 kB\nPss:  316 kB\nSwapPss: 2 kB\n";
    assert_eq!(smaps_rollup(rollup), Some(Rollup { proportional: 316 << 10, swap: 2 << 10 }));
    assert_eq!(smaps_rollup(b"Rss: 1 kB\n"), None);
    let text =
        b"rchar: 7\nwchar: 3\nread_bytes: 4096\nwrite_bytes: 512\ncancelled_write_bytes: 9\n";
    assert_eq!(io(text), Some((4096, 512)));
    assert_eq!(io(b"read_bytes: 4096\n"), None);
}

#[test]
fn the_machine() {
    let processor = cpu_line(b"cpu1 8764 0 4394 88161 823 0 151 15 0 0");
    assert_eq!(processor, Some((1, [8764, 0, 4394, 88_161, 823, 0, 151, 15])));
    assert_eq!(cpu_line(b"cpu  16372 0 7358 179633 1041 0 164 23 0 0"), None, "the sum of all");
    assert_eq!(cpu_line(b"ctxt 1"), None);
    assert_eq!(cpu_guests(b"cpu1 8764 0 4394 88161 823 0 151 15 6 7"), Some([6, 7]));
    assert_eq!(cpu_guests(b"cpu1 8764 0 4394 88161 823 0 151 15"), None);
    assert_eq!(
        meminfo_line(b"MemTotal:       24684092 kB"),
        Some((&b"MemTotal"[..], 24_684_092 << 10, true))
    );
    assert_eq!(
        meminfo_line(b"HugePages_Total:       3"),
        Some((&b"HugePages_Total"[..], 3, false))
    );
    assert_eq!(meminfo_line(b"nothing"), None);
    assert_eq!(loadavg(b"0.36 0.23 0.15 1/96 12792\n"), Some([0.36, 0.23, 0.15]));
    assert_eq!(loadavg(b"0.36 nan 0.15\n"), None);
    let disk = disk_line(b" 254       0 vda 1 2 3 4 5 6 7 8 9 10 11 12 13").expect("is a line");
    assert_eq!(disk.name, b"vda");
    assert_eq!(disk.columns(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    assert_eq!(disk_line(b"254 0 vda 1 2"), None);
    let line = b"  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16";
    let (name, columns) = interface_line(line).expect("is a line");
    assert_eq!((name, columns[0], columns[8], columns[15]), (&b"eth0"[..], 1, 9, 16));
    assert_eq!(interface_line(b" face |bytes    packets errs"), None);
    assert_eq!(stat_value(b"ctxt 5\nbtime 7\n", b"btime"), Some(7));
    assert_eq!(stat_value(b"btimer 5\n", b"btime"), None);
}

#[test]
fn disks_and_parts_of_disks() {
    for (name, minor) in [
        ("sda", false),
        ("sda1", true),
        ("xvdb2", true),
        ("vdaa10", true),
        ("loop0", true),
        ("ram1", true),
        ("zram0", false),
        ("nvme0n1", false),
        ("nvme0n1p2", true),
        ("dm-0", false),
        ("md127", false),
        ("sd1", false),
    ] {
        let line = format!("8 0 {name} 1 2 3 4 5 6 7 8 9 10 11");
        let disk = disk_line(line.as_bytes()).expect("is a line");
        assert_eq!(disk.is_minor(), minor, "{name}");
    }
}

#[test]
fn protocols_and_sockets() {
    let text = b"Tcp: MaxConn InSegs\nTcp: -1 7\nUdp: InErrors\nUdpLite: 3\n";
    let read: Vec<_> = protocol_counters(text).collect();
    assert_eq!(read, [(&b"Tcp"[..], &b"InSegs"[..], 7)], "names and values belong together");
    let read: Vec<_> = sockstat(b"sockets: used 29\nTCP: inuse 1 mem 418\nodd 1 2\n").collect();
    let expect: [(&[u8], &[u8], u64); 3] =
        [(b"sockets", b"used", 29), (b"TCP", b"inuse", 1), (b"TCP", b"mem", 418)];
    assert_eq!(read, expect);
    assert_eq!(softnet_line(b"0000001f 00000000 00000002 00000000"), Some([31, 0, 2]));
    assert_eq!(softnet_line(b"0000001f"), None);
}

#[test]
fn mounts_and_names() {
    let line = br"/dev/sd\134a /mnt/a\040b\9 ext4 rw,noatime,ro 0 0";
    let mount = mount_line(line).expect("is a line");
    assert_eq!((mount.device.as_str(), mount.mountpoint.as_str()), (r"/dev/sd\a", r"/mnt/a b\9"));
    assert!(mount.read_only);
    assert_eq!(mount_line(b"proc /proc proc"), None);
    assert_eq!(os_release_line(b"ID=debian"), Some(("ID", "debian")));
    assert_eq!(os_release_line(b"NAME=\"Debian GNU/Linux\""), Some(("NAME", "Debian GNU/Linux")));
    assert_eq!(os_release_line(b"# note"), None);
}

/// Text that resembles a kernel file, and text that does not.
fn almost() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("total_rss"),
        Just("usage_usec"),
        Just("some"),
        Just("total=9"),
        Just("8:0"),
        Just("Read"),
        Just("rbytes=18446744073709551615"),
        Just("18446744073709551616"),
        Just("cpu0"),
        Just("MemTotal:"),
        Just("eth0:"),
        Just("1"),
        Just("("),
        Just(")"),
        Just("max"),
        Just("-1"),
        Just("="),
        Just(":"),
        Just(""),
        Just("\t"),
    ];
    let separator = prop_oneof![Just(" "), Just("\n"), Just(" "), Just("")];
    let text = prop::collection::vec((word, separator), 0..60).prop_map(|parts| {
        parts.into_iter().flat_map(|(word, after)| [word, after]).collect::<String>().into_bytes()
    });
    prop_oneof![text, prop::collection::vec(any::<u8>(), 0..400)]
}

proptest! {
    #[test]
    fn no_bytes_make_them_panic(text in almost()) {
        let mut usage = Usage::default();
        let parsers: [Parser; 18] = [
            cpuacct_usage, cpu_stat, cfs_quota, cfs_period, cpu_max, memory_usage, memory_limit_v1,
            memory_max, memory_swap_current, memory_failcnt, memory_oom_control, memory_events,
            memory_stat_v1, memory_stat_v2, pids_current, pids_max, cgroup_procs, cgroup_events,
        ];
        for parser in parsers {
            parser(&text, &mut usage);
        }
        cpuacct_stat(&text, &mut usage, 10_000_000);
        pressure(&text);
        blkio_bytes(&text, |_, _| ());
        blkio_operations(&text, |_, _| ());
        io_stat(&text, |_, _| ());
        stat(&text);
        statm(&text);
        smaps_rollup(&text);
        io(&text);
        loadavg(&text);
        stat_value(&text, b"btime");
        assignment(&text);
        for line in lines(&text) {
            cpu_line(line);
            meminfo_line(line);
            disk_line(line);
            interface_line(line);
            cpu_guests(line);
            softnet_line(line);
            mount_line(line);
            os_release_line(line);
            if let Some(disk) = disk_line(line) {
                disk.is_minor();
            }
        }
        protocol_counters(&text).count();
        sockstat(&text).count();
    }

    #[test]
    fn numbers_are_read_back(value in any::<u64>()) {
        prop_assert_eq!(number(format!("{value}\n").as_bytes()), Some(value));
    }

    #[test]
    fn pairs_are_read_back(values in prop::collection::vec(("[a-z_]{1,12}", any::<u64>()), 0..20)) {
        let text: String = values.iter().map(|(key, value)| format!("{key} {value}\n")).collect();
        let read: Vec<_> =
            pairs(text.as_bytes()).map(|(key, value)| (key.to_vec(), value)).collect();
        let expect: Vec<_> =
            values.iter().map(|(key, value)| (key.clone().into_bytes(), *value)).collect();
        prop_assert_eq!(read, expect);
    }

    #[test]
    fn a_command_may_have_any_name(name in "\\PC{0,15}") {
        let text = format!("7 ({name}) R 1 2 3 0 -1 0 1 2 3 4 5 6 7 8 20 0 9 0 10 1 1\n");
        let parsed = stat(text.as_bytes()).expect("is a stat");
        prop_assert_eq!((parsed.pid, parsed.parent, parsed.start_ticks), (7, 1, 10));
    }

    #[test]
    fn words_hold_no_blanks(text in almost()) {
        for word in lines(&text).flat_map(words) {
            prop_assert!(!word.is_empty() && !word.contains(&b' '));
        }
    }
}
