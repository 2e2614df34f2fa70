//! Targets that a server lists: `[{"targets": ["host:port"], "labels": {…}}]`.

use std::time::Duration;

use daemon::stop::Stop;
use reqwest::Url;
use scrape::{
    config::discovery::HttpDiscoverySettings,
    fetch::{FetchError, Fetcher, Reach},
    group::{Group, WrittenGroup},
};

use crate::{
    DiscoveryError, Outlet,
    poll::{self, Source},
};

/// Largest answer.
const BYTES_MAX: u64 = 16 << 20;
/// Longest wait for an answer.
const TIMEOUT_MAX: Duration = Duration::from_secs(30);

/// Why an answer says nothing.
#[derive(Debug, thiserror::Error)]
enum AnswerError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("its Content-Type is {0:?}, not application/json")]
    ContentType(String),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// One server.
#[derive(Debug)]
pub(crate) struct Server {
    fetcher: Fetcher,
    url: Url,
    interval: Duration,
    outlet: Outlet,
}

impl Server {
    pub(crate) fn new(
        settings: &HttpDiscoverySettings,
        outlet: Outlet,
    ) -> Result<Self, DiscoveryError> {
        let url =
            Url::parse(&settings.url).map_err(|_| DiscoveryError::Address(settings.url.clone()))?;
        let accept = "application/json".to_owned();
        let fetcher = Fetcher::new(&settings.http(), Reach::new(&[]), accept, BYTES_MAX)?;
        let fetcher = fetcher.for_target(&url);
        Ok(Self { fetcher, url, interval: settings.refresh_interval.0, outlet })
    }

    pub(crate) async fn run(self, stop: Stop) {
        let (outlet, interval) = (self.outlet.clone(), self.interval);
        poll::run(self, outlet, interval, stop).await;
    }

    async fn get(&self) -> Result<Vec<Group>, AnswerError> {
        let answer = self.fetcher.get(&self.url, self.interval.min(TIMEOUT_MAX)).await?;
        let said = answer.content_type.unwrap_or_default();
        let media_type = said.split(';').next().unwrap_or("").trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(AnswerError::ContentType(said.chars().take(100).collect()));
        }
        let written: Vec<WrittenGroup> = serde_json::from_slice(&answer.bytes)?;
        let groups = written.into_iter().map(|written| {
            let mut group = Group::from(written);
            group.labels.set("__meta_url", self.url.as_str());
            group
        });
        Ok(groups.collect())
    }
}

impl Source for Server {
    async fn ask(&mut self) -> Option<Vec<Group>> {
        self.get()
            .await
            .inspect_err(|error| {
                tracing::warn!(url = %self.url, %error, "a server does not list its targets");
            })
            .ok()
    }
}

#[cfg(test)]
mod tests;
