//! How to ask: credentials, headers, TLS.

use std::collections::BTreeMap;

use daemon::config::values::Secret;
use serde::Deserialize;

/// Adds an HTTP client's settings to a struct of settings, beside its own keys as in Prometheus.
/// `flatten` would accept any key at all.
macro_rules! with_http {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$key:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$key])* pub $field: $type,)*
            pub basic_auth: Option<$crate::config::http::BasicAuth>,
            pub authorization: Option<$crate::config::http::Authorization>,
            /// Short for an authorization of type `Bearer`.
            pub bearer_token: Option<daemon::config::values::Secret>,
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
#[derive(Clone, Debug)]
pub struct HttpSettings {
    pub basic_auth: Option<BasicAuth>,
    pub authorization: Option<Authorization>,
    /// Short for an authorization of type `Bearer`.
    pub bearer_token: Option<Secret>,
    pub http_headers: BTreeMap<String, Header>,
    pub tls_config: TlsSettings,
    /// Redirects to the same scheme, host and port; others are never followed.
    pub follow_redirects: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    pub username: String,
    /// As it is, or `file:` and a path.
    pub password: Secret,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorization {
    #[serde(rename = "type", default = "bearer")]
    pub kind: String,
    /// As they are, or `file:` and a path.
    pub credentials: Secret,
}

/// Values of one header; all are sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Header {
    pub values: Vec<String>,
    pub secrets: Vec<Secret>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// Certificates to trust besides the system's, as PEM.
    pub ca_file: String,
    /// Client certificate and its key, as PEM.
    pub cert_file: String,
    pub key_file: String,
    pub insecure_skip_verify: bool,
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
}

impl HttpSettings {
    pub(crate) fn check(&self) -> Result<(), InvalidHttp> {
        let given =
            [self.basic_auth.is_some(), self.authorization.is_some(), self.bearer_token.is_some()];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err(InvalidHttp::Credentials);
        }
        let kind = self.authorization.as_ref().map(|authorization| authorization.kind.as_str());
        if kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("basic")) {
            return Err(InvalidHttp::Basic);
        }
        if self.tls_config.cert_file.is_empty() != self.tls_config.key_file.is_empty() {
            return Err(InvalidHttp::Identity);
        }
        Ok(())
    }
}
