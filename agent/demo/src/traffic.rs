//! The sample apps' users: seeded, but otherwise as users are, in waves and all at once.
//!
//! The load is open: users do not wait for each other, so an app that hangs is asked as often as
//! before, up to a limit.

mod client;
mod profile;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::tenant::TenantId;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use self::{
    client::{Client, Reply},
    profile::Users,
};
use crate::fleet::Personality;

/// Requests under way per app; users beyond that turn away and are counted.
const IN_FLIGHT_MAX: usize = 64;

/// One app's users.
#[derive(Clone, Debug)]
pub struct AppProfile {
    pub tenant: TenantId,
    pub app: String,
    pub personality: Personality,
    /// Mean requests per second.
    pub rate: f64,
}

#[derive(Clone, Debug)]
pub struct TrafficConfig {
    /// The proxy.
    pub proxy: SocketAddr,
    pub apps: Vec<AppProfile>,
    pub seed: u64,
}

/// What an app's users have met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppTraffic {
    /// Complete answers by status code.
    pub codes: BTreeMap<u16, u64>,
    /// Requests without a complete answer.
    pub broken: u64,
    /// Users who turned away because too many were waiting already.
    pub turned_away: u64,
    /// Bytes of the answers' bodies.
    pub bytes: u64,
}

impl AppTraffic {
    /// Requests that were answered completely.
    pub fn answered(&self) -> u64 {
        self.codes.values().sum()
    }

    fn count(&mut self, reply: Option<Reply>) {
        match reply {
            Some(Reply { code, bytes }) => {
                *self.codes.entry(code).or_default() += 1;
                self.bytes += bytes;
            }
            None => self.broken += 1,
        }
    }
}

type Counter = Arc<Mutex<AppTraffic>>;

/// Running traffic; dropping it ends it.
#[derive(Debug)]
pub struct Traffic {
    apps: Vec<(TenantId, String, Counter)>,
    running: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Traffic {
    /// Sends the first users. Must be called within a tokio runtime.
    pub fn start(config: TrafficConfig) -> Self {
        let (running, _) = watch::channel(true);
        let mut tasks = JoinSet::new();
        let mut apps = Vec::with_capacity(config.apps.len());
        for (index, app) in config.apps.into_iter().enumerate() {
            let counter = Counter::default();
            let users = Users::new(&app, config.seed, index);
            let client = Arc::new(Client::new(config.proxy));
            tasks.spawn(send(users, client, Arc::clone(&counter), running.subscribe()));
            apps.push((app.tenant, app.app, counter));
        }
        Self { apps, running, tasks }
    }

    /// What each app's users have met so far.
    pub fn counts(&self) -> Vec<(TenantId, String, AppTraffic)> {
        let copy = |counter: &Counter| lock(counter).clone();
        let apps = self.apps.iter();
        apps.map(|(tenant, app, counter)| (tenant.clone(), app.clone(), copy(counter))).collect()
    }

    /// Sends no further users, and waits for those under way. Returns what all have met.
    pub async fn stop(mut self) -> Vec<(TenantId, String, AppTraffic)> {
        self.running.send_replace(false);
        while self.tasks.join_next().await.is_some() {}
        self.counts()
    }
}

fn lock(counter: &Counter) -> std::sync::MutexGuard<'_, AppTraffic> {
    counter.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn send(
    mut users: Users,
    client: Arc<Client>,
    counter: Counter,
    mut running: watch::Receiver<bool>,
) {
    let began = Instant::now();
    let mut arrival = Duration::ZERO;
    let room = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    let mut requests = JoinSet::new();
    loop {
        arrival += users.gap(arrival);
        tokio::select! {
            () = sleep_until(began + arrival) => {}
            // Changed, or nobody is left to change it.
            _ = running.changed() => break,
        }
        while requests.try_join_next().is_some() {}
        let request = users.request();
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            lock(&counter).turned_away += 1;
            continue;
        };
        let (client, counter) = (Arc::clone(&client), Arc::clone(&counter));
        requests.spawn(async move {
            let reply = client.ask(&request).await;
            lock(&counter).count(reply);
            drop(permit);
        });
    }
    while requests.join_next().await.is_some() {}
}
