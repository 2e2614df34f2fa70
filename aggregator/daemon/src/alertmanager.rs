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
        let invalid = || AlertmanagerError::Address(address.to_owned());
        let mut url = Url::parse(address)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(invalid)?;
        url.path_segments_mut()
            .map_err(|()| invalid())?
            .pop_if_empty()
            .extend(["api", "v2", "alerts"]);
        Ok(Self { client: http::client(TIMEOUT)?, url })
    }

    /// Where alerts are posted.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    pub async fn post(&self, alerts: &[PostedAlert]) -> Result<(), AlertmanagerError> {
        let answer = self.client.post(self.url.clone()).json(alerts).send().await?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(AlertmanagerError::Refused(status)),
        }
    }
}
