//! A service manager that writes down what it is told.

use std::{ffi::OsStr, os::unix::net::UnixDatagram, time::Duration};

use daemon::stop::Stop;

use super::{Notify, is_alive};

fn told(manager: &UnixDatagram) -> Option<String> {
    let mut buffer = [0; 64];
    let length = manager.recv(&mut buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

#[tokio::test]
async fn what_a_manager_is_told() {
    let dir = tempfile::tempdir().expect("there is room");
    let path = dir.path().join("notify");
    let manager = UnixDatagram::bind(&path).expect("binds");
    let notify = Notify::to(path.as_os_str(), Some(OsStr::new("30000000")));
    notify.ready();
    assert_eq!(told(&manager).as_deref(), Some("READY=1"));
    let stop = Stop::default();
    notify.ticked();
    let watching = tokio::spawn(notify.clone().watch(Duration::from_secs(1), stop.clone()));
    let sign = tokio::task::spawn_blocking(move || (told(&manager), manager)).await;
    let (sign, manager) = sign.expect("ends");
    assert_eq!(sign.as_deref(), Some("WATCHDOG=1"));
    stop.stop();
    watching.await.expect("ends");
    notify.stopping();
    assert_eq!(told(&manager).as_deref(), Some("STOPPING=1"));
}

#[test]
fn signs_of_life_end_with_the_ticks() {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let alive = |last| is_alive(last, Duration::from_secs(60), Duration::from_secs(30));
    assert!(alive(None) && alive(seconds(59)) && alive(seconds(70)));
    assert!(!alive(seconds(71)));
}

#[test]
fn without_a_manager_nothing_is_told() {
    Notify::default().ready();
    Notify::to(OsStr::new("/nothing/is/here"), None).ready();
}
