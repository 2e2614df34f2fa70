//! Everything in one process: aggregator, alerting and agent, speaking over loopback with tokens of
//! their own, exactly as they would between machines.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use agent::{Agent, Workload};
use aggregator::config::{Scope, Token};
use daemon::{
    admin::Readiness,
    config::values::Secret,
    control::ControlClient,
    metrics::Metrics,
    serve,
    stop::{OnHangup, Stop},
};
use model::tenant::TenantId;
use tokio::task::JoinHandle;

use crate::{config::Config, exit::Failure};

/// Where the operator's token is kept, so that it is the same after a restart.
const TOKEN_FILE: &str = "operator-token";
/// How often it is looked whether every part still runs.
const LOOK: std::time::Duration = std::time::Duration::from_millis(500);

/// A running system.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) address: SocketAddr,
    /// Sees everything.
    pub(crate) operator: String,
    /// Sees one tenant each.
    pub(crate) tenants: Vec<(TenantId, String)>,
    pub(crate) agent: Agent,
    /// Somebody asked for the end.
    pub(crate) stop: Stop,
    /// Ends the parts that must outlive the agent.
    rest: Stop,
    agent_token: String,
    aggregator: JoinHandle<Result<(), aggregator::StartError>>,
    alerting: JoinHandle<Result<(), alerting::StartError>>,
}

/// What to run.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) config: Config,
    pub(crate) listen: SocketAddr,
    pub(crate) data_dir: PathBuf,
    /// Tenants that get a token of their own.
    pub(crate) tenants: Vec<TenantId>,
    pub(crate) workload: Workload,
}

impl Local {
    /// Starts everything, and returns once the agent runs.
    pub(crate) async fn start(options: Options) -> Result<Self, Failure> {
        let Options { mut config, listen, data_dir, tenants, workload } = options;
        create_private_dir(&data_dir)?;
        let listener =
            serve::bind(listen).await.map_err(|error| Failure::usage(error.to_string()))?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::failed(format!("cannot learn the port: {error}")))?;
        let (stop, rest) = (Stop::default(), Stop::default());
        stop.on_signals(OnHangup::Stop)
            .map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))?;

        let operator = kept_token(&data_dir.join(TOKEN_FILE))?;
        let (agent_token, alerting_token) = (random_token(), random_token());
        let tenants: Vec<_> = tenants.into_iter().map(|tenant| (tenant, random_token())).collect();
        config.aggregator.data_dir = data_dir;
        config.aggregator.tokens = tokens(&operator, &agent_token, &alerting_token, &tenants);
        config.agent.aggregator = format!("http://{address}");
        config.agent.token = Secret::new(agent_token.clone());
        config.alerting.aggregator = config.agent.aggregator.clone();
        config.alerting.token = Secret::new(alerting_token);

        let metrics = Metrics::default();
        let readiness = Readiness::waiting("starting");
        let host = aggregator::Host {
            metrics: metrics.clone(),
            readiness: readiness.clone(),
            stop: rest.clone(),
        };
        let mut aggregator = tokio::spawn(aggregator::run(config.aggregator, listener, host, None));
        tokio::select! {
            ended = &mut aggregator => return Err(ended_early(ended)),
            () = readiness.until_ready() => {}
        }
        let alerting = tokio::spawn({
            let (metrics, stop) = (metrics.clone(), rest.clone());
            let settings = config.alerting;
            async move {
                let readiness = Readiness::waiting("starting");
                let rules = alerting::RuleSource { folder: PathBuf::new(), reload: None };
                alerting::run(&settings, rules, &metrics, &readiness, &stop).await
            }
        });
        let agent = Agent::start(&config.agent, workload, &metrics, &stop)
            .await
            .map_err(|error| Failure::failed(daemon::telemetry::chain(&error)))?;
        Ok(Self {
            address,
            operator,
            tenants,
            agent,
            stop,
            rest,
            agent_token,
            aggregator,
            alerting,
        })
    }

    /// A client with the operator's rights.
    pub(crate) fn operator_client(&self) -> Result<ControlClient, Failure> {
        self.client(&self.operator)
    }

    /// A client that may write to the timeline.
    pub(crate) fn agent_client(&self) -> Result<ControlClient, Failure> {
        self.client(&self.agent_token)
    }

    pub(crate) fn client(&self, token: &str) -> Result<ControlClient, Failure> {
        ControlClient::new(&format!("http://{}", self.address), token.to_owned())
            .map_err(|error| Failure::failed(error.to_string()))
    }

    /// Returns when somebody asks for the end, or when a part has ended that should not have: its
    /// error comes out of [`Self::shut_down`].
    pub(crate) async fn until_over(&self) {
        let ended = async {
            while !self.aggregator.is_finished() && !self.alerting.is_finished() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            () = self.stop.stopped() => {}
            () = ended => {}
        }
    }

    /// Where a person looks.
    pub(crate) fn page(&self) -> String {
        format!("http://{}/#token={}", self.address, self.operator)
    }

    /// How to go on with Grafana and with curl.
    pub(crate) fn hints(&self) -> String {
        let Self { address, operator, .. } = self;
        format!(
            "Grafana data source (as provisioning/datasources/tidewatch.yaml):\n\
             \x20 apiVersion: 1\n\
             \x20 datasources:\n\
             \x20   - name: Tidewatch\n\
             \x20     type: prometheus\n\
             \x20     access: proxy\n\
             \x20     url: http://{address}\n\
             \x20     jsonData: {{ httpMethod: POST, timeInterval: 1s, httpHeaderName1: Authorization }}\n\
             \x20     secureJsonData: {{ httpHeaderValue1: \"Bearer {operator}\" }}\n\n\
             From a shell:\n\
             \x20 curl -sH 'Authorization: Bearer {operator}' http://{address}/api/v1/query \\\n\
             \x20   --data-urlencode 'query=sum by (tenant, app) (rate(container_cpu_usage_seconds_total[10s]))'\n"
        )
    }

    /// Stops everything in order: the agent first, so that its last samples find a store.
    pub(crate) async fn shut_down(self) -> Result<(), Failure> {
        self.stop.stop();
        self.agent.stopped().await;
        self.rest.stop();
        match self.alerting.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(Failure::failed(format!("alerting: {error}"))),
            Err(error) => return Err(Failure::failed(format!("alerting: {error}"))),
        }
        match self.aggregator.await {
            Ok(Ok(())) => Ok(()),
            ended => Err(ended_early(ended)),
        }
    }
}

fn ended_early(
    ended: Result<Result<(), aggregator::StartError>, tokio::task::JoinError>,
) -> Failure {
    match ended {
        Ok(Ok(())) => Failure::failed("the aggregator stopped early"),
        Ok(Err(error)) => Failure::failed(daemon::telemetry::chain(&error)),
        Err(error) => Failure::failed(format!("the aggregator failed: {error}")),
    }
}

fn tokens(
    operator: &str,
    agent: &str,
    alerting: &str,
    tenants: &[(TenantId, String)],
) -> Vec<Token> {
    let all = || vec!["*".to_owned()];
    let token = |name: &str, token: &str, tenants: Vec<String>, scopes: &[_]| Token {
        name: name.to_owned(),
        token: Secret::new(token),
        tenants,
        scopes: scopes.iter().copied().collect::<BTreeSet<_>>(),
        node: None,
        expires: None,
    };
    let mut tokens = vec![
        token("operator", operator, all(), &[Scope::MetricsRead, Scope::Operator]),
        token("agent", agent, all(), &[Scope::Agent]),
        token("alerting", alerting, all(), &[Scope::Alerting, Scope::MetricsRead]),
    ];
    for (tenant, secret) in tenants {
        let scopes = [Scope::MetricsRead, Scope::MetricsWrite];
        tokens.push(token(tenant.as_str(), secret, vec![tenant.to_string()], &scopes));
    }
    tokens
}

/// 128 random bits.
fn random_token() -> String {
    let mut bytes = [0u8; 16];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        // The kernel's generator does not fail once it is seeded, and waits until it is.
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty()).unwrap_or(0);
    }
    bytes.iter().fold(String::from("tw_"), |mut text, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Reads the token of an earlier start, or makes one and keeps it, readable by this user only.
#[expect(clippy::disallowed_methods, reason = "a secret beside the data, not data")]
fn kept_token(path: &Path) -> Result<String, Failure> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    if let Ok(token) = std::fs::read_to_string(path)
        && token.trim().len() >= 32
    {
        return Ok(token.trim().to_owned());
    }
    let token = random_token();
    let fault = |error: std::io::Error| {
        Failure::failed(format!("cannot write {}: {error}", path.display()))
    };
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(fault)?;
    writeln!(file, "{token}").map_err(fault)?;
    Ok(token)
}

/// Creates a directory that only this user can read, where it is missing.
fn create_private_dir(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Failure::usage(format!(
            "cannot create the data directory {}: {error}; choose another with --data-dir",
            path.display()
        ))
    })
}
