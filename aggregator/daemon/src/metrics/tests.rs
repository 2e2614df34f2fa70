//! Tests that the process's own metrics are there and true.

use super::{Metrics, usage};

#[test]
fn the_process_reports_itself() {
    let text = Metrics::default().encode().expect("encodes");
    for name in [
        "process_cpu_seconds_total ",
        "process_resident_memory_bytes ",
        "process_open_fds ",
        "tidewatch_build_info{version=",
    ] {
        assert!(text.contains(name), "{name} in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    let usage = usage().expect("there is a /proc");
    assert!(usage.resident_bytes > 1 << 20);
}
