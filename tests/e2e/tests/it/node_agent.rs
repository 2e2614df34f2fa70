//! `tidewatch-agent` as its unit runs it: another user, one capability, nothing writable but its
//! spool, and a service manager that listens.

use std::{os::unix::net::UnixDatagram, path::Path, process::Command, time::Duration};

use e2e::{
    process::{Process, free_port, run_ok, tidewatch_agent, wait_until},
    server::{AGENT, OPERATOR, Server},
};

/// The unit, and what it says of a setting.
fn unit(setting: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agent/deploy");
    let text = std::fs::read_to_string(path.join("tidewatch-agent.service")).expect("is there");
    let line = text.lines().find_map(|line| line.strip_prefix(setting)?.strip_prefix('='));
    line.unwrap_or_else(|| panic!("the unit does not set {setting}")).to_owned()
}

#[test]
fn it_runs_with_what_its_unit_leaves_it() {
    // The same that the unit names, as setpriv wants it.
    let capability = unit("CapabilityBoundingSet").replace("CAP_", "").to_lowercase();
    assert_eq!(unit("AmbientCapabilities").replace("CAP_", "").to_lowercase(), capability);
    if let Err(error) = run_ok("unshare", &["--mount", "true"]) {
        println!("{error}; running with few privileges is not tested here");
        return;
    }
    let server = Server::start();
    let dir = tempfile::tempdir().expect("is created");
    let spool = dir.path().join("spool");
    std::fs::create_dir(&spool).expect("is created");
    // The user `nobody` writes there and nowhere else; it reaches it by the capability.
    std::os::unix::fs::chown(&spool, Some(65534), Some(65534)).expect("is permitted");
    let notify = dir.path().join("notify");
    let manager = UnixDatagram::bind(&notify).expect("binds");
    manager.set_read_timeout(Some(Duration::from_secs(60))).expect("can be set");
    let everyone = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(&notify, everyone).expect("is permitted");
    let config = dir.path().join("agent.toml");
    let text = format!(
        "[aggregator]\nlisten = \"of no concern\"\n[agent]\nnode = \"n1\"\naggregator = {:?}\n\
         token = {AGENT:?}\nlisten = \"127.0.0.1:{}\"\n[agent.spool]\ndir = {spool:?}\n",
        server.url(""),
        free_port(),
    );
    std::fs::write(&config, text).expect("is written");
    let script = r#"
        mount --make-rprivate / && mount --bind "$1" "$1" && mount -o remount,bind,ro / || exit 9
        shift; binary=$1; config=$2; capability=$3
        exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \
            --bounding-set "-all,+$capability" --inh-caps "-all,+$capability" \
            --ambient-caps "-all,+$capability" "$binary" --config "$config"
    "#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(&spool);
    command.arg(tidewatch_agent()).arg(&config).arg(&capability);
    command.env("NOTIFY_SOCKET", &notify).env("WATCHDOG_USEC", "3000000");
    let mut agent = Process::start("tidewatch-agent", &mut command);

    let told = || {
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).expect("the agent tells in time");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let first = [told(), told()];
    assert!(first.contains(&"READY=1".to_owned()), "{first:?}\n{}", agent.output());
    assert!(first.contains(&"WATCHDOG=1".to_owned()), "{first:?}");
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.pid())).expect("runs");
    // CAP_DAC_READ_SEARCH is the third: nothing else may be left.
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert!(status.contains(&format!("{set}:\t0000000000000004")), "{status}");
    }
    for query in [
        "count(container_cpu_usage_seconds_total) > 0",
        "count(container_memory_usage_bytes) > 0",
        "count(node_cpu_seconds_total{mode=\"idle\"}) > 0",
        "count(node_network_info{device=\"lo\"}) > 0",
        "count(node_filesystem_avail_bytes{mountpoint=\"/\"}) > 0",
    ] {
        let value = wait_until(query, || server.value(OPERATOR, query));
        assert!(value.is_some(), "{query}:\n{}", agent.output());
    }
    assert!(std::fs::read_dir(&spool).expect("is there").count() > 0, "the spool is not used");
    assert_eq!(agent.terminate(), Some(0), "{}", agent.output());
    let last = std::iter::from_fn(|| Some(told())).find(|text| text != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    if let Err(error) = run_ok("systemd-analyze", &["--version"]) {
        println!("{error}; the unit is not verified here");
        return;
    }
    let dir = tempfile::tempdir().expect("is created");
    let unit = dir.path().join("tidewatch-agent.service");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agent/deploy");
    let text = std::fs::read_to_string(source.join("tidewatch-agent.service")).expect("is there");
    let binary = tidewatch_agent();
    let text = text.replace("/usr/bin/tidewatch-agent", &binary.to_string_lossy());
    std::fs::write(&unit, text).expect("is written");
    let path = unit.to_string_lossy();
    run_ok("systemd-analyze", &["verify", "--man=no", &path]).expect("is a unit");
    // Of 10; what is left is what it is for: the host's network and other processes.
    let exposed = ["security", "--offline=true", "--threshold=25", &path];
    run_ok("systemd-analyze", &exposed).expect("is exposed to little");
}
