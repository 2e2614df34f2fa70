//! What is done on threads that may block: evaluations, ends of series, and reading files again.
//! A panic in any of it ends that piece of work, not the process: others depend on it.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use model::tenant::TenantId;
use rules::{Backend, Done, Due, NewSample, Notification, RestoreOptions};

use super::{RuleSource, load, notify};

/// What an evaluation came to.
pub(super) struct Evaluated {
    pub(super) done: Done,
    pub(super) notifications: Vec<Notification>,
    pub(super) panicked: bool,
}

/// Ends of series that are to be written.
pub(super) struct Retired {
    pub(super) tenant: Option<TenantId>,
    pub(super) samples: Vec<NewSample>,
    pub(super) tries: u32,
    pub(super) written: bool,
}

/// Evaluates a group. After a panic its rules have failed, and it is evaluated again when it is due.
pub(super) fn evaluate(
    due: Due,
    backend: &mut dyn Backend,
    options: RestoreOptions,
    tells: bool,
) -> Evaluated {
    let Due { key, mut group, at, restore } = due;
    let tenant = key.tenant.as_ref().map_or("", TenantId::as_str);
    let work = || {
        let outcomes = group.evaluate_on(at, backend);
        if restore && let Err(error) = group.restore(at, backend, options) {
            tracing::warn!(error, group = key.name, "alerts from before the start not read");
        }
        let mut failures = 0;
        for error in outcomes.iter().filter_map(|outcome| outcome.error.as_ref()) {
            failures += 1;
            tracing::debug!(%error, file = key.file, group = key.name, tenant, "rule failed");
        }
        let notifications = if tells && group.is_restored() {
            group.notifications(at, notify::RESEND)
        } else {
            Vec::new()
        };
        (failures, notifications)
    };
    let evaluated = caught(work);
    let panicked = evaluated.is_err();
    let (failures, notifications) = evaluated.unwrap_or_else(|message| {
        tracing::error!(message, file = key.file, group = key.name, tenant, "evaluation panicked");
        group.fail(at);
        (group.rules().len() as u64, Vec::new())
    });
    let done = Done::new(key, group, at, backend.elapsed(), failures);
    Evaluated { done, notifications, panicked }
}

/// Writes the ends of series.
pub(super) fn retire(mut retired: Retired, backend: &mut dyn Backend) -> Retired {
    retired.tries = retired.tries.saturating_sub(1);
    let written = caught(|| backend.append(&retired.samples).map_err(|error| error.to_string()));
    if let Err(error) = written.and_then(|written| written) {
        tracing::warn!(error, "ends of series not written");
    } else {
        retired.written = true;
    }
    retired
}

/// Reads the configuration and then the rule files again; `None` when there is nothing to read.
pub(super) fn read_again(source: &RuleSource) -> Result<Option<load::Specs>, String> {
    let read = || {
        let Some(read) = source.reload.as_ref() else { return Ok(None) };
        let settings = read()?;
        load::read(&source.folder, &settings.rules).map(Some).map_err(|error| error.to_string())
    };
    caught(read).and_then(|read| read)
}

/// What work gives, or the message of its panic.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // Whatever a piece of work leaves half done is its own.
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| message(payload.as_ref()))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

#[cfg(test)]
mod tests;
