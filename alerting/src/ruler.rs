//! The loop around [`rules::Roster`]: reads rule files, evaluates what is due on threads that may
//! block, writes what rules give, and tells the aggregator what became of them.

mod load;
pub(crate) mod notify;
mod remote;
mod tell;
mod work;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use daemon::{clock, control::ControlClient, metrics::Metrics, stop::Stop};
use model::tenant::TenantId;
use rules::{Budget, Environment, RestoreOptions, Roster, RosterOptions};
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
use work::{Evaluated, Retired};

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
    #[error("rule files were not read: {0}")]
    Task(#[from] JoinError),
}

/// What one task came to.
enum Ended {
    Evaluated {
        evaluated: Box<Evaluated>,
        written: u64,
    },
    Retired(Retired),
    Told {
        took: Duration,
        succeeded: bool,
    },
    /// The reload of a number read this, or nothing as there is nothing to read.
    Read {
        number: u64,
        read: Result<Option<load::Specs>, String>,
    },
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
    reloading: bool,
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
            reloading: false,
        })
    }

    async fn follow(&mut self, mut reloads: watch::Receiver<u64>) -> Result<(), RulerError> {
        loop {
            self.start_what_is_due();
            self.counts.set(self.roster.stats());
            let telling = self.telling || !self.has_something_to_tell();
            let again = if self.changed { Duration::ZERO } else { tell::AGAIN };
            let tell_at = self.tell_at + again;
            tokio::select! {
                ended = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    match ended {
                        Some(Ok(ended)) => self.take(ended),
                        // Tasks catch their panics, so there is nothing that would not come back.
                        Some(Err(error)) => tracing::error!(%error, "a task of the ruler failed"),
                        None => {}
                    }
                }
                () = crate::sleep_until(self.roster.next_due()) => {}
                () = tokio::time::sleep_until(tell_at), if !telling => self.tell(),
                changed = reloads.changed(), if !self.reloading => {
                    if changed.is_ok() {
                        let number = *reloads.borrow_and_update();
                        self.reload(number);
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
            let notifier = self.notifier.clone();
            self.tasks.spawn_blocking(move || {
                let tenant = due.key.tenant.clone();
                let mut evaluated = work::evaluate(due, &mut remote, restore, tells);
                let notifications = std::mem::take(&mut evaluated.notifications);
                notifier.push(tenant.as_ref(), &notifications);
                Ended::Evaluated { evaluated: Box::new(evaluated), written: remote.written }
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
    fn end(&mut self, retired: Retired) {
        let mut remote = self.remote(retired.tenant.as_ref());
        let wait = if retired.tries == RETIRE_TRIES { Duration::ZERO } else { RETRY };
        self.tasks.spawn(async move {
            tokio::time::sleep(wait).await;
            let samples = retired.samples.len();
            let writing = tokio::task::spawn_blocking(move || work::retire(retired, &mut remote));
            Ended::Retired(writing.await.unwrap_or_else(|error| {
                tracing::error!(%error, samples, "ends of series not written");
                Retired { tenant: None, samples: Vec::new(), tries: 0, written: false }
            }))
        });
    }

    fn take(&mut self, ended: Ended) {
        match ended {
            Ended::Evaluated { evaluated, written } => {
                self.counts.written(written);
                self.counts.panicked(evaluated.panicked);
                self.roster.finish(evaluated.done, clock::now());
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
                self.tell_at = Instant::now() + tell::pause(took, succeeded);
            }
            Ended::Read { number, read } => self.take_read(number, read),
        }
    }

    /// A ruler without rules and Alertmanagers has nothing to say, unless it had rules.
    fn has_something_to_tell(&self) -> bool {
        self.told || !self.roster.is_empty() || !self.notifier.is_idle()
    }

    fn tell(&mut self) {
        (self.telling, self.told, self.changed) = (true, true, false);
        let (reports, alertmanagers) = (self.roster.reports(), self.notifier.urls());
        let (client, name, stop) = (self.client.clone(), self.name.clone(), self.stop.clone());
        let telling = tokio::spawn(async move {
            // Copying and writing out many alerts takes its time.
            let report = tokio::task::spawn_blocking(move || reports.together());
            let mut report = report.await.map_err(|error| error.to_string())?;
            report.alertmanagers = alertmanagers;
            tokio::select! {
                told = client.tell_rules(&name, &report) => {
                    told.map_err(|error| daemon::telemetry::chain(&error))
                }
                () = stop.stopped() => Err("stopping".to_owned()),
            }
        });
        self.tasks.spawn(async move {
            let begun = Instant::now();
            let told = telling.await.unwrap_or_else(|error| Err(error.to_string()));
            if let Err(error) = &told {
                tracing::warn!(error, "the aggregator was not told of the rules");
            }
            Ended::Told { took: begun.elapsed(), succeeded: told.is_ok() }
        });
    }

    /// Reads everything again, while groups are evaluated as before.
    fn reload(&mut self, number: u64) {
        self.reloading = true;
        let source = Arc::clone(&self.source);
        self.tasks.spawn_blocking(move || Ended::Read { number, read: work::read_again(&source) });
    }

    fn take_read(&mut self, number: u64, read: Result<Option<load::Specs>, String>) {
        self.reloading = false;
        let loaded = match read {
            Ok(Some(specs)) => self.load(specs).map_err(|error| error.to_string()),
            // Another part of the process may have something to read, and says how that went.
            Ok(None) => return,
            Err(error) => Err(error),
        };
        match &loaded {
            Ok(()) => tracing::info!("rules reloaded; other settings take effect after a restart"),
            Err(error) => self.refuse(error),
        }
        self.stop.finish_reload(number, loaded);
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

#[cfg(test)]
mod tests;
