//! The sample platform on real processes and real connections.

#[cfg(test)]
pub(crate) mod support {
    //! A fleet under supervision, and the simplest HTTP client.

    use std::{
        future::Future,
        net::SocketAddr,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use demo::{
        fleet::{Fleet, FleetConfig, MEMORY_LIMIT_DEFAULT, Member},
        proxy::{AccessEntry, Proxy, ProxyConfig, Timeouts},
    };
    use model::time::Timestamp;
    use supervisor::{
        Supervisor,
        exit::Exit,
        spec::{CgroupChoice, Clock, Config, Shim},
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        sync::mpsc,
    };

    const PROGRAM: &str = env!("CARGO_BIN_EXE_sample-app");
    /// Far beyond what anything here takes, on any machine.
    const PATIENCE: Duration = Duration::from_secs(60);

    pub(crate) struct Rig {
        pub(crate) fleet: Fleet,
        pub(crate) supervisor: Supervisor,
        pub(crate) exits: mpsc::Receiver<Exit>,
        _state: tempfile::TempDir,
    }

    #[expect(clippy::disallowed_methods, reason = "the supervisor is handed a real clock")]
    fn clock() -> Clock {
        Clock::new(|| {
            let now = std::time::SystemTime::now();
            let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
            Timestamp(i64::try_from(since.as_millis()).unwrap())
        })
    }

    impl Rig {
        /// A fleet of which nothing runs yet.
        pub(crate) async fn new(cgroups: CgroupChoice) -> Self {
            let state = tempfile::tempdir().unwrap();
            let fleet = Fleet::new(&FleetConfig {
                node: "here".to_owned(),
                program: PROGRAM.into(),
                args: vec!["sample-app".into()],
                state_dir: state.path().to_owned(),
                memory_limit: MEMORY_LIMIT_DEFAULT,
            })
            .unwrap();
            let shim = Shim { program: PROGRAM.into(), args: vec!["shim".into()] };
            let config = Config { cgroups, ..Config::new(shim, clock()) };
            let (supervisor, exits) = Supervisor::new(config).await.unwrap();
            Self { fleet, supervisor, exits, _state: state }
        }

        pub(crate) fn member(&self, instance: &str) -> Member {
            let mut members = self.fleet.members.iter();
            members.find(|member| member.target.instance == instance).unwrap().clone()
        }

        /// Starts one and waits until it is healthy.
        pub(crate) async fn start(&self, instance: &str) -> Member {
            let member = self.member(instance);
            self.supervisor.start(member.spec()).await.unwrap();
            healthy(&member).await;
            member
        }

        pub(crate) async fn exit(&mut self) -> Exit {
            patiently("an exit", self.exits.recv()).await.unwrap()
        }

        /// A proxy before the fleet, and what it reports.
        pub(crate) async fn proxy(&self) -> (Proxy, Entries) {
            let entries = Entries::default();
            let sink = entries.clone();
            let proxy = Proxy::start(ProxyConfig {
                listen: ([127, 0, 0, 1], 0).into(),
                upstreams: self.fleet.upstreams(),
                timeouts: Timeouts { response: Duration::from_millis(400), ..Timeouts::default() },
                sink: Arc::new(move |entry| sink.0.lock().unwrap().push(entry.clone())),
            })
            .await
            .unwrap();
            (proxy, entries)
        }
    }

    #[derive(Clone, Default)]
    pub(crate) struct Entries(pub(crate) Arc<Mutex<Vec<AccessEntry>>>);

    impl Entries {
        /// The newest, once there are so many.
        pub(crate) async fn nth(&self, count: usize) -> AccessEntry {
            until("a report", || self.0.lock().unwrap().len() >= count).await;
            self.0.lock().unwrap()[count - 1].clone()
        }
    }

    pub(crate) async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
        match tokio::time::timeout(PATIENCE, future).await {
            Ok(value) => value,
            Err(_) => panic!("waited in vain for {what}"),
        }
    }

    pub(crate) async fn until(what: &str, so: impl Fn() -> bool + Send + Sync) {
        patiently(what, async {
            while !so() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }

    /// Status code and body; `None` when there is no complete answer.
    pub(crate) async fn request(
        address: SocketAddr,
        head: &str,
        body: &str,
    ) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let length = body.len();
        let text = format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(text.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let code = answer.split(' ').nth(1)?.parse().ok()?;
        Some((code, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }

    pub(crate) async fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
        request(address, &format!("GET {path} HTTP/1.1\r\nHost: localhost"), "").await
    }

    pub(crate) async fn healthy(member: &Member) {
        patiently("health", async {
            while get(member.address(), &member.probe_path)
                .await
                .is_none_or(|(code, _)| code != 200)
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

#[cfg(test)]
#[path = "it/faults.rs"]
mod faults;
#[cfg(test)]
#[path = "it/measure.rs"]
mod measure;
#[cfg(test)]
#[path = "it/requests.rs"]
mod requests;
