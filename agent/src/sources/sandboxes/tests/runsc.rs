//! A pod in a real gVisor sandbox: one container that only holds it together, and apps.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Each `runsc` to test with: the one of this system and those that `TIDEWATCH_RUNSC` lists.
///
/// Says so where there is none, or where it is left out on purpose: a test that is not run has to be seen.
pub(super) fn generations(test: &str) -> Vec<PathBuf> {
    if std::env::var_os("TIDEWATCH_WITHOUT_PEERS").is_some() {
        eprintln!("LEFT OUT (TIDEWATCH_WITHOUT_PEERS): {test}");
        return Vec::new();
    }
    let listed = std::env::var_os("TIDEWATCH_RUNSC").unwrap_or_default();
    let mut found: Vec<PathBuf> = std::env::split_paths(&listed).collect();
    found.retain(|path| !path.as_os_str().is_empty());
    found.push("runsc".into());
    found.retain(|runsc| {
        let runs = Command::new(runsc).arg("--version").output();
        let runs = runs.is_ok_and(|output| output.status.success());
        if !runs {
            eprintln!("NOT RUN with {} (it cannot be started): {test}", runsc.display());
        }
        runs
    });
    if Path::new("/bin/busybox").exists() {
        return found;
    }
    eprintln!("NOT RUN (no /bin/busybox to put into containers): {test}");
    Vec::new()
}

/// A pod, removed with all that it left on drop.
pub(super) struct RealPod {
    runsc: PathBuf,
    dir: TempDir,
    /// Its cgroup's directory below each controller.
    parent: String,
    pub(super) sandbox: String,
    containers: Vec<String>,
}

impl RealPod {
    /// `None` where this machine does not let a sandbox run; says why.
    pub(super) fn start(runsc: &Path, apps: &[(&str, &str)]) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let parent = format!("tidewatch-test-{}-{number}", std::process::id());
        let dir = tempfile::tempdir().expect("a directory");
        let sandbox = format!("{parent}-pause");
        let mut pod = Self { runsc: runsc.into(), dir, parent, sandbox, containers: Vec::new() };
        let mut all = vec![("pause", "exec sleep 100000")];
        all.extend(apps);
        for (name, script) in all {
            if let Err(error) = pod.add(name, script) {
                eprintln!("NOT RUN ({} cannot run a sandbox here): {error}", runsc.display());
                return None;
            }
        }
        Some(pod)
    }

    pub(super) fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    pub(super) fn id(&self, name: &str) -> String {
        format!("{}-{name}", self.parent)
    }

    pub(super) fn group(&self) -> String {
        format!("/{}/{}", self.parent, self.sandbox)
    }

    fn add(&mut self, name: &str, script: &str) -> Result<(), String> {
        let id = self.id(name);
        let bundle = self.dir.path().join(name);
        let root = bundle.join("rootfs");
        for directory in ["bin", "proc"] {
            std::fs::create_dir_all(root.join(directory)).expect("makes it");
        }
        std::fs::copy("/bin/busybox", root.join("bin/busybox")).expect("copies");
        write(&bundle.join("config.json"), &self.spec(name, script, &root).to_string());
        self.containers.push(id.clone());
        let bundle = bundle.display().to_string();
        self.succeed(&["create", "--bundle", &bundle, &id])?;
        self.succeed(&["start", &id])
    }

    fn spec(&self, name: &str, script: &str, root: &Path) -> Value {
        let kind = if name == "pause" { "sandbox" } else { "container" };
        let mut annotations = json!({
            "io.kubernetes.cri.container-type": kind,
            "io.kubernetes.cri.sandbox-id": self.sandbox,
            "io.kubernetes.cri.sandbox-name": "web-0",
            "io.kubernetes.cri.sandbox-namespace": "shop",
        });
        if kind == "container" {
            annotations["io.kubernetes.cri.container-name"] = name.into();
        }
        let namespaces = ["pid", "ipc", "uts", "mount", "network"];
        json!({
            "ociVersion": "1.0.0",
            "process": {
                "user": {"uid": 0, "gid": 0}, "cwd": "/", "env": ["PATH=/bin"],
                "args": ["/bin/busybox", "sh", "-c", script],
            },
            "root": {"path": root},
            "hostname": "web-0",
            "annotations": annotations,
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
            "linux": {
                "cgroupsPath": format!("/{}/{}", self.parent, self.id(name)),
                "namespaces": namespaces.map(|kind| json!({ "type": kind })),
            },
        })
    }

    /// Kills an app and lets `runsc` forget it.
    pub(super) fn end(&mut self, name: &str) {
        let id = self.id(name);
        self.succeed(&["kill", &id, "KILL"]).expect("is killed");
        self.succeed(&["delete", "--force", &id]).expect("is deleted");
        self.containers.retain(|known| *known != id);
    }

    fn succeed(&self, arguments: &[&str]) -> Result<(), String> {
        let output = self.runsc(arguments);
        if output.status.success() {
            return Ok(());
        }
        let log = read(&self.dir.path().join("log"));
        Err(format!("runsc {arguments:?}: {}: {log}", output.status))
    }

    fn runsc(&self, arguments: &[&str]) -> Output {
        // A sandbox inherits what it is started with, so nothing here may be a pipe: its end would
        // never be seen. And a runsc that hangs must not hang the test.
        let log = append(&self.dir.path().join("log"));
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", "60"]).arg(&self.runsc).arg("--root").arg(self.root());
        command.args(["--network=none", "--platform=ptrace"]).args(arguments);
        let errors = log.try_clone().expect("clones");
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        let status = command.status().expect("timeout is there");
        Output { status, stdout: Vec::new(), stderr: Vec::new() }
    }
}

impl Drop for RealPod {
    fn drop(&mut self) {
        for id in self.containers.iter().rev() {
            self.runsc(&["delete", "--force", id]);
        }
        for controller in std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            let parent = controller.path().join(&self.parent);
            for child in std::fs::read_dir(&parent).into_iter().flatten().flatten() {
                std::fs::remove_dir(child.path()).unwrap_or_default();
            }
            std::fs::remove_dir(parent).unwrap_or_default();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "files of this test")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("writes");
}

#[expect(clippy::disallowed_methods, reason = "files of this test")]
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn append(path: &Path) -> std::fs::File {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("opens");
    file.write_all(b"\n").expect("writes");
    file
}
