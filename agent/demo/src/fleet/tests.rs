//! Tests of the fleet's making.

use std::collections::BTreeSet;

use super::*;

fn config(state_dir: PathBuf) -> FleetConfig {
    FleetConfig {
        node: "here".to_owned(),
        program: "/bin/tidewatch".into(),
        args: vec!["sample-app".into()],
        state_dir,
        memory_limit: MEMORY_LIMIT_DEFAULT,
    }
}

fn fleet() -> (tempfile::TempDir, Fleet) {
    let directory = tempfile::tempdir().unwrap();
    let fleet = Fleet::new(&config(directory.path().to_owned())).unwrap();
    (directory, fleet)
}

#[test]
fn a_new_fleet_is_healthy() {
    let (directory, fleet) = fleet();
    let file = fleet.members[0].state_dir.join(CRASH_LOOP_FILE);
    std::fs::create_dir(&file).unwrap();
    let error = Fleet::new(&config(directory.path().to_owned())).unwrap_err();
    assert!(matches!(error, FleetError::State { .. }), "{error}");
    std::fs::remove_dir(&file).unwrap();
    std::fs::File::options().create(true).write(true).truncate(true).open(&file).unwrap();
    Fleet::new(&config(directory.path().to_owned())).unwrap();
    assert!(!file.exists());
}

#[test]
fn a_path_that_no_socket_can_have_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let error = Fleet::new(&config(directory.path().join("x".repeat(100)))).unwrap_err();
    assert!(matches!(error, FleetError::SocketPath { .. }), "{error}");
}

#[test]
fn three_tenants_have_two_apps_each() {
    let (_directory, fleet) = fleet();
    let apps = fleet.apps();
    assert_eq!(apps.len(), 6);
    for tenant in ["acme", "globex", "initech"] {
        assert_eq!(apps.iter().filter(|(name, _, _)| name.as_str() == tenant).count(), 2);
    }
    let rate: f64 = fleet.profiles().iter().map(|profile| profile.rate).sum();
    assert!((20.0..80.0).contains(&rate), "{rate}");
}

#[test]
fn instances_share_nothing() {
    let (_directory, fleet) = fleet();
    let distinct =
        |of: fn(&Member) -> String| fleet.members.iter().map(of).collect::<BTreeSet<_>>().len();
    assert_eq!(fleet.members.len(), 8);
    assert_eq!(distinct(|member| member.target.instance.clone()), 8);
    assert_eq!(distinct(|member| member.port.to_string()), 8);
    assert_eq!(distinct(|member| member.state_dir.display().to_string()), 8);
    let first_ephemeral = first_ephemeral_port().unwrap();
    assert!(fleet.members.iter().all(|m| m.port < first_ephemeral && m.state_dir.is_dir()));
}

#[test]
fn every_fault_hits_another_app() {
    let (_directory, fleet) = fleet();
    let faults = fleet.faults();
    let apps: BTreeSet<_> = faults.iter().map(|(_, target)| &target.app).collect();
    assert_eq!((faults.len(), apps.len()), (4, 4));
    assert!(faults.iter().all(|(_, target)| fleet.member(target).is_some()));
}

#[test]
fn ports_stay_free_for_those_who_asked() {
    let ports = free_ports(50).unwrap();
    assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 50);
}
