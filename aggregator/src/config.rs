//! The `[aggregator]` section of the configuration.

mod otlp;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use daemon::config::values::{HumanDuration, Secret};
use model::{labels::METRIC_NAME, time::Timestamp};
pub use otlp::{Delta, Otlp, TranslationStrategy};
use serde::{Deserialize, Serialize};
pub use tenancy::access::Scope;
use tenancy::token::{Grant, Tokens};

/// Everything that an aggregator can be told.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where to listen; this machine only, unless told otherwise.
    pub listen: SocketAddr,
    /// Where metrics and the timeline are kept.
    pub data_dir: PathBuf,
    /// How long samples are kept.
    pub retention: HumanDuration,
    /// Serve `POST /-/reload`. SIGHUP reloads in any case.
    pub allow_reload: bool,
    /// Serve `POST /-/quit`, which stops the aggregator: whoever reaches the port may call it.
    pub allow_quit: bool,
    /// Serve `/api/v1/admin/tsdb/…` to tokens with the scope `admin`.
    pub admin_api: bool,
    /// Tenants that `/metrics` names, those with the most series first; the others are summed. Anyone
    /// who reaches the port may read `/metrics`, so it names none unless told to.
    pub metrics_tenants_max: usize,
    /// Largest body of a request, in MiB.
    pub body_mib_max: usize,
    /// Labels that say where these metrics come from; federation gives them to series without.
    pub external_labels: BTreeMap<String, String>,
    pub query: Query,
    pub limits: Limits,
    pub otlp: Otlp,
    #[serde(skip_serializing)]
    pub tokens: Vec<Token>,
}

/// Bounds on queries.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Query {
    pub timeout: HumanDuration,
    /// How far back an instant selector looks for the newest sample.
    pub lookback: HumanDuration,
    /// Samples that one query may hold in memory.
    pub samples_max: u64,
    /// Queries evaluated at once, over all tenants and for one caller.
    pub concurrency: usize,
    pub concurrency_per_caller: usize,
}

/// Bounds on what one tenant may store.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub active_series: u64,
    /// On average; a burst of ten seconds' worth is let through.
    pub new_series_per_second: f64,
    pub samples_per_second: f64,
    pub bytes_per_second: f64,
    pub tenants: usize,
}

/// One bearer token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub name: String,
    /// The token, or `file:` and a path.
    pub token: Secret,
    /// Tenant names, or `["*"]`.
    pub tenants: Vec<String>,
    pub scopes: BTreeSet<Scope>,
    /// The node that an agent's token is bound to.
    pub node: Option<String>,
    /// Seconds since the Unix epoch after which the token is refused.
    pub expires: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9400)),
            data_dir: PathBuf::from("tidewatch-data"),
            retention: HumanDuration(Duration::from_hours(15 * 24)),
            allow_reload: false,
            allow_quit: false,
            admin_api: false,
            metrics_tenants_max: 0,
            body_mib_max: 64,
            external_labels: BTreeMap::new(),
            query: Query::default(),
            limits: Limits::default(),
            otlp: Otlp::default(),
            tokens: Vec::new(),
        }
    }
}

impl Default for Query {
    fn default() -> Self {
        Self {
            timeout: HumanDuration(Duration::from_mins(2)),
            lookback: HumanDuration(Duration::from_mins(5)),
            samples_max: 50_000_000,
            concurrency: 20,
            concurrency_per_caller: 8,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let usual = tsdb::limits::Limits::default();
        Self {
            active_series: 1_000_000,
            new_series_per_second: usual.new_series_per_second,
            samples_per_second: usual.samples_per_second,
            bytes_per_second: usual.bytes_per_second,
            tenants: 100_000,
        }
    }
}

/// The settings contradict themselves or name what is not there.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    #[error("aggregator.tokens: {0}")]
    Token(#[from] tenancy::token::InvalidGrant),
    #[error("aggregator.tokens: token {name:?}: {message}")]
    Secret { name: String, message: String },
    #[error("aggregator.tokens: the name {0:?} is given twice")]
    DuplicateToken(String),
    #[error("aggregator.tokens: {0:?} has the same secret as another token")]
    SharedSecret(String),
    #[error("aggregator.{key} must be a number that is not negative")]
    NoRate { key: &'static str },
    #[error("aggregator.{key} must be at least {least}")]
    TooSmall { key: &'static str, least: u64 },
    #[error("aggregator.external_labels: {0:?} cannot be the name of one")]
    ExternalLabel(String),
    #[error("aggregator.otlp: {0}")]
    Otlp(&'static str),
}

impl Settings {
    /// Checks the values against each other.
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        let at_least = |key, least: u64, is: u64| {
            if is < least { Err(InvalidSettings::TooSmall { key, least }) } else { Ok(()) }
        };
        at_least("body_mib_max", 1, self.body_mib_max as u64)?;
        at_least("query.concurrency", 1, self.query.concurrency as u64)?;
        at_least("query.concurrency_per_caller", 1, self.query.concurrency_per_caller as u64)?;
        at_least("limits.tenants", 1, self.limits.tenants as u64)?;
        for (key, rate) in [
            ("limits.new_series_per_second", self.limits.new_series_per_second),
            ("limits.samples_per_second", self.limits.samples_per_second),
            ("limits.bytes_per_second", self.limits.bytes_per_second),
        ] {
            if !(rate.is_finite() && rate >= 0.0) {
                return Err(InvalidSettings::NoRate { key });
            }
        }
        let named = |name: &String| name.is_empty() || name == METRIC_NAME;
        if let Some(name) = self.external_labels.keys().find(|name| named(name)) {
            return Err(InvalidSettings::ExternalLabel(name.clone()));
        }
        self.otlp.validate()?;
        self.tokens().map(|_tokens| ())
    }

    /// The tokens, with those in files read.
    pub fn tokens(&self) -> Result<Tokens, InvalidSettings> {
        let mut names = BTreeSet::new();
        let mut secrets = BTreeSet::new();
        let mut grants = Vec::with_capacity(self.tokens.len());
        for token in &self.tokens {
            if !names.insert(&token.name) {
                return Err(InvalidSettings::DuplicateToken(token.name.clone()));
            }
            let secret = token
                .token
                .resolve()
                .map_err(|message| InvalidSettings::Secret { name: token.name.clone(), message })?;
            if !secrets.insert(secret.clone()) {
                return Err(InvalidSettings::SharedSecret(token.name.clone()));
            }
            let expires = token.expires.map(|seconds| {
                Timestamp(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000))
            });
            grants.push(Grant::new(
                &token.name,
                &secret,
                &token.tenants,
                token.scopes.clone(),
                token.node.clone(),
                expires,
            )?);
        }
        Ok(Tokens::new(grants))
    }
}
