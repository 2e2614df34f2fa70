//! What files of `/proc` look like, and what they could look like.

use super::{cpu_seconds, parse_cpu, parse_memory, peak_bytes, reset_peak, resident_bytes};

#[test]
fn cpu_time_is_user_and_system_whatever_the_command_is_called() {
    let rest = "S 1 2 3 4 5 6 7 8 9 10 1234 66 7 8 20 0 9 0 5 6 7";
    for name in ["(tidewatch)", "(a b)", "(sly) S 1 (x)", "()"] {
        assert_eq!(parse_cpu(&format!("42 {name} {rest}")), Some(13.0), "{name}");
    }
}

#[test]
fn what_is_not_there_is_no_number() {
    for text in ["", "42 (x)", "42 (x) S 1 2", "42 (x) S 1 2 3 4 5 6 7 8 9 10 a b"] {
        assert_eq!(parse_cpu(text), None, "{text}");
    }
    for text in ["", "VmRSS:", "VmRSS: kB", "VmRSSX: 5 kB", "VmRSS: 5 MB", "VmHWM: 7 kB"] {
        assert_eq!(parse_memory(text, "VmRSS"), None, "{text}");
    }
}

#[test]
fn memory_is_in_bytes() {
    let text = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
    assert_eq!(parse_memory(text, "VmRSS"), Some(1_048_576.0));
    assert_eq!(parse_memory(text, "VmHWM"), Some(2_097_152.0));
}

#[test]
fn this_process_can_be_read() {
    let own = std::process::id();
    assert!(cpu_seconds(own).is_ok());
    assert!(reset_peak(own).is_ok());
    assert!(resident_bytes(own).expect("is readable") > 100_000.0);
    assert!(peak_bytes(own).expect("is readable") > 100_000.0);
}
