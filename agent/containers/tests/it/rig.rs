//! containerd with a directory of its own, an image made of busybox, and pods made through CRI as
//! kubelet makes them.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use containers::{cri::Runtime, grpc::CallError};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use wire::protobuf::{
    BYTES,
    reader::Reader,
    tag,
    writer::{put_bytes, put_message, put_string, put_varint},
};

/// Far beyond what anything here takes, on any machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const IMAGE: &str = "localhost/pause:1";
/// Network of the node, as there is no network plugin.
const NODE: u64 = 2;

pub(crate) struct Containerd {
    pub(crate) directory: TempDir,
    daemon: Option<Child>,
    group: String,
}

/// Why there are no containers here, where that is so.
pub(crate) fn missing() -> Option<String> {
    let found = |name: &str| {
        let places = ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"];
        places.iter().any(|place| Path::new(place).join(name).exists())
    };
    let needed = ["containerd", "runc", "ctr", "busybox"];
    let missing: Vec<&str> = needed.into_iter().filter(|name| !found(name)).collect();
    (!missing.is_empty()).then(|| format!("missing: {} (apt-get install)", missing.join(" ")))
}

/// Whether cgroups may be made, which containers need.
pub(crate) fn makes_cgroups() -> bool {
    ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup"].into_iter().any(|tree| {
        let probe = format!("{tree}/tidewatch-probe-{}", std::process::id());
        fs::create_dir(&probe).and_then(|()| fs::remove_dir(&probe)).is_ok()
    })
}

#[expect(clippy::disallowed_methods, reason = "configuration and an image of a peer")]
fn write(path: &Path, content: &[u8]) {
    fs::write(path, content).expect("is written");
}

fn run(command: &mut Command) {
    let output = command.output().expect("starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn hash(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Containerd {
    pub(crate) async fn start() -> Self {
        let directory = TempDir::new().expect("can make a directory");
        let group = format!("/tidewatch-cri-{}", std::process::id());
        let mut containerd = Self { directory, daemon: None, group };
        containerd.configure();
        containerd.begin().await;
        containerd.import();
        containerd
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("c.sock")
    }

    fn configure(&self) {
        let own = self.directory.path().display();
        let config = format!(
            r#"version = 2
root = "{own}/root"
state = "{own}/state"
[grpc]
  address = "{own}/c.sock"
[ttrpc]
  address = "{own}/c.sock.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  disable_tcp_service = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{own}/cni/bin"
    conf_dir = "{own}/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
"#
        );
        write(&self.path("config.toml"), config.as_bytes());
    }

    /// Starts the daemon, and returns once it answers through CRI.
    pub(crate) async fn begin(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("log"));
        let daemon = Command::new("containerd")
            .arg("--config")
            .arg(self.path("config.toml"))
            .stdout(Stdio::null())
            .stderr(log.expect("is opened"))
            .spawn();
        self.daemon = Some(daemon.expect("containerd starts"));
        let answering = async {
            loop {
                if let Ok(runtime) = Runtime::connect(&self.socket()).await
                    && runtime.containers().await.is_ok()
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, answering).await.expect("containerd answers");
    }

    /// Ends the daemon; its containers live on.
    pub(crate) fn end(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().expect("is killed");
            daemon.wait().expect("ends");
        }
    }

    /// An image of busybox alone, in the layout of the OCI image specification.
    fn import(&self) {
        let (root, image) = (self.path("rootfs"), self.path("image"));
        for directory in [root.join("bin"), root.join("tmp"), image.join("blobs/sha256")] {
            fs::create_dir_all(directory).expect("is made");
        }
        let busybox =
            ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|p| Path::new(p).exists());
        fs::copy(busybox.expect("is there"), root.join("bin/busybox")).expect("is copied");
        for name in ["sh", "sleep", "true"] {
            symlink("busybox", root.join("bin").join(name)).expect("is linked");
        }
        let layer = self.path("layer.tar");
        run(Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&layer).arg("."));
        #[expect(clippy::disallowed_methods, reason = "an image of a peer")]
        let layer = fs::read(layer).expect("is read");
        let put = |content: &[u8]| {
            let digest = hash(content);
            write(&image.join("blobs/sha256").join(&digest), content);
            digest
        };
        let digest = put(&layer);
        let config = format!(
            r#"{{"architecture":"amd64","os":"linux","config":{{"Cmd":["/bin/sleep","1000000"],"Env":["PATH=/bin"]}},"rootfs":{{"type":"layers","diff_ids":["sha256:{digest}"]}}}}"#
        );
        let oci = "application/vnd.oci.image";
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{oci}.manifest.v1+json","config":{{"mediaType":"{oci}.config.v1+json","digest":"sha256:{}","size":{}}},"layers":[{{"mediaType":"{oci}.layer.v1.tar","digest":"sha256:{digest}","size":{}}}]}}"#,
            put(config.as_bytes()),
            config.len(),
            layer.len()
        );
        let index = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{oci}.manifest.v1+json","digest":"sha256:{}","size":{},"annotations":{{"io.containerd.image.name":"{IMAGE}","org.opencontainers.image.ref.name":"1"}}}}]}}"#,
            put(manifest.as_bytes()),
            manifest.len()
        );
        write(&image.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
        write(&image.join("index.json"), index.as_bytes());
        let archive = self.path("image.tar");
        run(Command::new("tar").arg("-C").arg(&image).arg("-cf").arg(&archive).arg("."));
        let mut import = Command::new("timeout");
        import.arg("60").arg("ctr").arg("-a").arg(self.socket());
        run(import
            .args(["-n", "k8s.io", "images", "import", "--snapshotter", "native"])
            .arg(archive));
    }
}

impl Drop for Containerd {
    /// What a failed test left behind: processes, mounts, groups.
    fn drop(&mut self) {
        self.end();
        let tasks = self.path("state/io.containerd.runtime.v2.task/k8s.io");
        for task in fs::read_dir(tasks).into_iter().flatten().flatten() {
            for file in ["init.pid", "shim.pid"] {
                let pid = fs::File::options().read(true).open(task.path().join(file));
                let pid = pid.and_then(std::io::read_to_string).unwrap_or_default();
                if let Ok(pid) = pid.trim().parse::<i32>()
                    && let Some(pid) = rustix::process::Pid::from_raw(pid)
                {
                    let _done = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                }
            }
            let _done = Command::new("umount").arg("-l").arg(task.path().join("rootfs")).output();
        }
        for sandbox in fs::read_dir(self.path("state/io.containerd.grpc.v1.cri/sandboxes"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let _done = Command::new("umount").arg("-l").arg(sandbox.path().join("shm")).output();
        }
        for tree in fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            let own = tree.path().join(self.group.trim_start_matches('/'));
            let _done =
                Command::new("find").arg(own).args(["-depth", "-type", "d", "-delete"]).output();
        }
    }
}

/// A pod as kubelet asks for it.
pub(crate) struct Pod {
    pub(crate) uid: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) labels: Vec<(&'static str, &'static str)>,
    pub(crate) sandbox: String,
    config: Vec<u8>,
}

fn put_map(out: &mut Vec<u8>, number: u32, pairs: &[(&str, &str)]) {
    for (name, value) in pairs {
        put_message(out, number, |entry| {
            put_string(entry, 1, name);
            put_string(entry, 2, value);
        });
    }
}

/// The first string of a reply.
fn first(reply: &[u8]) -> String {
    let mut reader = Reader::new(reply);
    assert_eq!(reader.tag(), Ok(Some(tag(1, BYTES))));
    String::from_utf8(reader.bytes().expect("is whole").rest().to_vec()).expect("is text")
}

impl Containerd {
    pub(crate) async fn runtime(&self) -> Runtime {
        Runtime::connect(&self.socket()).await.expect("connects")
    }

    pub(crate) async fn pod(
        &self,
        number: u32,
        labels: &[(&'static str, &'static str)],
    ) -> Result<Pod, CallError> {
        let uid = format!("00000000-0000-4000-8000-{number:012}");
        let (name, namespace) = (format!("web-{number}"), "shop".to_owned());
        let mut all = labels.to_vec();
        all.extend([
            ("io.kubernetes.pod.name", &*name),
            ("io.kubernetes.pod.namespace", &*namespace),
            ("io.kubernetes.pod.uid", &*uid),
        ]);
        let mut config = Vec::new();
        put_message(&mut config, 1, |metadata| {
            put_string(metadata, 1, &name);
            put_string(metadata, 2, &uid);
            put_string(metadata, 3, &namespace);
        });
        put_string(&mut config, 3, &self.path("logs").display().to_string());
        put_map(&mut config, 6, &all);
        put_message(&mut config, 8, |linux| {
            put_string(linux, 1, &format!("{}/kubepods/pod{uid}", self.group));
            put_message(linux, 2, |security| {
                put_message(security, 1, |namespaces| put_varint(namespaces, 1, NODE));
            });
        });
        let mut request = Vec::new();
        put_bytes(&mut request, 1, &config);
        let reply = self.runtime().await.call("RunPodSandbox", &request).await?;
        let sandbox = first(&reply);
        Ok(Pod { uid, name, namespace, labels: labels.to_vec(), sandbox, config })
    }

    /// Makes a container that runs this script, and starts it. Gives its identifier.
    pub(crate) async fn container(
        &self,
        pod: &Pod,
        name: &str,
        attempt: u32,
        script: &str,
    ) -> String {
        let runtime = self.runtime().await;
        let mut request = Vec::new();
        put_string(&mut request, 1, &pod.sandbox);
        put_message(&mut request, 2, |config| {
            put_message(config, 1, |metadata| {
                put_string(metadata, 1, name);
                put_varint(metadata, 2, attempt.into());
            });
            put_message(config, 2, |image| put_string(image, 1, IMAGE));
            for word in ["/bin/sh", "-c", script] {
                put_bytes(config, 3, word.as_bytes());
            }
            put_map(
                config,
                9,
                &[
                    ("io.kubernetes.container.name", name),
                    ("io.kubernetes.pod.name", &pod.name),
                    ("io.kubernetes.pod.namespace", &pod.namespace),
                    ("io.kubernetes.pod.uid", &pod.uid),
                ],
            );
            put_string(config, 11, &format!("{name}-{attempt}.log"));
            put_message(config, 15, |linux| {
                put_message(linux, 1, |resources| put_varint(resources, 4, 64 << 20));
                put_message(linux, 2, |security| {
                    put_message(security, 3, |namespaces| put_varint(namespaces, 1, NODE));
                });
            });
        });
        put_bytes(&mut request, 3, &pod.config);
        let id = first(&runtime.call("CreateContainer", &request).await.expect("is created"));
        let mut request = Vec::new();
        put_string(&mut request, 1, &id);
        runtime.call("StartContainer", &request).await.expect("is started");
        id
    }

    pub(crate) async fn remove_container(&self, id: &str) {
        let mut request = Vec::new();
        put_string(&mut request, 1, id);
        self.runtime().await.call("RemoveContainer", &request).await.expect("is removed");
    }

    pub(crate) async fn remove_pod(&self, pod: &Pod) {
        let mut request = Vec::new();
        put_string(&mut request, 1, &pod.sandbox);
        let runtime = self.runtime().await;
        runtime.call("StopPodSandbox", &request).await.expect("is stopped");
        runtime.call("RemovePodSandbox", &request).await.expect("is removed");
    }
}
