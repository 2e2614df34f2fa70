//! Finished requests, counted between ticks and written as series at each.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{event::Target, tenant::TenantId, time::Timestamp, write::WriteBatch};
use requests::{
    entry::Entry,
    recorder::{Options, Recorder},
};
use tokio::sync::mpsc;

use crate::sources::NodeLabels;

/// One finished request, from a proxy.
#[derive(Clone, Debug)]
pub struct Access {
    /// Who served it.
    pub target: Arc<Target>,
    /// The path with identifiers replaced.
    pub route: String,
    pub method: String,
    /// The response's status.
    pub code: u16,
    pub duration: Duration,
    pub request_bytes: u64,
    pub response_bytes: u64,
}

/// Counts what a proxy reports.
pub(crate) struct Requests {
    accesses: Option<mpsc::Receiver<Access>>,
    recorder: Option<Recorder>,
    batches: BTreeMap<TenantId, WriteBatch>,
}

impl Requests {
    pub(crate) fn new(accesses: Option<mpsc::Receiver<Access>>, labels: &NodeLabels) -> Self {
        let common = labels
            .pairs()
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .chain([("reporter".to_owned(), "destination".to_owned())])
            .collect();
        let recorder = accesses.as_ref().and_then(|_accesses| {
            Recorder::new(Options { common, ..Options::default() })
                .inspect_err(|error| tracing::error!(%error, "requests are not counted"))
                .ok()
        });
        Self { accesses, recorder, batches: BTreeMap::new() }
    }

    /// Counts all requests that have been reported by now.
    pub(crate) fn receive(&mut self) {
        let (Some(accesses), Some(recorder)) = (&mut self.accesses, &mut self.recorder) else {
            return;
        };
        while let Ok(access) = accesses.try_recv() {
            let micros = u64::try_from(access.duration.as_micros()).unwrap_or(u64::MAX);
            recorder.record(&Entry {
                tenant: access.target.tenant.as_str(),
                app: &access.target.app,
                component: &access.target.component,
                instance: &access.target.instance,
                route: &access.route,
                method: &access.method,
                code: access.code,
                duration_micros: Some(micros),
                request_bytes: Some(access.request_bytes),
                response_bytes: Some(access.response_bytes),
                connection: false,
            });
        }
    }

    /// Appends the totals as of `now`.
    pub(crate) fn write(&mut self, now: Timestamp, batch: &mut WriteBatch) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        recorder.flush(now, &mut self.batches);
        for (tenant, own) in &mut self.batches {
            batch.append_labelled(own, "tenant", tenant.as_str());
            own.clear();
        }
    }
}
