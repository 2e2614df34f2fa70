//! Asks targets: bounded in time, bytes and redirects, and only where the job allows.
//!
//! A target must not make the agent ask someone else in its place: what another answers would be
//! stored as the target's own. So redirects stay at the scheme, host and port that were asked, and
//! so do credentials; and no name but that of the machine itself leads to the machine itself.

mod client;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use codec::inflate::{self, Compression};
use probe::guard::Network;
use reqwest::{RequestBuilder, Response, StatusCode, Url, header};

use crate::{
    config::{
        BODY_BYTES_MAX, Job,
        http::{HttpSettings, secret},
    },
    protocol,
};
use client::{CurrentClient, Recipe};

/// Which addresses a client may connect to.
#[derive(Clone, Debug)]
pub struct Reach {
    /// When empty: anything but link-local addresses, where clouds keep their metadata services,
    /// and loopback addresses only where they are asked for as such.
    allowed: Arc<[Network]>,
}

impl Reach {
    pub fn new(allowed: &[Network]) -> Self {
        Self { allowed: allowed.into() }
    }

    pub fn allows(&self, address: IpAddr) -> bool {
        if self.allowed.is_empty() {
            return match address.to_canonical() {
                IpAddr::V4(v4) => !v4.is_link_local() && v4 != Ipv4Addr::BROADCAST,
                IpAddr::V6(v6) => !v6.is_unicast_link_local() && v6 != METADATA_V6,
            };
        }
        self.allowed.iter().any(|network| network.contains(address))
    }

    /// Whether to connect to an address that a name was resolved to. Whoever has the name says to
    /// what it resolves, so it does not lead to this machine unless a network in the list says so.
    fn allows_found(&self, name: &str, address: IpAddr) -> bool {
        let own = address.to_canonical();
        let is_here = own.is_loopback() || own.is_unspecified();
        self.allows(address) && (!is_here || !self.allowed.is_empty() || names_this_machine(name))
    }

    /// Whether `name` may stand for a target at `address`, which is `host:port`: whoever answers for
    /// the name chooses it.
    pub fn allows_answer(&self, name: &str, address: &str) -> bool {
        let Ok(url) = Url::parse(&format!("http://{address}/")) else { return false };
        match literal(&url) {
            Some(found) => self.allows_found(name, found),
            None => {
                let is_here = url.host_str().is_some_and(names_this_machine);
                !is_here || !self.allowed.is_empty() || names_this_machine(name)
            }
        }
    }

    /// An address that stands in the URL itself; names are checked when they are resolved.
    fn allows_url(&self, url: &Url) -> bool {
        literal(url).is_none_or(|address| self.allows(address))
    }
}

fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// `localhost` and what is below it: RFC 6761, section 6.3.
fn names_this_machine(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

/// Where Amazon's cloud has its metadata service in IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Why a client could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("cannot read {path}: {reason}")]
    File { path: String, reason: String },
    #[error("cannot build the HTTP client: {0}")]
    Client(#[source] reqwest::Error),
    #[error("{0}")]
    Secret(String),
    #[error("address {0} must not be asked")]
    Forbidden(String),
    #[error("{}", daemon::telemetry::chain(.0))]
    Http(#[from] reqwest::Error),
    #[error("server returned HTTP status {0}")]
    Status(StatusCode),
    #[error("body_size_limit exceeded ({0} bytes)")]
    TooLarge(u64),
    #[error("the body cannot be decompressed: {0}")]
    Inflate(#[from] inflate::InflateError),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
}

/// Asks for one job.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Arc<CurrentClient>,
    accept: String,
    compressed: bool,
    bytes_max: u64,
}

/// An answer, decompressed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub content_type: Option<String>,
    pub bytes: Vec<u8>,
}

impl Fetcher {
    /// For the targets of a job.
    pub fn for_job(job: &Job) -> Result<Self, FetchError> {
        let settings = &job.settings;
        let limit = job.limits.body_bytes.unwrap_or(BODY_BYTES_MAX).min(BODY_BYTES_MAX);
        let mut fetcher = Self::new(
            &job.http,
            Reach::new(&job.allowed),
            protocol::accept(&job.protocols, job.escaping),
            limit,
        )?;
        fetcher.compressed = settings.enable_compression;
        Ok(fetcher)
    }

    /// For anything else that answers a GET.
    pub fn new(
        http: &HttpSettings,
        reach: Reach,
        accept: String,
        bytes_max: u64,
    ) -> Result<Self, FetchError> {
        let recipe = Recipe { http: http.clone(), reach, host: None };
        let client = Arc::new(CurrentClient::new(recipe));
        client.refresh()?;
        Ok(Self { client, accept, compressed: true, bytes_max })
    }

    /// The same for one target. Where the server has to prove another name than that of the target,
    /// the target is asked by that name, and by a client of its own: connections are kept by name.
    #[must_use]
    pub fn for_target(&self, url: &Url) -> Self {
        let recipe = self.client.recipe();
        let host = url.host_str().map(|host| host.trim_matches(['[', ']']).to_owned());
        if recipe.http.tls_config.server_name.is_empty() || url.scheme() != "https" {
            return self.clone();
        }
        let client = Arc::new(CurrentClient::new(Recipe { host, ..recipe.clone() }));
        Self { client, ..self.clone() }
    }

    /// One GET, whole, within `timeout`.
    pub async fn get(&self, url: &Url, timeout: Duration) -> Result<Answer, FetchError> {
        if !self.client.recipe().reach.allows_url(url) {
            return Err(FetchError::Forbidden(url.host_str().unwrap_or("").to_owned()));
        }
        let encoding = if self.compressed { "gzip" } else { "identity" };
        let asking = async {
            let client = self.client.get().await?;
            let mut request = client.get(self.asked(url));
            if self.client.recipe().host.is_some() {
                request = request.header(header::HOST, authority(url));
            }
            let request = request
                .header(header::ACCEPT, &self.accept)
                .header(header::ACCEPT_ENCODING, encoding)
                .header("X-Prometheus-Scrape-Timeout-Seconds", timeout.as_secs_f64().to_string());
            self.read(self.authorized(request).await?.send().await?).await
        };
        tokio::time::timeout(timeout, asking).await.map_err(|_| FetchError::Timeout(timeout))?
    }

    /// The address with the name in it that the server has to prove.
    fn asked(&self, url: &Url) -> Url {
        let mut asked = url.clone();
        let recipe = self.client.recipe();
        if recipe.host.is_some()
            && asked.set_host(Some(&recipe.http.tls_config.server_name)).is_err()
        {
            return url.clone();
        }
        asked
    }

    /// With credentials, which may be in files.
    async fn authorized(&self, request: RequestBuilder) -> Result<RequestBuilder, FetchError> {
        if !self.client.recipe().http.has_credentials() {
            return Ok(request);
        }
        let own = self.clone();
        tokio::task::spawn_blocking(move || own.authorize(request))
            .await
            .map_err(|error| FetchError::Secret(error.to_string()))?
    }

    /// Secrets in files are read each time, because they rotate.
    fn authorize(&self, mut request: RequestBuilder) -> Result<RequestBuilder, FetchError> {
        let http = &self.client.recipe().http;
        if let Some(basic) = &http.basic_auth {
            let username = basic.username().map_err(FetchError::Secret)?;
            let password = basic.password().map_err(FetchError::Secret)?;
            request = request.basic_auth(username, Some(password));
        }
        if let Some(authorization) = &http.authorization {
            let credentials = authorization.credentials().map_err(FetchError::Secret)?;
            let value = format!("{} {credentials}", authorization.kind.trim());
            request = request.header(header::AUTHORIZATION, value);
        }
        if http.bearer_token.is_some() || !http.bearer_token_file.is_empty() {
            let token = secret(http.bearer_token.as_ref(), &http.bearer_token_file);
            request = request.bearer_auth(token.map_err(FetchError::Secret)?);
        }
        for (name, header) in &http.http_headers {
            for value in &header.values {
                request = request.header(name, value);
            }
            for given in &header.secrets {
                let value = secret(Some(given), "").map_err(FetchError::Secret)?;
                request = request.header(name, value);
            }
            for file in &header.files {
                request = request.header(name, secret(None, file).map_err(FetchError::Secret)?);
            }
        }
        Ok(request)
    }

    async fn read(&self, mut response: Response) -> Result<Answer, FetchError> {
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let text = |name| {
            let value = response.headers().get(name)?;
            Some(value.to_str().ok()?.to_owned())
        };
        let content_type = text(header::CONTENT_TYPE);
        let is_gzip = text(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
        let mut bytes = Vec::new();
        while let Some(part) = response.chunk().await? {
            if (bytes.len() + part.len()) as u64 > self.bytes_max {
                return Err(FetchError::TooLarge(self.bytes_max));
            }
            bytes.extend_from_slice(&part);
        }
        if is_gzip {
            let mut plain = Vec::new();
            let limit = usize::try_from(self.bytes_max).unwrap_or(usize::MAX);
            match inflate::decompress(Compression::Gzip, &bytes, limit, &mut plain) {
                Err(inflate::InflateError::TooLarge { .. }) => {
                    return Err(FetchError::TooLarge(self.bytes_max));
                }
                done => done?,
            }
            bytes = plain;
        }
        Ok(Answer { content_type, bytes })
    }
}

/// `host:port` as a client says it: without the port that goes without saying.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests;
