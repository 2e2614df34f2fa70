//! Asks targets: bounded in time, bytes and redirects, and only where the job allows.
//!
//! A target must not make the agent ask someone else in its place: what another answers would be
//! stored as the target's own. So redirects stay at the scheme, host and port that were asked, and
//! so do credentials; and no name but that of the machine itself leads to the machine itself.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use codec::inflate::{self, Compression};
use daemon::http::install_crypto;
use probe::guard::Network;
use reqwest::{
    Client, RequestBuilder, Response, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
    redirect::{Attempt, Policy},
};

use crate::{
    config::{
        BODY_BYTES_MAX, Job,
        http::{HttpSettings, TlsSettings},
    },
    protocol::{self, Protocol},
};

/// As many as browsers and Prometheus follow.
const REDIRECTS_MAX: usize = 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest file of certificates or keys.
const PEM_BYTES_MAX: u64 = 1 << 20;

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

/// Resolves by the system, and keeps what may be connected to.
struct Guarded(Reach);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|found| reach.allows_found(name.as_str(), found.ip())).collect();
            if allowed.is_empty() {
                return Err(format!("{} is at no address that may be asked", name.as_str()).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

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
    client: Client,
    reach: Reach,
    http: HttpSettings,
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
        let order = match settings.scrape_protocols.as_slice() {
            [] => Protocol::default_order(settings.scrape_native_histograms),
            own => own.to_vec(),
        };
        let limit = job.limits.body_bytes.unwrap_or(BODY_BYTES_MAX).min(BODY_BYTES_MAX);
        let mut fetcher =
            Self::new(&job.http, Reach::new(&job.allowed), protocol::accept(&order), limit)?;
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
        install_crypto();
        let redirects = if http.follow_redirects { REDIRECTS_MAX } else { 0 };
        let policy = move |attempt: Attempt<'_>| {
            if redirects == 0 {
                attempt.stop()
            } else if attempt.previous().len() > redirects {
                attempt.error("too many redirects")
            } else if !attempt.previous().first().is_some_and(|url| stays(url, attempt.url())) {
                attempt.error("redirected to another scheme, host or port")
            } else {
                attempt.follow()
            }
        };
        let builder = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(Policy::custom(policy))
            .no_proxy()
            .dns_resolver(Arc::new(Guarded(reach.clone())))
            .user_agent(concat!("tidewatch/", env!("CARGO_PKG_VERSION")));
        let client = tls(builder, &http.tls_config)?.build().map_err(FetchError::Client)?;
        Ok(Self { client, reach, http: http.clone(), accept, compressed: true, bytes_max })
    }

    /// One GET, whole, within `timeout`.
    pub async fn get(&self, url: &Url, timeout: Duration) -> Result<Answer, FetchError> {
        if !self.reach.allows_url(url) {
            return Err(FetchError::Forbidden(url.host_str().unwrap_or("").to_owned()));
        }
        let encoding = if self.compressed { "gzip" } else { "identity" };
        let request = self
            .client
            .get(url.clone())
            .header(header::ACCEPT, &self.accept)
            .header(header::ACCEPT_ENCODING, encoding)
            .header("X-Prometheus-Scrape-Timeout-Seconds", timeout.as_secs_f64().to_string());
        let request = self.authorize(request)?;
        let asking = async { self.read(request.send().await?).await };
        tokio::time::timeout(timeout, asking).await.map_err(|_| FetchError::Timeout(timeout))?
    }

    /// Secrets in files are read each time, because they rotate.
    fn authorize(&self, mut request: RequestBuilder) -> Result<RequestBuilder, FetchError> {
        let HttpSettings { basic_auth, authorization, bearer_token, http_headers, .. } = &self.http;
        if let Some(basic) = basic_auth {
            let password = basic.password.resolve().map_err(FetchError::Secret)?;
            request = request.basic_auth(&basic.username, Some(password));
        }
        if let Some(authorization) = authorization {
            let credentials = authorization.credentials.resolve().map_err(FetchError::Secret)?;
            let value = format!("{} {credentials}", authorization.kind.trim());
            request = request.header(header::AUTHORIZATION, value);
        }
        if let Some(token) = bearer_token {
            request = request.bearer_auth(token.resolve().map_err(FetchError::Secret)?);
        }
        for (name, header) in http_headers {
            for value in &header.values {
                request = request.header(name, value);
            }
            for secret in &header.secrets {
                request = request.header(name, secret.resolve().map_err(FetchError::Secret)?);
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

/// Whether a redirect stays where the target is.
fn stays(asked: &Url, to: &Url) -> bool {
    asked.origin() == to.origin()
}

fn tls(
    mut builder: reqwest::ClientBuilder,
    tls: &TlsSettings,
) -> Result<reqwest::ClientBuilder, FetchError> {
    if !tls.ca_file.is_empty() {
        let pem = read(&tls.ca_file)?;
        let bundle = reqwest::Certificate::from_pem_bundle(&pem).map_err(FetchError::Client)?;
        builder = builder.tls_certs_merge(bundle);
    }
    if !tls.cert_file.is_empty() {
        let mut pem = read(&tls.cert_file)?;
        pem.extend(read(&tls.key_file)?);
        let identity = reqwest::Identity::from_pem(&pem).map_err(FetchError::Client)?;
        builder = builder.identity(identity);
    }
    Ok(builder.tls_danger_accept_invalid_certs(tls.insecure_skip_verify))
}

#[expect(clippy::disallowed_methods, reason = "certificates are configuration, which enters here")]
fn read(path: &str) -> Result<Vec<u8>, FetchError> {
    let fault = |reason: String| FetchError::File { path: path.to_owned(), reason };
    let length = std::fs::metadata(path).map_err(|error| fault(error.to_string()))?.len();
    if length > PEM_BYTES_MAX {
        return Err(fault(format!("it is larger than {PEM_BYTES_MAX} bytes")));
    }
    std::fs::read(path).map_err(|error| fault(error.to_string()))
}

#[cfg(test)]
mod tests;
