//! The client of a job, made anew when files of certificates change.

use std::{
    net::SocketAddr,
    os::unix::fs::MetadataExt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use daemon::http::install_crypto;
use reqwest::{
    Client, ClientBuilder, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::{Attempt, Policy},
    tls::Version,
};

use super::{FetchError, Reach};
use crate::config::http::{HttpSettings, TlsSettings, TlsVersion};

/// As many as browsers and Prometheus follow.
const REDIRECTS_MAX: usize = 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest file of certificates or keys.
const PEM_BYTES_MAX: u64 = 1 << 20;

/// What a client is made of.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) http: HttpSettings,
    pub(super) reach: Reach,
    /// The host to connect to when another name is asked for.
    pub(super) host: Option<String>,
}

/// A client that keeps up with its files.
#[derive(Debug)]
pub(super) struct CurrentClient {
    recipe: Recipe,
    made: Mutex<Option<Made>>,
}

#[derive(Clone, Debug)]
struct Made {
    client: Client,
    files: Vec<Stamp>,
}

/// Tells a file from what it was before: inode, length, and when it was changed. `None` when it is
/// not there.
type Stamp = Option<(u64, u64, i64, i64)>;

impl CurrentClient {
    /// Made at first use.
    pub(super) fn new(recipe: Recipe) -> Self {
        Self { recipe, made: Mutex::default() }
    }

    pub(super) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The client by the files as they are now. Files are often replaced one after another, so when
    /// no client can be made of them the one before goes on.
    pub(super) async fn get(self: &Arc<Self>) -> Result<Client, FetchError> {
        let has_files = self.recipe.http.tls_config.files().next().is_some();
        let made = self.lock().clone();
        if let Some(made) = made
            && !has_files
        {
            return Ok(made.client);
        }
        let own = Arc::clone(self);
        let made = tokio::task::spawn_blocking(move || own.refresh()).await;
        made.map_err(|error| FetchError::Secret(error.to_string()))?
    }

    /// Reads files: not for a thread that must not block.
    pub(super) fn refresh(&self) -> Result<Client, FetchError> {
        // Looked at before they are read, so that what changes meanwhile is seen the next time.
        let files = self.recipe.http.tls_config.files().map(stamp).collect();
        let made = self.lock().clone();
        if let Some(made) = &made
            && made.files == files
        {
            return Ok(made.client.clone());
        }
        match (self.recipe.client(), made) {
            (Ok(client), _) => {
                *self.lock() = Some(Made { client: client.clone(), files });
                Ok(client)
            }
            (Err(error), Some(made)) => {
                tracing::warn!(%error, "new certificates cannot be used; the old ones stay");
                Ok(made.client)
            }
            (Err(error), None) => Err(error),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Made>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recipe {
    fn client(&self) -> Result<Client, FetchError> {
        install_crypto();
        let redirects = if self.http.follow_redirects { REDIRECTS_MAX } else { 0 };
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
            .dns_resolver(Arc::new(Guarded { reach: self.reach.clone(), host: self.host.clone() }))
            .user_agent(concat!("tidewatch/", env!("CARGO_PKG_VERSION")));
        tls(builder, &self.http.tls_config)?.build().map_err(FetchError::Client)
    }
}

/// Whether a redirect stays where the target is.
pub(super) fn stays(asked: &Url, to: &Url) -> bool {
    asked.origin() == to.origin()
}

/// Resolves by the system, and keeps what may be connected to.
struct Guarded {
    reach: Reach,
    /// Resolved instead of the name that is asked for.
    host: Option<String>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach.clone();
        let name = self.host.clone().unwrap_or_else(|| name.as_str().to_owned());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            // An address that was asked for as such was looked at before.
            let is_literal = name.parse::<std::net::IpAddr>().is_ok();
            let allowed: Vec<SocketAddr> =
                found.filter(|found| is_literal || reach.allows_found(&name, found.ip())).collect();
            if allowed.is_empty() {
                return Err(format!("{name} is at no address that may be asked").into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn tls(mut builder: ClientBuilder, tls: &TlsSettings) -> Result<ClientBuilder, FetchError> {
    if !tls.ca_file.is_empty() {
        let pem = read(&tls.ca_file)?;
        let bundle = reqwest::Certificate::from_pem_bundle(&pem).map_err(FetchError::Client)?;
        if bundle.is_empty() {
            let reason = "it holds no certificate".to_owned();
            return Err(FetchError::File { path: tls.ca_file.clone(), reason });
        }
        builder = builder.tls_certs_only(bundle);
    }
    if !tls.cert_file.is_empty() {
        let mut pem = read(&tls.cert_file)?;
        pem.push(b'\n');
        pem.extend(read(&tls.key_file)?);
        let identity = reqwest::Identity::from_pem(&pem).map_err(FetchError::Client)?;
        builder = builder.identity(identity);
    }
    if tls.min_version == Some(TlsVersion::Tls13) {
        builder = builder.tls_version_min(Version::TLS_1_3);
    }
    if tls.max_version == Some(TlsVersion::Tls12) {
        builder = builder.tls_version_max(Version::TLS_1_2);
    }
    Ok(builder.tls_danger_accept_invalid_certs(tls.insecure_skip_verify))
}

fn stamp(path: &str) -> Stamp {
    let found = std::fs::metadata(path).ok()?;
    Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
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
