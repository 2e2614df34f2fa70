//! The client side of Alertmanager's API, version 2: alerts that are told to it.

use std::{collections::BTreeMap, time::Duration};

use reqwest::{StatusCode, Url};
use serde::Serialize;

use crate::http;

/// How long one request may take, as in Prometheus.
const TIMEOUT: Duration = Duration::from_secs(10);

/// One alert as it is posted. Times are written as RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PostedAlert {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub starts_at: String,
    /// When it ended, or until when it is firing if nothing more is heard of it.
    pub ends_at: String,
}

/// One Alertmanager.
#[derive(Clone, Debug)]
pub struct Alertmanager {
    client: reqwest::Client,
    url: Url,
    /// The address without what must not be read by others.
    shown: String,
}

#[derive(Debug, thiserror::Error)]
pub enum AlertmanagerError {
    #[error("invalid address of an Alertmanager {0:?}: write for example http://127.0.0.1:9093")]
    Address(String),
    #[error(transparent)]
    Client(#[from] http::ClientError),
    #[error("cannot reach the Alertmanager: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("the Alertmanager answered {0}")]
    Refused(StatusCode),
}

impl Alertmanager {
    /// At an address, which may have a path before that of the API.
    pub fn new(address: &str) -> Result<Self, AlertmanagerError> {
        // Where it cannot be read, whatever is before an `@` may be a password.
        let shown = address.rsplit('@').next().unwrap_or_default();
        let invalid = || AlertmanagerError::Address(shown.to_owned());
        let mut url = Url::parse(address)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(invalid)?;
        url.path_segments_mut()
            .map_err(|()| invalid())?
            .pop_if_empty()
            .extend(["api", "v2", "alerts"]);
        let shown = redacted(url.clone());
        Ok(Self { client: http::client(TIMEOUT)?, url, shown })
    }

    /// Where alerts are posted, without user, password and query, so that it may be shown.
    pub fn url(&self) -> &str {
        &self.shown
    }

    pub async fn post(&self, alerts: &[PostedAlert]) -> Result<(), AlertmanagerError> {
        let sent = self.client.post(self.url.clone()).json(alerts).send().await;
        // Its message would have the address, with what may be secret in it.
        let answer = sent.map_err(reqwest::Error::without_url)?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(AlertmanagerError::Refused(status)),
        }
    }
}

fn redacted(mut url: Url) -> String {
    // Fails for addresses without a host only, which have none of them.
    let cleared = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url.set_fragment(None);
    if cleared.is_ok() { url.into() } else { String::new() }
}

#[cfg(test)]
mod tests;
