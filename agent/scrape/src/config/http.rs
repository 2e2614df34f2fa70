//! How to ask: credentials, headers, TLS.

use std::collections::BTreeMap;

use daemon::config::values::Secret;
use serde::{Deserialize, Serialize};

/// Adds an HTTP client's settings to a struct of settings, beside its own keys as in Prometheus.
/// `flatten` would accept any key at all.
macro_rules! with_http {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$key:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$key])* pub $field: $type,)*
            pub basic_auth: Option<$crate::config::http::BasicAuth>,
            pub authorization: Option<$crate::config::http::Authorization>,
            /// Short for an authorization of type `Bearer`.
            pub bearer_token: Option<daemon::config::values::Secret>,
            /// The same, in a file.
            pub bearer_token_file: String,
            pub http_headers: std::collections::BTreeMap<String, $crate::config::http::Header>,
            pub tls_config: $crate::config::http::TlsSettings,
            /// Redirects to the same scheme, host and port; others are never followed.
            pub follow_redirects: bool,
        }

        impl $name {
            /// How to ask.
            pub fn http(&self) -> $crate::config::http::HttpSettings {
                $crate::config::http::HttpSettings {
                    basic_auth: self.basic_auth.clone(),
                    authorization: self.authorization.clone(),
                    bearer_token: self.bearer_token.clone(),
                    bearer_token_file: self.bearer_token_file.clone(),
                    http_headers: self.http_headers.clone(),
                    tls_config: self.tls_config.clone(),
                    follow_redirects: self.follow_redirects,
                }
            }
        }
    };
}
pub(crate) use with_http;

/// An HTTP client's settings, in Prometheus' terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    pub basic_auth: Option<BasicAuth>,
    pub authorization: Option<Authorization>,
    /// Short for an authorization of type `Bearer`.
    pub bearer_token: Option<Secret>,
    /// The same, in a file that is read each time.
    pub bearer_token_file: String,
    pub http_headers: BTreeMap<String, Header>,
    pub tls_config: TlsSettings,
    /// Redirects to the same scheme, host and port; others are never followed.
    pub follow_redirects: bool,
}

/// Who asks. Files are read each time, because what is in them rotates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BasicAuth {
    pub username: String,
    pub username_file: String,
    /// As it is, or `file:` and a path.
    pub password: Option<Secret>,
    pub password_file: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorization {
    #[serde(rename = "type", default = "bearer")]
    pub kind: String,
    /// As they are, or `file:` and a path.
    #[serde(default)]
    pub credentials: Option<Secret>,
    /// A file that is read each time.
    #[serde(default)]
    pub credentials_file: String,
}

/// Values of one header; all are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Header {
    pub values: Vec<String>,
    pub secrets: Vec<Secret>,
    /// Files that are read each time.
    pub files: Vec<String>,
}

/// How to speak TLS. Files are read again when they change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// Certificates to trust, as PEM; those of the system when empty.
    pub ca_file: String,
    /// Client certificate and its key, as PEM.
    pub cert_file: String,
    pub key_file: String,
    /// The name that the server has to prove, instead of the one that it is asked by.
    pub server_name: String,
    pub insecure_skip_verify: bool,
    /// The oldest and the newest version of TLS to speak.
    pub min_version: Option<TlsVersion>,
    pub max_version: Option<TlsVersion>,
}

/// Versions of TLS by the names that Prometheus has for them. Versions before 1.2 are never spoken, so
/// as a minimum they ask for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TlsVersion {
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

impl BasicAuth {
    pub(crate) fn username(&self) -> Result<String, String> {
        if self.username_file.is_empty() {
            return Ok(self.username.clone());
        }
        secret(None, &self.username_file)
    }

    pub(crate) fn password(&self) -> Result<String, String> {
        secret(self.password.as_ref(), &self.password_file)
    }
}

impl Authorization {
    pub(crate) fn credentials(&self) -> Result<String, String> {
        secret(self.credentials.as_ref(), &self.credentials_file)
    }
}

/// The secret as it is given or as it is in the file right now; empty when there is neither.
pub(crate) fn secret(given: Option<&Secret>, file: &str) -> Result<String, String> {
    match given {
        Some(secret) => secret.resolve(),
        None if file.is_empty() => Ok(String::new()),
        None => Secret::new(format!("file:{file}")).resolve(),
    }
}

fn bearer() -> String {
    "Bearer".to_owned()
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            basic_auth: None,
            authorization: None,
            bearer_token: None,
            bearer_token_file: String::new(),
            http_headers: BTreeMap::new(),
            tls_config: TlsSettings::default(),
            follow_redirects: true,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHttp {
    #[error("at most one of basic_auth, authorization and bearer_token can be set")]
    Credentials,
    #[error("authorization cannot be of type Basic; use basic_auth")]
    Basic,
    #[error("tls_config needs cert_file and key_file together")]
    Identity,
    #[error("give {0} or {0}_file, not both")]
    Twice(&'static str),
    #[error("tls_config: server_name {0:?} is no name of a host")]
    ServerName(String),
    #[error("tls_config: max_version must be TLS12 or TLS13 and not before min_version")]
    Versions,
}

impl HttpSettings {
    /// Whether requests carry anything that may have to be read from a file.
    pub(crate) fn has_credentials(&self) -> bool {
        self.basic_auth.is_some()
            || self.authorization.is_some()
            || self.bearer_token.is_some()
            || !self.bearer_token_file.is_empty()
            || !self.http_headers.is_empty()
    }

    pub(crate) fn check(&self) -> Result<(), InvalidHttp> {
        let has_token = self.bearer_token.is_some() || !self.bearer_token_file.is_empty();
        let given = [self.basic_auth.is_some(), self.authorization.is_some(), has_token];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err(InvalidHttp::Credentials);
        }
        let kind = self.authorization.as_ref().map(|authorization| authorization.kind.as_str());
        if kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("basic")) {
            return Err(InvalidHttp::Basic);
        }
        self.check_files()?;
        self.tls_config.check()
    }

    fn check_files(&self) -> Result<(), InvalidHttp> {
        let basic = self.basic_auth.as_ref();
        let authorization = self.authorization.as_ref();
        let pairs = [
            ("bearer_token", self.bearer_token.is_some(), self.bearer_token_file.as_str()),
            (
                "username",
                basic.is_some_and(|basic| !basic.username.is_empty()),
                basic.map_or("", |basic| &basic.username_file),
            ),
            (
                "password",
                basic.is_some_and(|basic| basic.password.is_some()),
                basic.map_or("", |basic| &basic.password_file),
            ),
            (
                "credentials",
                authorization.is_some_and(|own| own.credentials.is_some()),
                authorization.map_or("", |own| &own.credentials_file),
            ),
        ];
        let twice = pairs.iter().find(|(_, given, file)| *given && !file.is_empty());
        twice.map_or(Ok(()), |(name, ..)| Err(InvalidHttp::Twice(name)))
    }
}

impl TlsSettings {
    fn check(&self) -> Result<(), InvalidHttp> {
        if self.cert_file.is_empty() != self.key_file.is_empty() {
            return Err(InvalidHttp::Identity);
        }
        let name = &self.server_name;
        let is_name =
            name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
        // An address takes another way through the resolver than a name.
        if !is_name || name.parse::<std::net::IpAddr>().is_ok() {
            return Err(InvalidHttp::ServerName(name.chars().take(100).collect()));
        }
        let too_old = self.max_version.is_some_and(|max| max < TlsVersion::Tls12);
        let crossed =
            self.max_version.is_some_and(|max| self.min_version.is_some_and(|min| min > max));
        if too_old || crossed { Err(InvalidHttp::Versions) } else { Ok(()) }
    }

    /// The files that it names.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        let files = [&self.ca_file, &self.cert_file, &self.key_file];
        files.into_iter().map(String::as_str).filter(|file| !file.is_empty())
    }
}
