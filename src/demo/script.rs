//! `demo --script`: the whole story without a page, checked step by step.
//!
//! Prints one JSON object: the checks, and for each fault when it was detected, decided on,
//! restarted and recovered. A step that does not happen makes the command fail.

use std::{collections::BTreeSet, time::Duration};

use daemon::control::ControlClient;
use demo::{
    fault::Fault,
    plan::{Outcome, Plan, Story, Timing},
};
use model::event::Event;
use serde::Serialize;
use serde_json::Value;

use super::{faults, stage::Stage, story::Steps};
use crate::exit::{Failure, print};

/// How long the first samples may take.
const FIRST_SAMPLES_MAX: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(200);

#[derive(Serialize)]
struct Report {
    ok: bool,
    placement: String,
    checks: Vec<Check>,
    stories: Vec<StoryReport>,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    found: String,
}

#[derive(Serialize)]
struct StoryReport {
    fault: Fault,
    tenant: String,
    app: String,
    instance: String,
    outcome: Option<Outcome>,
    missing: Vec<&'static str>,
    /// From the injection to the first sign.
    detection_ms: Option<i64>,
    /// From the first sign to the decision.
    decision_ms: Option<i64>,
    /// From the decision to the new process.
    restart_ms: Option<i64>,
    /// From the injection to the proof of health.
    recovery_ms: Option<i64>,
    #[serde(flatten)]
    steps: Steps,
}

/// Runs the script to its end.
pub(super) async fn run(stage: &Stage) -> Result<(), Failure> {
    let operator = stage.local.operator_client()?;
    let mut checks = vec![first_samples(stage, &operator).await?];
    checks.push(latency(&operator).await?);
    for (tenant, token) in &stage.local.tenants {
        checks.push(isolation(&stage.local.client(token)?, tenant.as_str()).await?);
    }
    let plan = Plan::new(stage.fleet.faults(), Timing::SCRIPTED, daemon::clock::now());
    let stories = tokio::select! {
        stories = faults::run(stage, plan) => stories?,
        () = stage.local.until_over() => return Err(Failure::failed("interrupted")),
    };
    // A mended crash loop recovers after its story has ended with a person.
    let events = events_until_settled(&operator, &stories).await?;
    let stories: Vec<StoryReport> =
        stories.iter().map(|story| StoryReport::of(story, &events)).collect();
    checks.push(requests(stage, &operator).await?);
    let ok =
        checks.iter().all(|check| check.ok) && stories.iter().all(|story| story.missing.is_empty());
    let report = Report { ok, placement: stage.placement(), checks, stories };
    let text = serde_json::to_string_pretty(&report)
        .map_err(|error| Failure::failed(format!("cannot print the report: {error}")))?;
    print(&format!("{text}\n"))?;
    if ok {
        Ok(())
    } else {
        Err(Failure::failed("a step of the story did not happen; see the report"))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
fn control(error: daemon::control::ControlError) -> Failure {
    Failure::failed(error.to_string())
}

/// CPU, memory and requests of every instance, within seconds.
async fn first_samples(stage: &Stage, operator: &ControlClient) -> Result<Check, Failure> {
    let wanted: BTreeSet<String> =
        stage.fleet.members.iter().map(|member| member.target.instance.clone()).collect();
    let started = tokio::time::Instant::now();
    let mut missing = String::new();
    while started.elapsed() < FIRST_SAMPLES_MAX {
        missing.clear();
        for metric in [
            "rate(container_cpu_usage_seconds_total[10s])",
            "container_memory_working_set_bytes",
            "probe_success == 1",
        ] {
            let found = instances(&operator.query(metric).await.map_err(control)?);
            let absent: Vec<_> = wanted.difference(&found).cloned().collect();
            if !absent.is_empty() {
                missing.push_str(&format!("{metric} of {}; ", absent.join(", ")));
            }
        }
        let apps =
            operator.query("sum by (tenant, app) (istio_requests_total)").await.map_err(control)?;
        let served = apps["result"].as_array().map_or(0, Vec::len);
        if missing.is_empty() && served == stage.fleet.apps().len() {
            let found = format!("after {} ms", started.elapsed().as_millis());
            return Ok(Check { name: "first samples of every instance", ok: true, found });
        }
        tokio::time::sleep(LOOK).await;
    }
    let found = format!("missing: {missing}");
    Ok(Check { name: "first samples of every instance", ok: false, found })
}

fn instances(data: &Value) -> BTreeSet<String> {
    let elements = data["result"].as_array().into_iter().flatten();
    elements
        .filter_map(|element| element["metric"]["instance"].as_str().map(str::to_owned))
        .collect()
}

/// Latency quantiles can be asked for.
async fn latency(operator: &ControlClient) -> Result<Check, Failure> {
    let query = "histogram_quantile(0.95, sum(rate(istio_request_duration_milliseconds[30s])))";
    let started = tokio::time::Instant::now();
    loop {
        let data = operator.query(query).await.map_err(control)?;
        let millis =
            data["result"][0]["value"][1].as_str().and_then(|text| text.parse::<f64>().ok());
        let ok = millis.is_some_and(|millis| millis > 0.0 && millis < 60_000.0);
        if ok || started.elapsed() > FIRST_SAMPLES_MAX {
            let found = millis.map_or("nothing".to_owned(), |millis| format!("{millis:.2} ms"));
            return Ok(Check { name: "95th percentile of latency", ok, found });
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// A customer's token sees that customer's apps and no other's.
async fn isolation(customer: &ControlClient, tenant: &str) -> Result<Check, Failure> {
    let own = customer.query("count(probe_success)").await.map_err(control)?;
    let sees_own = own["result"].as_array().is_some_and(|found| !found.is_empty());
    let labelled = customer.query("count by (tenant) (probe_success)").await.map_err(control)?;
    let leaked = labelled.to_string().contains("\"tenant\"");
    let page = customer.newest_events().await.map_err(control)?;
    let foreign = page.events.iter().filter(|event| event.target.tenant.as_str() != tenant).count();
    let ok = sees_own && !leaked && foreign == 0 && !page.events.is_empty();
    let found = format!("{tenant}: own series {sees_own}, {foreign} events of others");
    Ok(Check { name: "a customer sees only its own", ok, found })
}

/// What was counted is what the users met.
async fn requests(stage: &Stage, operator: &ControlClient) -> Result<Check, Failure> {
    let met: u64 = stage.traffic.counts().iter().map(|(_, _, app)| app.answered()).sum();
    // Each app's counters arrive a tick later; by then they are at least what was met before.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let data = operator.query("sum(istio_requests_total)").await.map_err(control)?;
    let counted = data["result"][0]["value"][1].as_str().and_then(|text| text.parse::<f64>().ok());
    let reported = stage.proxy.stats().reported as f64;
    let ok = counted.is_some_and(|counted| met as f64 <= counted && counted <= reported);
    let found = format!("{counted:?} counted, {met} met before, {reported} passed the proxy");
    Ok(Check { name: "requests counted are requests served", ok, found })
}

/// The timeline, once every story is complete or has had its time.
async fn events_until_settled(
    operator: &ControlClient,
    stories: &[Story],
) -> Result<Vec<Event>, Failure> {
    let started = tokio::time::Instant::now();
    loop {
        let events = operator.newest_events().await.map_err(control)?.events;
        let complete =
            stories.iter().all(|story| StoryReport::of(story, &events).missing.is_empty());
        if complete || started.elapsed() > Timing::SCRIPTED.story_max {
            return Ok(events);
        }
        tokio::time::sleep(LOOK).await;
    }
}

impl StoryReport {
    fn of(story: &Story, events: &[Event]) -> Self {
        let own = events.iter().filter(|event| event.target == story.target);
        let steps = Steps::read(story.injected_at, own);
        let missing = match story.fault {
            Fault::CrashLoop => steps.missing_for_quarantine(),
            _ => steps.missing_for_recovery(),
        };
        let between = |from: Option<i64>, to: Option<i64>| Some(to? - from?);
        Self {
            fault: story.fault,
            tenant: story.target.tenant.to_string(),
            app: story.target.app.clone(),
            instance: story.target.instance.clone(),
            outcome: story.outcome,
            missing,
            detection_ms: between(Some(steps.injected), steps.detected),
            decision_ms: between(steps.detected, steps.decided),
            restart_ms: between(steps.decided, steps.restarted),
            recovery_ms: between(Some(steps.injected), steps.recovered),
            steps,
        }
    }
}
