//! Carries out the plan: injects each fault, says so on the timeline, and plays the person who
//! mends what restarts could not.

use std::{collections::BTreeMap, time::Duration};

use demo::{
    fault,
    plan::{Injection, Plan, Step, Story},
};
use model::{
    event::{Event, EventKind, Target},
    time::Timestamp,
};

use super::stage::Stage;
use crate::exit::Failure;

/// How often the plan is looked at when nothing happens.
const LOOK: Duration = Duration::from_millis(200);

/// Runs the plan to its end and returns its stories.
pub(super) async fn run(stage: &Stage, mut plan: Plan) -> Result<Vec<Story>, Failure> {
    let control = |error: daemon::control::ControlError| Failure::failed(error.to_string());
    let reader = stage.local.operator_client()?;
    let writer = stage.local.agent_client()?;
    let mut last = reader.newest_events().await.map_err(control)?.last;
    while !plan.is_finished() {
        let page = reader.events_after(last, LOOK).await.map_err(control)?;
        last = page.last;
        let now = daemon::clock::now();
        let Some(Injection { target, step }) = plan.poll(now, &page.events) else {
            continue;
        };
        let Some(member) = stage.fleet.member(&target) else {
            return Err(Failure::failed(format!(
                "the plan names {}, which is not there",
                target.instance
            )));
        };
        match step {
            Step::Inject(fault) => {
                // Said before it is done, so that nothing it causes can come before it.
                let event = injected(&target, &fault.to_string(), now);
                writer.append_events(&[event]).await.map_err(control)?;
                if let Err(error) = fault::inject(member, fault).await {
                    tracing::error!(%error, %fault, instance = target.instance, "fault not injected");
                    plan.not_injected(daemon::clock::now());
                }
            }
            Step::Clear => {
                fault::clear(member)
                    .await
                    .map_err(|error| Failure::failed(format!("cannot end a fault: {error}")))?;
                reader.resume(&target).await.map_err(control)?;
            }
        }
    }
    Ok(plan.stories().to_vec())
}

fn injected(target: &Target, fault: &str, now: Timestamp) -> Event {
    Event {
        id: 0,
        time: now,
        kind: EventKind::FaultInjected,
        target: target.clone(),
        reason: format!("the demo injects a fault: {}", fault.replace('_', " ")),
        incident: String::new(),
        details: BTreeMap::from([("fault".to_owned(), fault.to_owned())]),
    }
}
