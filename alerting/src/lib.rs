//! The alerting daemon: follows the timeline, decides by `remediation`, records each decision and
//! sends its command; and evaluates rules ([`ruler`]).
//!
//! It keeps nothing of its own: everything it must remember is on the timeline, which it replays
//! when it starts, or in the series of alerts. It talks to the aggregator through the control API and to nobody else, so it
//! runs in the aggregator's process, beside it, or elsewhere, all the same.

pub mod config;
mod metrics;
mod remediate;
pub mod ruler;

use daemon::{admin::Readiness, clock, metrics::Metrics, stop::Stop};
use model::time::Timestamp;

pub use remediate::StartError;
pub use ruler::{Reload, RuleSource};

use config::Settings;

/// Follows the timeline and evaluates rules until `stop`. Returns early only when the settings or the
/// first rule files are wrong, or the aggregator refuses the token.
pub async fn run(
    settings: &Settings,
    rules: RuleSource,
    metrics: &Metrics,
    readiness: &Readiness,
    stop: &Stop,
) -> Result<(), StartError> {
    let remediating = remediate::run(settings, metrics, readiness, stop);
    let ruling = async { Ok(ruler::run(settings, rules, metrics, stop).await?) };
    tokio::try_join!(remediating, ruling).map(|((), ())| ())
}

/// Sleeps until a moment of the wall clock; for ever when there is none.
async fn sleep_until(at: Option<Timestamp>) {
    match at {
        Some(at) => tokio::time::sleep(at.since(clock::now())).await,
        None => std::future::pending().await,
    }
}
