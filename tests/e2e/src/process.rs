//! Processes under test: started, watched, and killed when the test ends.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Longest wait for anything that a test waits for, unless it says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The command under test.
pub fn tidewatch() -> PathBuf {
    let path = std::env::var_os("TIDEWATCH_BIN").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/tidewatch")),
        PathBuf::from,
    );
    assert!(path.exists(), "{} is missing: cargo build --release", path.display());
    path
}

/// The node agent alone, which is built beside the command.
pub fn tidewatch_agent() -> PathBuf {
    let path = tidewatch().with_file_name("tidewatch-agent");
    assert!(
        path.exists(),
        "{} is missing: cargo build --release -p tidewatch-agent",
        path.display()
    );
    path
}

/// Runs `tidewatch` to its end.
pub fn run(args: &[&str]) -> Output {
    Command::new(tidewatch()).args(args).output().expect("runs")
}

/// Runs a program of the system's; what it prints when it fails or is not there.
pub fn run_ok(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    output.status.success().then_some(()).ok_or_else(|| format!("{program}: {printed}"))
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    listener.local_addr().expect("has an address").port()
}

/// A running process; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    output: Arc<Mutex<Vec<String>>>,
}

impl Process {
    pub fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let output = Arc::new(Mutex::new(Vec::new()));
        let stdout = child.stdout.take().expect("is piped");
        let stderr = child.stderr.take().expect("is piped");
        collect(stdout, &output);
        collect(stderr, &output);
        Self { child, name: name.to_owned(), output }
    }

    /// Everything printed so far.
    pub fn output(&self) -> String {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line that contains `text`.
    pub fn wait_for_line(&mut self, text: &str) -> String {
        let line = wait_until(&format!("{} to print {text:?}", self.name), || {
            let ended = self.child.try_wait().expect("can be waited for");
            let found = self.output().lines().find(|line| line.contains(text)).map(str::to_owned);
            assert!(found.is_some() || ended.is_none(), "{} ended:\n{}", self.name, self.output());
            found
        });
        line.unwrap_or_else(|| panic!("{} never printed {text:?}:\n{}", self.name, self.output()))
    }

    /// `kill -9`, and waits for the end.
    pub fn kill(&mut self) {
        self.child.kill().expect("can be killed");
        self.child.wait().expect("can be waited for");
    }

    /// SIGTERM, and waits for the exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        Command::new("kill").arg(&pid).status().expect("kill runs");
        let ended =
            wait_until("the process to end", || self.child.try_wait().expect("can be waited for"));
        ended.and_then(|status| status.code())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- output of {}:\n{}", self.name, self.output());
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn collect(stream: impl std::io::Read + Send + 'static, output: &Arc<Mutex<Vec<String>>>) {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            output.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
}

/// Polls until there is an answer, or [`PATIENCE`] ends.
pub fn wait_until<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(answer) = poll() {
            return Some(answer);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    eprintln!("gave up waiting for {what}");
    None
}
