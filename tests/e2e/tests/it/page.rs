//! The web page in a real browser: drawn within three seconds, and an injected failure seen without
//! a reload.

use std::{path::Path, process::Command};

use e2e::{
    peers,
    process::{Process, tidewatch, wait_until},
};
use serde_json::Value;

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
    // A graph of two points is hardly a graph: let there be some seconds of samples first.
    let samples = wait_until("samples", || samples(&url, &token).filter(|count| *count > 100.0));
    assert!(samples.is_some(), "the demo has no samples");
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

fn samples(url: &str, token: &str) -> Option<f64> {
    let query = "sum(count_over_time(container_memory_working_set_bytes[1m]))";
    let url = format!("{url}/api/v1/query");
    let url = reqwest::Url::parse_with_params(&url, [("query", query)]).ok()?;
    let answer = e2e::server::client().get(url).bearer_auth(token).send().ok()?;
    let body: Value = answer.json().ok()?;
    body["data"]["result"].get(0)?["value"].get(1)?.as_str()?.parse().ok()
}
