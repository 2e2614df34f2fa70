//! The loop around [`rules::Roster`]: reads rule files, evaluates what is due on threads that may
//! block, writes what rules give, and tells the aggregator what became of them.

mod load;
pub(crate) mod notify;
mod remote;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use daemon::{clock, control::ControlClient, metrics::Metrics, stop::Stop};
use model::{
    ruler::{REPORT_EVERY_SECONDS, RulerReport},
    tenant::TenantId,
};
use rules::{
    Backend as _, Budget, Done, Due, Environment, NewSample, Notification, RestoreOptions, Roster,
    RosterOptions,
};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::Instant,
};

pub use load::LoadError;

use crate::{
    config::{Evaluation, InvalidSettings, RETRY, Settings},
    metrics::RulerCounts,
};
use notify::Notifier;
use remote::{Limits, Remote};

/// How often a change is told at most; less often where telling takes long.
const TELL_GAP: Duration = Duration::from_secs(1);
/// What did not change is told again after this time, before the aggregator forgets it.
const TELL_AGAIN: Duration = Duration::from_secs(REPORT_EVERY_SECONDS - 5);
/// Of the time, this part at most goes into telling.
const TELL_SHARE: u32 = 20;
/// How often the end of a series whose group is gone is tried to be written.
const RETIRE_TRIES: u32 = 20;

/// Where a reload reads the settings from; `None` when there is nothing to read again.
pub type Reload = Option<Box<dyn Fn() -> Result<Settings, String> + Send + Sync>>;

/// Where rules come from.
pub struct RuleSource {
    /// Relative names of rule files begin here.
    pub folder: PathBuf,
    pub reload: Reload,
}

impl std::fmt::Debug for RuleSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleSource").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Why rules are not evaluated.
#[derive(Debug, thiserror::Error)]
pub enum RulerError {
    #[error("rule files: {0}")]
    Load(#[from] LoadError),
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    #[error("an evaluation of rules failed: {0}")]
    Task(#[from] JoinError),
}

/// What one task came to.
enum Ended {
    Evaluated { done: Box<Done>, notifications: Vec<Notification>, written: u64 },
    Retired(Retired),
    Told { took: Duration, succeeded: bool },
}

/// Ends of series that are to be written.
struct Retired {
    tenant: Option<TenantId>,
    samples: Vec<NewSample>,
    tries: u32,
    written: bool,
}

struct Ruler {
    roster: Roster,
    client: ControlClient,
    operator: TenantId,
    name: String,
    limits: Limits,
    restore: RestoreOptions,
    source: Arc<RuleSource>,
    counts: RulerCounts,
    notifier: Notifier,
    stop: Stop,
    tasks: JoinSet<Ended>,
    /// Whether something changed since the last report, and when the next may be sent.
    changed: bool,
    tell_at: Instant,
    telling: bool,
    /// Whether the aggregator was told anything yet.
    told: bool,
}

/// Reads all rule files, and counts their rules. Relative names begin at `folder`.
pub fn check(folder: &Path, settings: &Settings) -> Result<usize, LoadError> {
    let specs = load::read(folder, &settings.rules)?;
    Ok(specs.iter().map(|(_, group)| group.rules.len()).sum())
}

/// Evaluates rules until `stop`. Files that cannot be used at the start are an error; at a reload
/// the rules from before stay.
pub(crate) async fn run(
    settings: &Settings,
    source: RuleSource,
    metrics: &Metrics,
    stop: &Stop,
) -> Result<(), RulerError> {
    let mut ruler = Ruler::new(settings, source, metrics, stop)?;
    // From before the files are read, so that a reload asked for meanwhile is not lost.
    let reloads = stop.reloads();
    let first = read(Arc::clone(&ruler.source), settings.clone()).await?;
    ruler.load(first)?;
    let result = ruler.follow(reloads).await;
    // What still runs sees the stop by itself, and soon.
    while ruler.tasks.join_next().await.is_some() {}
    result
}

impl Ruler {
    fn new(
        settings: &Settings,
        source: RuleSource,
        metrics: &Metrics,
        stop: &Stop,
    ) -> Result<Self, RulerError> {
        let Evaluation { external_url, external_labels, .. } = &settings.evaluation;
        let evaluation = &settings.evaluation;
        let roster = Roster::new(RosterOptions {
            interval: evaluation.interval.0,
            concurrency: evaluation.concurrency,
            concurrency_per_tenant: evaluation.concurrency_per_tenant,
            rules_per_tenant_max: evaluation.rules_per_tenant_max,
            rule_budget: Budget {
                alerts: evaluation.alerts_per_rule_max,
                bytes: evaluation.alert_bytes_per_rule_max,
            },
            tenant_budget: Budget {
                alerts: evaluation.alerts_per_tenant_max,
                bytes: evaluation.alert_bytes_per_tenant_max,
            },
            environment: Environment {
                external_labels: external_labels.clone().into_iter().collect(),
                external_url: external_url.clone(),
            },
        });
        let counts = RulerCounts::register(metrics);
        Ok(Self {
            roster,
            client: settings.client()?,
            operator: settings.operator()?,
            name: settings.ruler.clone(),
            limits: Limits {
                query_timeout: evaluation.query_timeout.0,
                group_timeout: evaluation.group_timeout.0,
                samples_max: evaluation.samples_max,
            },
            restore: RestoreOptions {
                outage_tolerance: evaluation.outage_tolerance.0,
                grace: evaluation.grace.0,
            },
            source: Arc::new(source),
            notifier: Notifier::start(
                settings.alertmanagers()?,
                external_labels.clone(),
                counts.notified(),
                stop,
            ),
            counts,
            stop: stop.clone(),
            tasks: JoinSet::new(),
            changed: false,
            tell_at: Instant::now(),
            telling: false,
            told: false,
        })
    }

    async fn follow(&mut self, mut reloads: watch::Receiver<u64>) -> Result<(), RulerError> {
        loop {
            self.start_what_is_due();
            self.counts.set(self.roster.stats());
            let telling = self.telling || !self.has_something_to_tell();
            let again = if self.changed { Duration::ZERO } else { TELL_AGAIN };
            let tell_at = self.tell_at + again;
            tokio::select! {
                ended = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    if let Some(ended) = ended {
                        self.take(ended?);
                    }
                }
                () = crate::sleep_until(self.roster.next_due()) => {}
                () = tokio::time::sleep_until(tell_at), if !telling => self.tell(),
                changed = reloads.changed() => {
                    if changed.is_ok() {
                        self.reload().await;
                    }
                }
                () = self.stop.stopped() => return Ok(()),
            }
        }
    }

    fn start_what_is_due(&mut self) {
        while let Some(due) = self.roster.due(clock::now()) {
            let mut remote = self.remote(due.key.tenant.as_ref());
            let (restore, tells) = (self.restore, !self.notifier.is_idle());
            self.tasks.spawn_blocking(move || {
                let mut done = Box::new(evaluate(due, &mut remote, restore));
                let notifications = if tells && done.group.is_restored() {
                    done.group.notifications(done.at, notify::RESEND)
                } else {
                    Vec::new()
                };
                Ended::Evaluated { done, notifications, written: remote.written }
            });
        }
        for (tenant, samples) in self.roster.take_retired() {
            self.end(Retired { tenant, samples, tries: RETIRE_TRIES, written: false });
        }
    }

    fn remote(&self, tenant: Option<&TenantId>) -> Remote {
        Remote::new(&self.client, tenant, &self.operator, self.limits, self.stop.clone())
    }

    /// Writes the ends of series, and tries again where the aggregator does not answer.
    fn end(&mut self, mut retired: Retired) {
        let mut remote = self.remote(retired.tenant.as_ref());
        let wait = if retired.tries == RETIRE_TRIES { Duration::ZERO } else { RETRY };
        self.tasks.spawn(async move {
            tokio::time::sleep(wait).await;
            let writing = tokio::task::spawn_blocking(move || {
                let written = remote.append(&retired.samples);
                if let Err(error) = &written {
                    tracing::warn!(%error, "ends of series not written");
                }
                retired.written = written.is_ok();
                retired.tries -= 1;
                retired
            });
            match writing.await {
                Ok(retired) => Ended::Retired(retired),
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        });
    }

    fn take(&mut self, ended: Ended) {
        match ended {
            Ended::Evaluated { done, notifications, written } => {
                self.notifier.push(done.key.tenant.as_ref(), &notifications);
                self.counts.written(written);
                self.roster.finish(*done, clock::now());
                self.changed = true;
            }
            Ended::Retired(retired) if retired.written => {}
            Ended::Retired(retired) if retired.tries == 0 || self.stop.is_stopping() => {
                self.counts.lost(retired.samples.len() as u64);
            }
            Ended::Retired(retired) => self.end(retired),
            Ended::Told { took, succeeded } => {
                self.telling = false;
                self.changed |= !succeeded;
                self.tell_at = Instant::now() + TELL_GAP.max(took * TELL_SHARE);
            }
        }
    }

    /// A ruler without rules has nothing to say, unless it had some.
    fn has_something_to_tell(&self) -> bool {
        self.told || !self.roster.is_empty()
    }

    fn tell(&mut self) {
        (self.telling, self.told, self.changed) = (true, true, false);
        let report: RulerReport = self.roster.report();
        let (client, name) = (self.client.clone(), self.name.clone());
        self.tasks.spawn(async move {
            let begun = Instant::now();
            let result = client.tell_rules(&name, &report).await;
            if let Err(error) = &result {
                let error = daemon::telemetry::chain(error);
                tracing::warn!(error, "the aggregator was not told of the rules");
            }
            Ended::Told { took: begun.elapsed(), succeeded: result.is_ok() }
        });
    }

    async fn reload(&mut self) {
        let source = Arc::clone(&self.source);
        let again = tokio::task::spawn_blocking(move || {
            source.reload.as_ref().map(|read| read()).transpose()
        });
        let settings = match again.await {
            Ok(Ok(Some(settings))) => settings,
            Ok(Ok(None)) => return,
            Ok(Err(error)) => return self.refuse(&error),
            Err(error) => return self.refuse(&error.to_string()),
        };
        let loaded = match read(Arc::clone(&self.source), settings).await {
            Ok(specs) => self.load(specs).map_err(RulerError::from),
            Err(error) => Err(error),
        };
        match loaded {
            Ok(()) => tracing::info!("rules reloaded; other settings take effect after a restart"),
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    fn refuse(&self, error: &str) {
        self.counts.reloaded(false);
        tracing::error!(error, "reload refused; the old rules stay");
    }

    fn load(&mut self, specs: load::Specs) -> Result<(), LoadError> {
        self.roster.load(specs, clock::now())?;
        self.counts.reloaded(true);
        (self.changed, self.tell_at) = (true, Instant::now());
        Ok(())
    }
}

/// Reads all files away from the async threads.
async fn read(source: Arc<RuleSource>, settings: Settings) -> Result<load::Specs, RulerError> {
    let reading = move || load::read(&source.folder, &settings.rules);
    Ok(tokio::task::spawn_blocking(reading).await??)
}

fn evaluate(due: Due, remote: &mut Remote, options: RestoreOptions) -> Done {
    let Due { key, mut group, at, restore } = due;
    let outcomes = group.evaluate_on(at, remote);
    if restore && let Err(error) = group.restore(at, remote, options) {
        tracing::warn!(error, group = key.name, "alerts from before the start not read");
    }
    let mut failures = 0;
    for error in outcomes.iter().filter_map(|outcome| outcome.error.as_ref()) {
        failures += 1;
        let tenant = key.tenant.as_ref().map_or("", TenantId::as_str);
        tracing::debug!(%error, file = key.file, group = key.name, tenant, "rule failed");
    }
    Done { key, group, at, took: remote.elapsed(), failures }
}
