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
    server::{ACME, AGENT, OPERATOR, Server, client},
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
