//! The peers that tests run beside us.

use std::{path::Path, process::Command};

use crate::process::Process;

/// Whether tests that need a peer are left out on purpose. Says so, because a test that is left out
/// should be seen.
pub fn left_out(test: &str) -> bool {
    let left_out = std::env::var_os("TIDEWATCH_WITHOUT_PEERS").is_some();
    if left_out {
        eprintln!("LEFT OUT (TIDEWATCH_WITHOUT_PEERS): {test}");
    }
    left_out
}

/// Starts Debian's Prometheus on a port, with its configuration and data in a directory.
pub fn prometheus(dir: &Path, port: u16, config: &str) -> Process {
    prometheus_with(dir, port, config, &[])
}

/// The same, with further arguments.
pub fn prometheus_with(dir: &Path, port: u16, config: &str, args: &[&str]) -> Process {
    let file = dir.join("prometheus.yml");
    std::fs::write(&file, config).expect("is written");
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.tsdb.path={}", dir.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args(args);
    Process::start("prometheus", &mut command)
}

/// Starts Debian's Alertmanager on a port, alone, with its data in a directory. It tells nobody.
pub fn alertmanager(dir: &Path, port: u16) -> Process {
    let file = dir.join("alertmanager.yml");
    std::fs::write(&file, "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        .expect("is written");
    let mut command = Command::new("prometheus-alertmanager");
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.path={}", dir.join("alerts").display()))
        .arg("--cluster.listen-address=")
        .arg(format!("--web.listen-address=127.0.0.1:{port}"));
    Process::start("prometheus-alertmanager", &mut command)
}
