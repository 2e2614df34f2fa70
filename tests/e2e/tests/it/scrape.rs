//! What apps expose reaches the aggregator: real targets, targets that stop, files that change.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use e2e::{
    peers,
    process::{Process, free_port, tidewatch, wait_until},
    server::{ACME, AGENT, GLOBEX, OPERATOR, Server, client},
};
use serde_json::Value;

/// A target whose answer the test chooses; gone when dropped.
struct Target {
    port: u16,
    body: Arc<Mutex<String>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Target {
    fn start(body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("has an address").port();
        let body = Arc::new(Mutex::new(body.to_owned()));
        let stopping = Arc::new(AtomicBool::new(false));
        let (answer, until) = (Arc::clone(&body), Arc::clone(&stopping));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if until.load(Ordering::SeqCst) {
                    return;
                }
                drop(serve(stream, &answer.lock().expect("is not poisoned").clone()));
            }
        });
        Self { port, body, stopping, thread: Some(thread) }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn say(&self, body: &str) {
        body.clone_into(&mut self.body.lock().expect("is not poisoned"));
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn serve(mut stream: TcpStream, body: &str) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut part)?;
        if read == 0 {
            return Ok(());
        }
        request.extend_from_slice(&part[..read]);
    }
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}

/// An agent that does nothing but scrape.
fn agent(dir: &Path, server: &Server, listen: u16, scrape: &str) -> Process {
    let config = format!(
        "[agent]\nnode = \"n1\"\ntoken = {AGENT:?}\naggregator = \"http://127.0.0.1:{}\"\n\
         listen = \"127.0.0.1:{listen}\"\nnode_metrics = false\n[agent.cgroups]\nenabled = false\n\
         [agent.scrape]\ntenant = \"acme\"\nscrape_interval = \"200ms\"\n{scrape}",
        server.port
    );
    let file = dir.join("agent.toml");
    fs::write(&file, config).expect("is written");
    let mut command = Command::new(tidewatch());
    command.args(["agent", "--config"]).arg(&file);
    Process::start("tidewatch agent", &mut command)
}

fn await_value(server: &Server, query: &str, expected: Option<&str>) {
    let found =
        wait_until(query, || (server.value(ACME, query).as_deref() == expected).then_some(()));
    assert!(found.is_some(), "{query}: {:?}", server.value(ACME, query));
}

#[test]
fn series_arrive_vanish_and_come_back() {
    let server = Server::start();
    let dir = tempfile::tempdir().expect("is created");
    let target = Target::start("asked_total{code=\"200\"} 7\nother{tenant=\"globex\"} 1\n");
    let address = target.address();
    let listen = free_port();
    let scrape = format!(
        "[[agent.scrape.scrape_configs]]\njob_name = \"app\"\n\
         static_configs = [{{ targets = [{address:?}], labels = {{ env = \"test\" }} }}]\n"
    );
    let _agent = agent(dir.path(), &server, listen, &scrape);

    let asked = format!("asked_total{{job=\"app\",instance={address:?},env=\"test\",node=\"n1\"}}");
    await_value(&server, &asked, Some("7"));
    await_value(&server, "up{job=\"app\"}", Some("1"));
    await_value(&server, "scrape_samples_scraped", Some("2"));
    await_value(&server, "other{exported_tenant=\"globex\"}", Some("1"));
    assert_eq!(server.value(OPERATOR, "count(other{tenant=\"globex\"})"), None, "no way around");

    target.say("asked_total{code=\"200\"} 8\n");
    await_value(&server, &asked, Some("8"));
    await_value(&server, "other", None);

    let targets: Value = client()
        .get(format!("http://127.0.0.1:{listen}/api/v1/targets?state=active"))
        .send()
        .and_then(reqwest::blocking::Response::json)
        .expect("answers");
    let shown = &targets["data"]["activeTargets"][0];
    assert_eq!(
        (&shown["health"], &shown["scrapePool"]),
        (&"up".into(), &"app".into()),
        "{targets}"
    );

    // The target stops: its series end, long before a query would stop looking back.
    drop(target);
    await_value(&server, &asked, None);
    await_value(&server, "up{job=\"app\"}", Some("0"));
}

#[test]
fn files_of_targets_are_followed() {
    let server = Server::start();
    let dir = tempfile::tempdir().expect("is created");
    let (one, two) = (Target::start("which 1\n"), Target::start("which 2\n"));
    let file = dir.path().join("targets.yml");
    let list = |targets: &[&Target]| {
        let addresses: Vec<String> = targets.iter().map(|target| target.address()).collect();
        let text = format!("- targets: {addresses:?}\n  labels:\n    from: file\n");
        fs::write(&file, text).expect("is written");
    };
    list(&[&one]);
    let scrape = format!(
        "[[agent.scrape.scrape_configs]]\njob_name = \"files\"\n\
         file_sd_configs = [{{ files = [{:?}], refresh_interval = \"1s\" }}]\n",
        dir.path().join("*.yml")
    );
    let _agent = agent(dir.path(), &server, free_port(), &scrape);
    await_value(&server, "sum(which{from=\"file\"})", Some("1"));
    list(&[&one, &two]);
    await_value(&server, "sum(which)", Some("3"));
    // A file that cannot be read changes nothing; one without the target ends it.
    fs::write(&file, "- targets: [").expect("is written");
    await_value(&server, "sum(which)", Some("3"));
    list(&[&two]);
    await_value(&server, "sum(which)", Some("2"));
    await_value(&server, "count(up{job=\"files\"})", Some("1"));
}

#[test]
fn a_real_prometheus_and_an_agent_are_scraped() {
    if peers::left_out("a_real_prometheus_and_an_agent_are_scraped") {
        return;
    }
    let server = Server::start();
    let dir = tempfile::tempdir().expect("is created");
    let (peer_port, listen) = (free_port(), free_port());
    let peer_config = dir.path().join("prometheus.yml");
    fs::write(&peer_config, "global:\n  scrape_interval: 1s\n").expect("is written");
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", peer_config.display()))
        .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{peer_port}"));
    let _peer = Process::start("prometheus", &mut command);
    let scrape = format!(
        "[[agent.scrape.scrape_configs]]\njob_name = \"prometheus\"\n\
         scrape_native_histograms = true\n\
         static_configs = [{{ targets = [\"127.0.0.1:{peer_port}\"] }}]\n\
         [[agent.scrape.scrape_configs]]\njob_name = \"tidewatch\"\n\
         static_configs = [{{ targets = [\"127.0.0.1:{}\", \"127.0.0.1:{listen}\"] }}]\n\
         metric_relabel_configs = [{{ source_labels = [\"__name__\"], regex = \"process_.*\", action = \"drop\" }}]\n",
        server.port
    );
    let _agent = agent(dir.path(), &server, listen, &scrape);
    await_value(&server, "sum(up)", Some("3"));
    await_value(&server, "count(prometheus_build_info{job=\"prometheus\"})", Some("1"));
    await_value(&server, "count(agent_scrapes_total{job=\"tidewatch\"})", Some("1"));
    await_value(&server, "agent_scrape_targets_up", Some("3"));
    assert_eq!(server.value(ACME, "count({__name__=~\"process_.*\",job=\"tidewatch\"})"), None);
    // This peer answers in the protobuf format, which is asked for first.
    let bucket =
        "prometheus_http_request_duration_seconds_bucket{handler=\"/metrics\",le=\"+Inf\"}";
    await_value(&server, &format!("count({bucket})"), Some("1"));
}

/// nginx as a target; `None` where there is none.
fn nginx(dir: &Path) -> Option<(Process, u16)> {
    if peers::left_out("targets_are_seen_at_the_aggregator_by_whose_they_are") {
        return None;
    }
    let port = free_port();
    let config = format!(
        "daemon off;\nmaster_process off;\npid {dir}/nginx.pid;\nerror_log stderr;\n\
         events {{}}\nhttp {{\n access_log off;\n\
         client_body_temp_path {dir}/b;\n proxy_temp_path {dir}/p;\n fastcgi_temp_path {dir}/f;\n\
         uwsgi_temp_path {dir}/u;\n scgi_temp_path {dir}/s;\n\
         server {{\n  listen 127.0.0.1:{port};\n  default_type text/plain;\n\
         location /metrics {{ return 200 \"# HELP served Served so far.\\n# TYPE served counter\\nserved_total 7\\n\"; }}\n }}\n}}\n",
        dir = dir.display()
    );
    let file = dir.join("nginx.conf");
    fs::write(&file, config).expect("is written");
    let mut command = Command::new("nginx");
    command.arg("-e").arg("stderr").arg("-p").arg(dir).arg("-c").arg(&file);
    Some((Process::start("nginx", &mut command), port))
}

#[test]
fn targets_are_seen_at_the_aggregator_by_whose_they_are() {
    let dir = tempfile::tempdir().expect("is created");
    let Some((_nginx, port)) = nginx(dir.path()) else { return };
    let server = Server::start();
    let dead = free_port();
    let scrape = format!(
        "[[agent.scrape.scrape_configs]]\njob_name = \"web\"\nbearer_token = \"hidden-token\"\n\
         static_configs = [{{ targets = [\"127.0.0.1:{port}\", \"127.0.0.1:{dead}\", \"unwanted:1\"], \
         labels = {{ env = \"test\" }} }}]\n\
         relabel_configs = [{{ source_labels = [\"__address__\"], regex = \"unwanted.*\", action = \"drop\" }}]\n"
    );
    let _agent = agent(dir.path(), &server, free_port(), &scrape);
    let active = |token: &str| {
        let data = server.data(token, "/api/v1/targets", &[("state", "active")]);
        data["activeTargets"].as_array().expect("is a list").clone()
    };
    let seen = wait_until("both targets to be known", || {
        let targets = active(ACME);
        let known =
            targets.len() == 2 && targets.iter().all(|target| target["health"] != "unknown");
        known.then_some(targets)
    });
    let seen = seen.expect("both targets are known");
    for (port, health) in [(port, "up"), (dead, "down")] {
        let instance = format!("127.0.0.1:{port}");
        let target = seen.iter().find(|target| target["labels"]["instance"] == instance.as_str());
        let target = target.expect("is shown");
        let labels = serde_json::json!({ "env": "test", "instance": instance, "job": "web" });
        assert_eq!(target["labels"], labels);
        assert_eq!((&target["health"], &target["scrapePool"]), (&health.into(), &"web".into()));
        assert_eq!(target["scrapeUrl"], format!("http://{instance}/metrics"));
        assert_eq!(target["globalUrl"], format!("http://n1:{port}/metrics"));
        assert_eq!(target["discoveredLabels"]["__address__"], instance.as_str());
        assert_eq!(
            (&target["scrapeInterval"], &target["scrapeTimeout"]),
            (&"200ms".into(), &"200ms".into())
        );
        let error = target["lastError"].as_str().expect("is text");
        assert_eq!(error.is_empty(), health == "up", "{error}");
    }
    assert_eq!(active(OPERATOR)[0]["labels"]["tenant"], "acme");

    let get = |token: &str, path: &str, query: &[(&str, &str)]| server.data(token, path, query);
    let dropped = get(ACME, "/api/v1/targets", &[("state", "dropped")]);
    assert_eq!(dropped["droppedTargetCounts"], serde_json::json!({ "web": 1 }));
    assert_eq!(dropped["droppedTargets"][0]["discoveredLabels"]["__address__"], "unwanted:1");
    assert_eq!(get(ACME, "/api/v1/scrape_pools", &[])["scrapePools"], serde_json::json!(["web"]));
    let pool = ("scrapePool", "web");
    let config = get(ACME, "/api/v1/scrape_pools/config", &[pool])["yaml"].to_string();
    assert!(config.contains("unwanted.*") && !config.contains("hidden-token"), "{config}");
    let labels = ("labels", "{\"__address__\":\"unwanted:1\"}");
    let steps = get(ACME, "/api/v1/targets/relabel_steps", &[pool, labels]);
    assert_eq!(
        (&steps["steps"][0]["keep"], &steps["steps"][0]["rule"]["action"]),
        (&false.into(), &"drop".into())
    );
    let described = wait_until("what the target says of its metrics", || {
        let query = [("match_target", "{env=\"test\"}"), ("metric", "served")];
        let entries = get(ACME, "/api/v1/targets/metadata", &query);
        entries.get(0).cloned()
    });
    assert_eq!(described.expect("is described")["help"], "Served so far.");
    others_see_nothing(&server);
}

/// Another tenant sees nothing of the pool, and has no say in it.
fn others_see_nothing(server: &Server) {
    let get = |path: &str| server.data(GLOBEX, path, &[]);
    let none = serde_json::json!([]);
    assert_eq!(get("/api/v1/targets")["activeTargets"], none);
    assert_eq!(get("/api/v1/targets")["droppedTargetCounts"], serde_json::json!({}));
    assert_eq!(get("/api/v1/scrape_pools")["scrapePools"], none);
    assert_eq!(get("/api/v1/targets/metadata"), none);
    for path in ["/api/v1/scrape_pools/config", "/api/v1/targets/relabel_steps"] {
        let answer = server.get(GLOBEX, path, &[("scrapePool", "web"), ("labels", "{}")]);
        assert_eq!(answer.status(), reqwest::StatusCode::BAD_REQUEST, "{path}");
    }
    for (token, node, status) in [
        (GLOBEX, "n1", reqwest::StatusCode::FORBIDDEN),
        (OPERATOR, "n1", reqwest::StatusCode::FORBIDDEN),
        (AGENT, "n1", reqwest::StatusCode::BAD_REQUEST),
    ] {
        let path = format!("/api/v1/nodes/{node}/targets");
        let answer = server.request(reqwest::Method::PUT, token, &path).body("no JSON").send();
        assert_eq!(answer.expect("answers").status(), status, "{token}");
    }
}

#[test]
fn jobs_are_exchanged_without_a_restart_or_not_at_all() {
    let server = Server::start();
    let dir = tempfile::tempdir().expect("is created");
    let (one, two) = (Target::start("which 1\n"), Target::start("which 2\n"));
    let job = |name: &str, target: &Target| {
        format!(
            "[[agent.scrape.scrape_configs]]\njob_name = {name:?}\n\
             static_configs = [{{ targets = [{:?}] }}]\n",
            target.address()
        )
    };
    let listen = free_port();
    let agent = agent(dir.path(), &server, listen, &job("one", &one));
    await_value(&server, "sum(which)", Some("1"));
    let file = dir.path().join("agent.toml");
    let before = fs::read_to_string(&file).expect("is readable");
    let reload = |more: &str| {
        fs::write(&file, format!("{before}{more}")).expect("is written");
        let pid = agent.pid().to_string();
        let status = Command::new("kill").args(["-s", "HUP", &pid]).status().expect("kill runs");
        assert!(status.success());
    };
    reload(&job("two", &two));
    await_value(&server, "sum(which)", Some("3"));
    reload(&format!("{}unknown_key = 1\n", job("three", &one)));
    let metrics = || {
        let url = format!("http://127.0.0.1:{listen}/metrics");
        client().get(url).send().and_then(reqwest::blocking::Response::text).expect("answers")
    };
    let refused = wait_until("the reload to be refused", || {
        metrics().contains("agent_config_last_reload_successful 0").then_some(())
    });
    assert!(refused.is_some(), "{}", agent.output());
    assert!(agent.output().contains("unknown_key"), "{}", agent.output());
    await_value(&server, "sum(which)", Some("3"));
    reload("");
    await_value(&server, "sum(which)", Some("1"));
    assert!(metrics().contains("agent_config_last_reload_successful 1"));
}
