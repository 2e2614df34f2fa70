//! An aggregator of one's own, with tokens for an operator, an agent and two tenants.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use reqwest::{
    Method, StatusCode,
    blocking::{Client, RequestBuilder, Response},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Process, free_port, tidewatch, wait_until};

pub const OPERATOR: &str = "operator-0123456789abcdef0123456789";
pub const AGENT: &str = "agent-0123456789abcdef0123456789abc";
pub const ALERTING: &str = "alerting-0123456789abcdef0123456789";
pub const ADMIN: &str = "admin-0123456789abcdef0123456789abc";
pub const GLOBEX_ADMIN: &str = "globex-admin-0123456789abcdef012345";
pub const ACME: &str = "acme-0123456789abcdef0123456789abcd";
pub const GLOBEX: &str = "globex-0123456789abcdef0123456789ab";
pub const EXPIRED: &str = "expired-0123456789abcdef0123456789a";

/// A client that waits as long as a test does.
pub fn client() -> Client {
    daemon::http::install_crypto();
    Client::builder().timeout(Duration::from_secs(60)).no_proxy().build().expect("builds")
}

/// A running `tidewatch aggregator`.
#[derive(Debug)]
pub struct Server {
    pub process: Process,
    pub port: u16,
    dir: TempDir,
    client: Client,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// With further lines in the `[aggregator]` section.
    pub fn start_with(lines: &str) -> Self {
        Self::start_on(free_port(), lines)
    }

    /// On a port of the caller's choice.
    pub fn start_on(port: u16, lines: &str) -> Self {
        Self::start_in(tempfile::tempdir().expect("is created"), port, lines)
    }

    /// With configuration and data in a directory of the caller's choice.
    pub fn start_in(dir: TempDir, port: u16, lines: &str) -> Self {
        let config = configuration(port, &dir.path().join("data"), lines);
        std::fs::write(dir.path().join("tidewatch.toml"), config).expect("is written");
        let process = spawn(dir.path());
        let server = Self { process, port, dir, client: client() };
        server.wait_until_ready();
        server
    }

    /// Kills with SIGKILL and starts again on the same data.
    pub fn crash_and_restart(&mut self) {
        self.process.kill();
        self.process = spawn(self.dir.path());
        self.wait_until_ready();
    }

    /// Replaces a part of the configuration file and asks for a reload by SIGHUP.
    pub fn reconfigure(&self, from: &str, to: &str) {
        let file = self.dir.path().join("tidewatch.toml");
        let text = std::fs::read_to_string(&file).expect("is readable");
        assert!(text.contains(from), "the configuration has no {from:?}");
        std::fs::write(&file, text.replace(from, to)).expect("is written");
        let pid = self.process.pid().to_string();
        let status = Command::new("kill").args(["-s", "HUP", &pid]).status().expect("kill runs");
        assert!(status.success());
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn wait_until_ready(&self) {
        let ready = wait_until("the aggregator to be ready", || {
            let answer = self.client.get(self.url("/-/ready")).send().ok()?;
            answer.status().is_success().then_some(())
        });
        assert!(ready.is_some(), "not ready:\n{}", self.process.output());
    }

    pub fn get(&self, token: &str, path: &str, query: &[(&str, &str)]) -> Response {
        let mut url = reqwest::Url::parse(&self.url(path)).expect("is valid");
        url.query_pairs_mut().extend_pairs(query);
        self.client.get(url).bearer_auth(token).send().expect("answers")
    }

    pub fn post(&self, token: &str, path: &str) -> RequestBuilder {
        self.request(Method::POST, token, path)
    }

    pub fn request(&self, method: Method, token: &str, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path)).bearer_auth(token)
    }

    /// Where metrics and the timeline are kept.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The `data` of a successful answer.
    pub fn data(&self, token: &str, path: &str, query: &[(&str, &str)]) -> Value {
        let answer = self.get(token, path, query);
        let status = answer.status();
        let text = answer.text().expect("has a body");
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        let mut body: Value = serde_json::from_str(&text).expect("is JSON");
        assert_eq!(body["status"], "success", "{text}");
        body["data"].take()
    }

    /// The value of an instant query that has one element, as it is printed.
    pub fn value(&self, token: &str, query: &str) -> Option<String> {
        let data = self.data(token, "/api/v1/query", &[("query", query)]);
        data["result"].get(0)?["value"].get(1)?.as_str().map(str::to_owned)
    }
}

fn spawn(dir: &Path) -> Process {
    let mut command = Command::new(tidewatch());
    command.args(["aggregator", "--config"]).arg(dir.join("tidewatch.toml"));
    Process::start("tidewatch aggregator", &mut command)
}

fn configuration(port: u16, data: &Path, lines: &str) -> String {
    let token = |name: &str, token: &str, tenants: &str, scopes: &str, more: &str| {
        format!(
            "[[aggregator.tokens]]\nname = {name:?}\ntoken = {token:?}\ntenants = [{tenants}]\n\
             scopes = [{scopes}]\n{more}\n"
        )
    };
    let both = "\"metrics-read\", \"metrics-write\"";
    [
        format!("[aggregator]\nlisten = \"127.0.0.1:{port}\"\ndata_dir = {data:?}\n{lines}\n"),
        token("operator", OPERATOR, "\"*\"", "\"metrics-read\", \"operator\"", ""),
        token("agent", AGENT, "\"*\"", "\"agent\"", "node = \"n1\""),
        token("alerting", ALERTING, "\"*\"", "\"alerting\", \"metrics-read\"", ""),
        token("admin", ADMIN, "\"*\"", "\"admin\"", ""),
        token("globex-admin", GLOBEX_ADMIN, "\"globex\"", "\"admin\"", ""),
        token("acme", ACME, "\"acme\"", both, ""),
        token("globex", GLOBEX, "\"globex\"", both, ""),
        token("expired", EXPIRED, "\"acme\"", both, "expires = 1000"),
    ]
    .concat()
}
