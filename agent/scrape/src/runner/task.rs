//! One target's task.

use std::{sync::Arc, time::Duration};

use model::{
    time::{Timestamp, millis_of},
    write::WriteBatch,
};
use probe::schedule::phase;
use tokio::{
    sync::{AcquireError, SemaphorePermit, watch},
    time::Instant,
};

use super::{Shared, TOLERANCE};
use crate::{
    config::Job,
    fetch::{Answer, Fetcher},
    scraped::{Body, Outcome, ScrapeError, Scraped},
    status::LastScrape,
    target::Target,
};

/// Bodies beyond this are read on a thread that may block.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// What a task needs for its whole life.
pub(super) struct Task {
    pub(super) job: Arc<Job>,
    pub(super) target: Arc<Target>,
    pub(super) fetcher: Fetcher,
    pub(super) shared: Shared,
}

/// What a task is told while it runs.
pub(super) struct Run {
    /// Whether the target is gone.
    pub(super) ends: watch::Receiver<bool>,
    /// Why the target is not to be asked, if so.
    pub(super) refusal: watch::Receiver<Option<String>>,
}

/// The first time of the target's grid after `now`.
pub(super) fn next(target: &Target, now: Timestamp) -> Timestamp {
    let interval = millis_of(target.interval).max(1);
    let offset = phase(target.hash(), interval).wrapping_sub(now.millis()).rem_euclid(interval);
    Timestamp(now.millis().saturating_add(if offset == 0 { interval } else { offset }))
}

/// The next time after a scrape that was due at `due`. A timer that fired a little early must not
/// make it due twice, and a clock that was set back must not make the target wait for the old time.
fn next_after(target: &Target, due: Timestamp, now: Timestamp) -> Timestamp {
    let is_early = due > now && due.since(now) <= TOLERANCE;
    next(target, if is_early { due } else { now })
}

impl Task {
    /// Scrapes until the target is gone, and hands back what is known of its series.
    pub(super) async fn run(self, mut scraped: Scraped, mut run: Run) -> Scraped {
        let mut due = next(&self.target, (self.shared.now)());
        loop {
            let wait = due.since((self.shared.now)());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _gone = run.ends.wait_for(|ends| *ends) => return scraped,
            }
            let refusal = run.refusal.borrow().clone();
            // Held until the samples are handed on, because it bounds the bodies in memory too.
            let (permit, asked) = tokio::select! {
                asked = self.ask(due, refusal) => asked,
                _gone = run.ends.wait_for(|ends| *ends) => return scraped,
            };
            scraped = match self.store(scraped, asked).await {
                Some(scraped) => scraped,
                None => Scraped::new(Arc::clone(&self.job), &self.target, &self.shared.external),
            };
            drop(permit);
            due = next_after(&self.target, due, (self.shared.now)());
        }
    }

    async fn ask(
        &self,
        due: Timestamp,
        refusal: Option<String>,
    ) -> (Result<SemaphorePermit<'_>, AcquireError>, Asked) {
        let permit = self.shared.permits.acquire().await;
        let now = (self.shared.now)();
        let time = if now.since(due) <= TOLERANCE { due.max(Timestamp(0)) } else { now };
        let started = Instant::now();
        let answer = match (refusal, &permit) {
            (Some(why), _) => Err(why),
            (None, Err(closed)) => Err(closed.to_string()),
            (None, Ok(_permit)) => self
                .fetcher
                .get(&self.target.url, self.target.timeout)
                .await
                .map_err(|error| error.to_string()),
        };
        (permit, Asked { answer, time, started })
    }

    /// `None` when reading the answer failed in a way that should never happen.
    async fn store(&self, mut scraped: Scraped, asked: Asked) -> Option<Scraped> {
        let at = asked.time;
        let (back, batch, outcome, duration) = if asked.is_small() {
            let (batch, outcome, duration) = asked.take_in(&mut scraped);
            (scraped, batch, outcome, duration)
        } else {
            let reading = tokio::task::spawn_blocking(move || {
                let (batch, outcome, duration) = asked.take_in(&mut scraped);
                (scraped, batch, outcome, duration)
            });
            reading
                .await
                .inspect_err(|error| tracing::error!(%error, "reading an exposition failed"))
                .ok()?
        };
        self.shared.sink.scraped(&outcome);
        self.shared.sink.push(batch);
        let error = outcome.error.map(|error| error.to_string()).unwrap_or_default();
        if !error.is_empty() {
            tracing::debug!(url = %self.target.url, error, "a scrape failed");
        }
        let last = LastScrape { at, duration, error };
        let job = &self.job.settings.job_name;
        self.shared.status.scraped(job, &self.target, last, back.metadata());
        Some(back)
    }
}

/// What was answered, and when.
struct Asked {
    answer: Result<Answer, String>,
    time: Timestamp,
    started: Instant,
}

impl Asked {
    fn is_small(&self) -> bool {
        self.answer.as_ref().map_or(true, |answer| answer.bytes.len() <= INLINE_BYTES_MAX)
    }

    fn take_in(self, scraped: &mut Scraped) -> (WriteBatch, Outcome, Duration) {
        let duration = self.started.elapsed();
        let answer = match &self.answer {
            Ok(Answer { content_type, bytes }) => {
                Ok(Body { content_type: content_type.as_deref(), bytes })
            }
            Err(why) => Err(ScrapeError::Fetch(why.clone())),
        };
        let (batch, outcome) = scraped.handle_scrape(answer, self.time, duration);
        (batch, outcome, duration)
    }
}

#[cfg(test)]
mod tests;
