//! The supervisor on real processes, with cgroups where the machine permits.

#[cfg(test)]
mod support {
    //! Supervisors, specifications and patience.

    use std::{ffi::OsString, future::Future, path::PathBuf, time::Duration};

    use model::{event::Target, tenant::TenantId, time::Timestamp};
    use supervisor::{
        Supervisor,
        exit::Exit,
        log::LogLine,
        spec::{CgroupChoice, Clock, Config, Shim, Spec},
    };
    use tokio::sync::mpsc;

    /// Far beyond what anything here takes, on any machine.
    const PATIENCE: Duration = Duration::from_secs(30);

    pub(crate) struct Rig {
        pub(crate) supervisor: Supervisor,
        pub(crate) exits: mpsc::Receiver<Exit>,
        pub(crate) lines: mpsc::Receiver<LogLine>,
    }

    #[expect(clippy::disallowed_methods, reason = "the supervisor is handed a real clock")]
    fn clock() -> Clock {
        Clock::new(|| {
            let now = std::time::SystemTime::now();
            let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
            Timestamp(i64::try_from(since.as_millis()).unwrap())
        })
    }

    pub(crate) fn config(cgroups: CgroupChoice) -> Config {
        let shim = Shim { program: env!("CARGO_BIN_EXE_supervised").into(), args: vec![] };
        Config { cgroups, ..Config::new(shim, clock()) }
    }

    impl Rig {
        pub(crate) async fn new(cgroups: CgroupChoice) -> Self {
            let (sink, lines) = mpsc::channel(1000);
            let config = Config { log_sink: Some(sink), ..config(cgroups) };
            let (supervisor, exits) = Supervisor::new(config).await.unwrap();
            Self { supervisor, exits, lines }
        }

        /// One with cgroups that limit memory, or `None` with a word about it.
        pub(crate) async fn with_cgroups() -> Option<Self> {
            let rig = Self::new(CgroupChoice::Auto).await;
            if let Some(why) = rig.supervisor.notice() {
                eprintln!("not tested here, there are no cgroups: {why}");
                return None;
            }
            Some(rig)
        }

        pub(crate) async fn exit(&mut self) -> Exit {
            patiently("an exit", self.exits.recv()).await.unwrap()
        }

        /// The next line that starts so, without that start.
        pub(crate) async fn line(&mut self, start: &str) -> String {
            loop {
                let line = patiently(start, self.lines.recv()).await.unwrap();
                if let Some(rest) = line.text.strip_prefix(start) {
                    return rest.to_owned();
                }
            }
        }
    }

    pub(crate) async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
        match tokio::time::timeout(PATIENCE, future).await {
            Ok(value) => value,
            Err(_) => panic!("waited in vain for {what}"),
        }
    }

    /// Waits until it is so.
    pub(crate) async fn until(what: &str, so: impl Fn() -> bool + Send + Sync) {
        patiently(what, async {
            while !so() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }

    pub(crate) fn target(instance: &str) -> Target {
        Target {
            tenant: TenantId::new("acme").unwrap(),
            app: "app".into(),
            component: String::new(),
            instance: instance.into(),
            node: "here".into(),
        }
    }

    pub(crate) fn program(instance: &str, command: &str, args: &[&str]) -> Spec {
        Spec {
            target: target(instance),
            command: PathBuf::from(command),
            args: args.iter().map(OsString::from).collect(),
            env: vec![("PATH".into(), "/usr/bin:/bin".into())],
            working_dir: None,
            memory_limit: None,
        }
    }

    pub(crate) fn script(instance: &str, script: &str) -> Spec {
        program(instance, "/bin/sh", &["-c", script])
    }

    /// Whether a process exists that is not a zombie.
    pub(crate) fn is_alive(pid: u32) -> bool {
        let file = std::fs::OpenOptions::new().read(true).open(format!("/proc/{pid}/stat"));
        let mut stat = String::new();
        file.is_ok_and(|mut file| std::io::Read::read_to_string(&mut file, &mut stat).is_ok())
            && stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }
}

#[cfg(test)]
#[path = "it/cgroups.rs"]
mod cgroups;
#[cfg(test)]
#[path = "it/death.rs"]
mod death;
#[cfg(test)]
#[path = "it/life.rs"]
mod life;
#[cfg(test)]
#[path = "it/measure.rs"]
mod measure;
