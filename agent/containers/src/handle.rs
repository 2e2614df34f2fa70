//! The registry as several tasks share it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::registry::{News, Registry};

/// News that wait to be told; more are dropped and counted.
const NEWS_MAX: usize = 8_192;

/// A shared registry, and the way of its news. Clones are the same.
#[derive(Clone, Debug)]
pub struct Containers {
    registry: Arc<Mutex<Registry>>,
    news: mpsc::Sender<News>,
    dropped: Arc<Mutex<u64>>,
}

impl Containers {
    /// Gives the handle and where its news come out.
    pub fn new(registry: Registry) -> (Self, mpsc::Receiver<News>) {
        let (news, told) = mpsc::channel(NEWS_MAX);
        let registry = Arc::new(Mutex::new(registry));
        (Self { registry, news, dropped: Arc::default() }, told)
    }

    /// The registry; hold it for as short as a look-up takes.
    pub fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the registry and passes on what is news. Never waits.
    pub fn change(&self, change: impl FnOnce(&mut Registry) -> Vec<News>) {
        // Passed on under the lock, so that they come out in the order in which they happened.
        let mut registry = self.lock();
        let news = change(&mut registry);
        for news in news {
            if self.news.try_send(news).is_err() {
                *self.dropped.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            }
        }
    }

    /// News that nobody heard because too many waited.
    pub fn dropped(&self) -> u64 {
        *self.dropped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
