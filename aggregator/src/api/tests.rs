//! Tests of the API as a whole, through its router.

mod errors;
mod reports;
mod status;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request},
};
use daemon::{
    admin::{self, Lifecycle, Readiness},
    config::values::Secret,
    metrics::Metrics,
    stop::Stop,
};
use disk::os::OsDisk;
use http_body_util::BodyExt;
use model::{
    tenant::TenantId,
    time::Timestamp,
    write::{Sample, WriteBatch},
};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;
use tsdb::{options::Options, store::Store};

use crate::{
    api,
    config::{Scope, Settings, Token},
    front::Front,
    metrics::AggregatorMetrics,
    state::State,
    timeline::Timeline,
};

pub(super) const OPERATOR: &str = "operator-0123456789abcdef0123456789";
pub(super) const ACME: &str = "acme-0123456789abcdef0123456789abcd";
/// Of an agent and a ruler.
pub(super) const SENDER: &str = "sender-0123456789abcdef0123456789ab";
pub(super) const GLOBEX: &str = "globex-0123456789abcdef0123456789ab";

/// An aggregator without a port.
pub(super) struct Api {
    pub(super) state: State,
    router: Router,
    _dir: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

fn token(name: &str, secret: &str, tenants: &str, scopes: &[Scope]) -> Token {
    Token {
        name: name.to_owned(),
        token: serde_json::from_value::<Secret>(secret.into()).unwrap(),
        tenants: vec![tenants.to_owned()],
        scopes: scopes.iter().copied().collect(),
        node: None,
        expires: None,
    }
}

impl Api {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let all = [Scope::MetricsRead, Scope::MetricsWrite, Scope::Admin];
        let settings = Settings {
            data_dir: dir.path().to_owned(),
            tokens: vec![
                token("operator", OPERATOR, "*", &[Scope::MetricsRead, Scope::Operator]),
                token("acme", ACME, "acme", &all),
                token("globex", GLOBEX, "globex", &all),
                token("sender", SENDER, "*", &[Scope::Agent, Scope::Alerting]),
            ],
            ..Settings::default()
        };
        let disk = Arc::new(OsDisk);
        let timeline =
            Timeline::open(Arc::clone(&disk) as _, &dir.path().join("timeline")).unwrap();
        let store =
            Store::open(disk, &dir.path().join("metrics"), Options::default(), &|_| {}).unwrap().0;
        let metrics = Metrics::default();
        let front = Front::new(settings.tokens().unwrap(), Stop::default());
        let own =
            AggregatorMetrics::register(&metrics, store.clone(), 0, front.unauthorized.clone());
        let state = State::new(settings, front.clone(), store, timeline, own, metrics.clone());
        let admin = admin::router(
            metrics,
            Readiness::waiting("a test"),
            front.stop.clone(),
            Lifecycle { reload: false, quit: true },
        );
        let admin = admin.fallback_service(api::router(state.clone()));
        let router = api::front(admin, front);
        Self { state, router, _dir: dir }
    }

    /// Stores one sample of each series of a metric, ten seconds ago.
    pub(super) fn store(&self, tenant: &str, metric: &str, pods: &[&str]) {
        let now = daemon::clock::now();
        let mut batch = WriteBatch::default();
        for pod in pods {
            batch.begin_series(&mut [("__name__", metric), ("pod", pod)]).unwrap();
            batch.push_sample(Sample { time: now.0 - 10_000, value: 1.0, start: 0 });
        }
        let tenant = TenantId::new(tenant).unwrap();
        let appended = self.state.store.append(&tenant, &batch, Timestamp(now.0)).unwrap();
        assert_eq!(appended.rejected, []);
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Got {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Got { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    pub(super) async fn ask(&self, method: Method, token: &str, uri: &str) -> Got {
        let request = Request::builder().method(method).uri(uri);
        let request = request.header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(super) async fn get(&self, token: &str, uri: &str) -> Got {
        self.ask(Method::GET, token, uri).await
    }

    pub(super) async fn data(&self, token: &str, uri: &str) -> Value {
        let got = self.get(token, uri).await;
        assert_eq!(got.status, 200, "{uri}: {}", got.text);
        got.json()["data"].take()
    }
}
