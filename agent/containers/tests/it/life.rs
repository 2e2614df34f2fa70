//! What a real runtime's containers go through, as the registry and its news tell it.

use std::path::PathBuf;

use collector::kernel::{DescriptorBudget, Kernel};
use containers::{
    container::{Phase, Source},
    early::{Early, Told},
    follow,
    handle::Containers,
    mapping::Mapping,
    registry::Registry,
};
use daemon::{clock, stop::Stop};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::rig::{Containerd, PATIENCE, makes_cgroups, missing};

struct Follower {
    containers: Containers,
    told: mpsc::Receiver<Told>,
    stop: Stop,
    tasks: [JoinHandle<()>; 2],
    /// Ran before.
    old: Vec<String>,
}

impl Follower {
    fn start(socket: PathBuf, old: &str) -> Self {
        let (containers, news) = Containers::new(Registry::new(Mapping::default(), clock::now()));
        let stop = Stop::default();
        let sockets = vec![PathBuf::from("/nonexistent/tidewatch.sock"), socket];
        let (telling, told) = mpsc::channel(1024);
        let tell = move |news| telling.try_send(news).expect("there is room");
        let early = Early::new(Kernel::new(DescriptorBudget::from_process_limit()));
        let tasks = [
            tokio::spawn(follow::run(sockets, containers.clone(), stop.clone())),
            tokio::spawn(early.run(news, tell, stop.clone())),
        ];
        Self { containers, told, stop, tasks, old: vec![old.to_owned()] }
    }

    /// Waits for this news of this container.
    async fn hear(&mut self, id: &str, phase: Phase) -> Told {
        let hearing = async {
            loop {
                let told = self.told.recv().await.expect("is followed");
                let news = &told.news;
                assert!(!self.old.contains(&news.container.id), "what ran before is no news");
                if news.container.id == id && news.phase == phase {
                    return told;
                }
            }
        };
        let heard = tokio::time::timeout(PATIENCE, hearing).await;
        heard.unwrap_or_else(|_| panic!("no news of {phase:?}"))
    }

    async fn until(&self, what: &str, is: impl Fn(&Registry) -> bool + Sync) {
        let waiting = async {
            while !is(&self.containers.lock()) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never {what}"));
    }

    async fn end(self) {
        self.stop.stop();
        for task in self.tasks {
            task.await.expect("ends");
        }
    }
}

fn left_out(why: &str) {
    eprintln!("LEFT OUT: containers of a real containerd: {why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn containers_are_known_from_start_to_end() {
    if std::env::var_os("TIDEWATCH_WITHOUT_PEERS").is_some() {
        return left_out("TIDEWATCH_WITHOUT_PEERS");
    }
    if let Some(missing) = missing() {
        panic!("containers cannot be run here: {missing}; or set TIDEWATCH_WITHOUT_PEERS");
    }
    if !makes_cgroups() {
        return left_out("no cgroup can be made here");
    }
    let mut containerd = Containerd::start().await;
    let labels = [("tidewatch.dev/tenant", "acme"), ("app.kubernetes.io/name", "web")];
    let pod = match containerd.pod(1, &labels).await {
        Ok(pod) => pod,
        Err(error) => return left_out(&format!("containerd runs no pod here: {error:?}")),
    };
    assert_eq!(pod.labels, labels);
    // Running before anybody looks.
    let old = containerd.container(&pod, "old", 0, "exec sleep 1000000").await;
    let mut follower = Follower::start(containerd.socket(), &old);
    follower.until("heard of", |registry| registry.hears(Source::Cri)).await;
    follower.until("listed", |registry| registry.container(&old).is_some()).await;
    let known = follower.containers.lock().container(&old).expect("is known");
    assert_eq!((&*known.facts.pod_uid, &*known.facts.pod_name), (&*pod.uid, &*pod.name));
    assert_eq!((&*known.facts.namespace, &*known.facts.name), ("shop", "old"));
    assert_eq!(known.owner.tenant.as_ref().map(|tenant| tenant.as_str()), Some("acme"));
    assert_eq!(known.owner.app, "web");
    assert_eq!(known.facts.image, "localhost/pause:1");
    assert!(known.facts.cgroup.contains(&pod.uid), "{}", known.facts.cgroup);

    exits(&containerd, &mut follower, &pod).await;
    restarts(&mut containerd, &mut follower, &pod, &old).await;
    churns(&containerd, &mut follower, &pod).await;

    assert_eq!(follower.containers.lock().stats().contradictions, 0);
    assert_eq!(follower.containers.dropped(), 0);
    follower.end().await;
    containerd.remove_pod(&pod).await;
}

/// Codes, reasons and memory limits.
async fn exits(containerd: &Containerd, follower: &mut Follower, pod: &crate::rig::Pod) {
    let busy = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; sleep 0.2; exit 3";
    let id = containerd.container(pod, "short", 4, busy).await;
    let started = follower.hear(&id, Phase::Running).await.news.container.facts;
    assert_eq!((&*started.name, started.attempt), ("short", Some(4)));
    assert!(started.cgroup.ends_with(&id), "{}", started.cgroup);
    let told = follower.hear(&id, Phase::Exited).await;
    let used = told.usage.expect("was read while it lived").cpu.usage_nanos.expect("is counted");
    let ended = told.news.container.facts;
    assert_eq!(ended.state.code, Some(3));
    let ran = ended.state.finished.unwrap().since(ended.state.started.unwrap()).as_nanos();
    // The loop alone takes some tens of milliseconds on any machine of today.
    assert!(used > 10_000_000 && u128::from(used) < 2 * ran, "{used} ns of {ran} ns");
    assert_eq!((&*ended.state.reason, ended.state.oom), ("Error", false));
    assert!(ended.state.started <= ended.state.finished);

    let hungry = "a=x; while :; do a=$a$a; done";
    let id = containerd.container(pod, "hungry", 0, hungry).await;
    let ended = follower.hear(&id, Phase::Exited).await.news.container.facts;
    assert!(ended.state.oom, "{:?}", ended.state);
    assert_eq!(ended.memory_limit, Some(64 << 20));
    assert_eq!((ended.state.code, &*ended.state.reason), (Some(137), "OOMKilled"));
}

/// The runtime goes away and comes back; what ended meanwhile is told then.
async fn restarts(
    containerd: &mut Containerd,
    follower: &mut Follower,
    pod: &crate::rig::Pod,
    old: &str,
) {
    let id = containerd.container(pod, "meanwhile", 0, "sleep 1.5; exit 7").await;
    follower.hear(&id, Phase::Running).await;
    containerd.end();
    follower.until("lost", |registry| !registry.hears(Source::Cri)).await;
    let known = follower.containers.lock().container(old).expect("is remembered");
    assert_eq!(known.owner.app, "web", "names outlive the runtime's absence");
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    containerd.begin().await;
    follower.until("heard of again", |registry| registry.hears(Source::Cri)).await;
    let ended = follower.hear(&id, Phase::Exited).await.news.container.facts;
    assert_eq!(ended.state.code, Some(7));
    // Events are followed again, not only lists.
    let id = containerd.container(pod, "after", 0, "exit 5").await;
    let ended = follower.hear(&id, Phase::Exited).await.news.container.facts;
    assert_eq!(ended.state.code, Some(5));
}

/// Many come and go; each is told of once, and none is kept by the runtime's word.
async fn churns(containerd: &Containerd, follower: &mut Follower, pod: &crate::rig::Pod) {
    const ROUNDS: u32 = 50;
    for round in 0..ROUNDS {
        let code = round % 100;
        let id = containerd.container(pod, "churn", round, &format!("exit {code}")).await;
        let started = follower.hear(&id, Phase::Running).await.news.container.facts;
        assert_eq!(started.attempt, Some(round));
        let ended = follower.hear(&id, Phase::Exited).await.news.container.facts;
        assert_eq!(ended.state.code, i32::try_from(code).ok(), "round {round}");
        containerd.remove_container(&id).await;
    }
    // The removals have been heard: once the grace is over they are all gone.
    let later = clock::now().saturating_add(2 * containers::registry::GRACE);
    follower.until("removed", |registry| registry.unclaimed() >= ROUNDS as usize).await;
    let mut registry = follower.containers.lock();
    registry.sweep(later);
    let left = registry.len();
    assert!(left < 10, "{left} containers are remembered");
}
