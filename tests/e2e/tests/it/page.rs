//! The web page in a real browser: drawn within three seconds, and an injected failure seen without
//! a reload.

use std::{path::Path, process::Command};

use e2e::{
    peers,
    process::{Process, tidewatch},
};

#[test]
fn the_page_shows_the_demo_and_its_first_failure() {
    if peers::left_out("Chromium: the web page") {
        return;
    }
    let mut command = Command::new(tidewatch());
    command.args(["demo", "--listen", "127.0.0.1:0"]);
    let mut demo = Process::start("tidewatch demo", &mut command);
    let line = demo.wait_for_line("#token=");
    let (url, token) = line
        .split_once("http://")
        .and_then(|(_, rest)| rest.split_once("/#token="))
        .map(|(address, token)| (format!("http://{address}"), token.trim().to_owned()))
        .expect("prints the page's address");
    let web = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../dashboards/web"));
    let shots = tempfile::tempdir().expect("is created");
    let output = Command::new("node")
        .arg("e2e/page.mjs")
        .current_dir(web)
        .env("TIDEWATCH_URL", url)
        .env("TIDEWATCH_TOKEN", token)
        .env("TIDEWATCH_EXPECT_EVENT", "restarted")
        .env("TIDEWATCH_SHOTS", shots.path())
        .output()
        .expect("node runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
}
