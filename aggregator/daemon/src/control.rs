//! The client side of the control API: what agents and alerting say to the aggregator and hear
//! from it.
//!
//! Every call is one HTTP request with a bearer token; waiting is done by long polling, so that an
//! answer arrives as soon as there is one.

mod ruler;

use std::time::Duration;

use model::{
    event::{Command, Event, Target},
    tenant::{TENANT_HEADER, TenantId},
};
use reqwest::{Method, RequestBuilder, StatusCode, Url, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::http;

pub use ruler::{Element, QueryResult, Written};

/// How long a long poll waits at the aggregator.
pub const WAIT: Duration = Duration::from_secs(20);
/// Largest answer read.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// A connection to one aggregator.
#[derive(Clone, Debug)]
pub struct ControlClient {
    client: reqwest::Client,
    base: Url,
    token: String,
    /// The only tenant that requests reach; `None` for all that the token reaches.
    tenant: Option<TenantId>,
}

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("invalid aggregator address {0:?}: write for example http://127.0.0.1:9400")]
    Address(String),
    #[error(transparent)]
    Client(#[from] http::ClientError),
    /// Nobody answered, or not in time: worth another try.
    #[error("cannot reach the aggregator: {0}")]
    Unreachable(#[source] reqwest::Error),
    /// The aggregator said no.
    #[error("the aggregator answered {status}: {message}")]
    Refused { status: StatusCode, message: String },
    #[error("the aggregator's answer makes no sense: {0}")]
    Answer(String),
}

impl ControlError {
    /// Whether the same request may succeed later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Address(_) | Self::Client(_) | Self::Answer(_) => false,
        }
    }
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
struct Failure {
    error: String,
}

#[derive(Deserialize)]
struct Ids {
    ids: Vec<u64>,
}

#[derive(Deserialize)]
struct Id {
    id: u64,
}

/// Events after some id.
#[derive(Debug, Deserialize)]
pub struct EventPage {
    pub events: Vec<Event>,
    /// The id to continue after.
    pub last: u64,
}

impl ControlClient {
    pub fn new(address: &str, token: String) -> Result<Self, ControlError> {
        let base = Url::parse(address)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && !url.cannot_be_a_base())
            .ok_or_else(|| ControlError::Address(address.to_owned()))?;
        // A long poll that the aggregator ends in time must not be taken for a dead connection.
        let client = http::client(WAIT + Duration::from_secs(10))?;
        Ok(Self { client, base, token, tenant: None })
    }

    /// Appends events to the timeline and returns their ids; they are durable then.
    pub async fn append_events(&self, events: &[Event]) -> Result<Vec<u64>, ControlError> {
        let ids: Ids = self.post(&["api", "v1", "events"], events).await?;
        Ok(ids.ids)
    }

    /// The events after `after`, waiting up to `wait` for the first.
    pub async fn events_after(
        &self,
        after: u64,
        wait: Duration,
    ) -> Result<EventPage, ControlError> {
        self.get(&["api", "v1", "events"], &query(after, wait, &[("limit", "1000")])).await
    }

    /// The newest events, oldest first.
    pub async fn newest_events(&self) -> Result<EventPage, ControlError> {
        self.get(&["api", "v1", "events"], &[("limit", "1000".to_owned())]).await
    }

    /// Ends a quarantine, as a person on call does.
    pub async fn resume(&self, target: &Target) -> Result<(), ControlError> {
        let body = serde_json::json!({ "target": target });
        let _ids: Ids = self.post(&["api", "v1", "remediation", "resume"], &body).await?;
        Ok(())
    }

    /// Evaluates an instant query and returns the `data` of Prometheus' API.
    pub async fn query(&self, query: &str) -> Result<serde_json::Value, ControlError> {
        self.get(&["api", "v1", "query"], &[("query", query.to_owned())]).await
    }

    pub async fn push_command(&self, command: &Command) -> Result<u64, ControlError> {
        let path = ["api", "v1", "nodes", &command.target.node, "commands"];
        let id: Id = self.post(&path, command).await?;
        Ok(id.id)
    }

    /// The commands for a node after `after`, which acknowledges those up to it.
    pub async fn commands_after(
        &self,
        node: &str,
        after: u64,
        wait: Duration,
    ) -> Result<Vec<Command>, ControlError> {
        self.get(&["api", "v1", "nodes", node, "commands"], &query(after, wait, &[])).await
    }

    /// Says how a node's targets are: a [`model::target::TargetsReport`] as JSON in zstd.
    pub async fn put_targets(&self, node: &str, zstd: Vec<u8>) -> Result<(), ControlError> {
        let url = self.url(&["api", "v1", "nodes", node, "targets"]);
        let request = self.client.put(url).bearer_auth(&self.token).body(zstd);
        let request = request
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_ENCODING, "zstd");
        read_body(request.send().await).await.map(drop)
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// The same with no rights beyond one tenant.
    pub fn bound_to(&self, tenant: &TenantId) -> Self {
        Self { tenant: Some(tenant.clone()), ..self.clone() }
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.client.request(method, url).bearer_auth(&self.token);
        match &self.tenant {
            Some(tenant) => request.header(TENANT_HEADER, tenant.as_str()),
            None => request,
        }
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, ControlError> {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        let request = self.request(Method::GET, url);
        read(request.send().await).await
    }

    async fn post<B: Serialize + ?Sized + Sync, T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &B,
    ) -> Result<T, ControlError> {
        let request = self.request(Method::POST, self.url(path)).json(body);
        read(request.send().await).await
    }
}

fn query<'a>(after: u64, wait: Duration, more: &[(&'a str, &str)]) -> Vec<(&'a str, String)> {
    let mut pairs =
        vec![("after", after.to_string()), ("wait", format!("{:.3}", wait.as_secs_f64()))];
    pairs.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    pairs
}

async fn read<T: DeserializeOwned>(
    answer: Result<reqwest::Response, reqwest::Error>,
) -> Result<T, ControlError> {
    let body = read_body(answer).await?;
    serde_json::from_slice::<Envelope<T>>(&body)
        .map(|envelope| envelope.data)
        .map_err(|error| ControlError::Answer(error.to_string()))
}

/// The body of an answer, if the request succeeded.
async fn read_body(
    answer: Result<reqwest::Response, reqwest::Error>,
) -> Result<Vec<u8>, ControlError> {
    let (status, body) = read_any(answer).await?;
    if status.is_success() { Ok(body) } else { Err(refused(status, &body)) }
}

/// The body of any answer.
async fn read_any(
    answer: Result<reqwest::Response, reqwest::Error>,
) -> Result<(StatusCode, Vec<u8>), ControlError> {
    let mut response = answer.map_err(ControlError::Unreachable)?;
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(ControlError::Unreachable)? {
        body.extend_from_slice(&part);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(ControlError::Answer(format!("more than {ANSWER_BYTES_MAX} bytes")));
        }
    }
    Ok((response.status(), body))
}

fn refused(status: StatusCode, body: &[u8]) -> ControlError {
    let message = serde_json::from_slice::<Failure>(body)
        .map_or_else(|_error| String::from_utf8_lossy(body).into_owned(), |body| body.error);
    ControlError::Refused { status, message }
}
