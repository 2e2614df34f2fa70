//! What a real runtime's containers go through, as the registry and its news tell it.

use std::path::PathBuf;

use containers::{
    container::{Phase, Source},
    follow,
    handle::Containers,
    mapping::Mapping,
    registry::{News, Registry},
};
use daemon::{clock, stop::Stop};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::rig::{Containerd, PATIENCE, missing};

struct Follower {
    containers: Containers,
    news: mpsc::Receiver<News>,
    stop: Stop,
    task: JoinHandle<()>,
    /// Ran before.
    old: Vec<String>,
}

impl Follower {
    fn start(socket: PathBuf, old: &str) -> Self {
        let (containers, news) = Containers::new(Registry::new(Mapping::default(), clock::now()));
        let stop = Stop::default();
        let sockets = vec![PathBuf::from("/nonexistent/tidewatch.sock"), socket];
        let task = tokio::spawn(follow::run(sockets, containers.clone(), stop.clone()));
        Self { containers, news, stop, task, old: vec![old.to_owned()] }
    }

    /// Waits for this news of this container.
    async fn hear(&mut self, id: &str, phase: Phase) -> News {
        let hearing = async {
            loop {
                let news = self.news.recv().await.expect("is followed");
                assert!(!self.old.contains(&news.container.id), "what ran before is no news");
                if news.container.id == id && news.phase == phase {
                    return news;
                }
            }
        };
        let heard = tokio::time::timeout(PATIENCE, hearing).await;
        heard.unwrap_or_else(|_| panic!("no news of {phase:?}"))
    }

    async fn until(&self, what: &str, is: impl Fn(&Registry) -> bool) {
        let waiting = async {
            while !is(&self.containers.lock()) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never {what}"));
    }

    async fn end(self) {
        self.stop.stop();
        self.task.await.expect("ends");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn containers_are_known_from_start_to_end() {
    if let Some(missing) = missing() {
        panic!("containers cannot be run here: {missing}");
    }
    let mut containerd = Containerd::start().await;
    let labels = [("tidewatch.dev/tenant", "acme"), ("app.kubernetes.io/name", "web")];
    let pod = containerd.pod(1, &labels).await.expect("runs");
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
    let id = containerd.container(pod, "short", 4, "sleep 0.3; exit 3").await;
    let started = follower.hear(&id, Phase::Running).await.container.facts;
    assert_eq!((&*started.name, started.attempt), ("short", Some(4)));
    assert!(started.cgroup.ends_with(&id), "{}", started.cgroup);
    let ended = follower.hear(&id, Phase::Exited).await.container.facts;
    assert_eq!(ended.state.code, Some(3));
    assert_eq!((&*ended.state.reason, ended.state.oom), ("Error", false));
    assert!(ended.state.started <= ended.state.finished);

    let hungry = "a=x; while :; do a=$a$a; done";
    let id = containerd.container(pod, "hungry", 0, hungry).await;
    let ended = follower.hear(&id, Phase::Exited).await.container.facts;
    assert!(ended.state.oom, "{:?}", ended.state);
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
    let ended = follower.hear(&id, Phase::Exited).await.container.facts;
    assert_eq!(ended.state.code, Some(7));
    // Events are followed again, not only lists.
    let id = containerd.container(pod, "after", 0, "exit 5").await;
    let ended = follower.hear(&id, Phase::Exited).await.container.facts;
    assert_eq!(ended.state.code, Some(5));
}

/// Many come and go; each is told of once, and none is kept by the runtime's word.
async fn churns(containerd: &Containerd, follower: &mut Follower, pod: &crate::rig::Pod) {
    const ROUNDS: u32 = 50;
    for round in 0..ROUNDS {
        let code = round % 100;
        let id = containerd.container(pod, "churn", round, &format!("exit {code}")).await;
        let started = follower.hear(&id, Phase::Running).await.container.facts;
        assert_eq!(started.attempt, Some(round));
        let ended = follower.hear(&id, Phase::Exited).await.container.facts;
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
