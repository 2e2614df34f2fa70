//! Tells Alertmanagers of alerts that fire and that ended. Each has a queue of its own, so that one
//! that hangs holds no other up. A request that fails is not repeated: rules tell of each alert again
//! every minute.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use daemon::{
    alertmanager::{Alertmanager, PostedAlert},
    stop::Stop,
};
use model::{tenant::TenantId, time::Timestamp};
use rules::{Notification, Outbox};
use tokio::sync::Notify;

/// How often an alert that lasts is told of again.
pub(super) const RESEND: Duration = Duration::from_mins(1);

/// Counts of all Alertmanagers together.
#[derive(Debug, Default)]
pub(crate) struct Notified {
    pub(crate) sent: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

/// All Alertmanagers. Clones are the same.
#[derive(Clone)]
pub(super) struct Notifier {
    boxes: Vec<Arc<Mailbox>>,
    urls: Arc<[String]>,
    external_labels: Arc<BTreeMap<String, String>>,
    counts: Arc<Notified>,
}

#[derive(Default)]
struct Mailbox {
    /// By tenant, `None` for operators.
    waiting: Mutex<Outbox<Option<TenantId>, PostedAlert>>,
    filled: Notify,
}

impl Notifier {
    /// Sends from now on until `stop`.
    pub(super) fn start(
        alertmanagers: Vec<Alertmanager>,
        external_labels: BTreeMap<String, String>,
        counts: Arc<Notified>,
        stop: &Stop,
    ) -> Self {
        let start = |alertmanager: Alertmanager| {
            let mailbox = Arc::<Mailbox>::default();
            let (from, counts, stop) = (Arc::clone(&mailbox), Arc::clone(&counts), stop.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = send(&alertmanager, &from, &counts) => {}
                    () = stop.stopped() => {}
                }
            });
            mailbox
        };
        let urls = alertmanagers.iter().map(|it| it.url().to_owned()).collect();
        let boxes = alertmanagers.into_iter().map(start).collect();
        Self { boxes, urls, external_labels: Arc::new(external_labels), counts }
    }

    /// Where all are, without secrets.
    pub(super) fn urls(&self) -> Vec<String> {
        self.urls.to_vec()
    }

    /// Whether there is nobody to tell.
    pub(super) fn is_idle(&self) -> bool {
        self.boxes.is_empty()
    }

    /// Queues alerts of a tenant's rules, or of operators'.
    pub(super) fn push(&self, tenant: Option<&TenantId>, notifications: &[Notification]) {
        let owner = tenant.cloned();
        let alerts: Vec<(usize, PostedAlert)> = notifications
            .iter()
            .filter_map(|notification| posted(notification, tenant, &self.external_labels))
            .map(|alert| (size(&alert), alert))
            .collect();
        for mailbox in &self.boxes {
            let mut waiting = mailbox.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let before = waiting.dropped();
            alerts.iter().for_each(|(size, alert)| waiting.push(&owner, *size, alert.clone()));
            self.counts.dropped.fetch_add(waiting.dropped() - before, Ordering::Relaxed);
            mailbox.filled.notify_one();
        }
    }
}

async fn send(alertmanager: &Alertmanager, from: &Mailbox, counts: &Notified) {
    loop {
        let batch = from.waiting.lock().unwrap_or_else(PoisonError::into_inner).batch();
        if batch.is_empty() {
            from.filled.notified().await;
            continue;
        }
        let count = batch.len() as u64;
        match alertmanager.post(&batch).await {
            Ok(()) => counts.sent.fetch_add(count, Ordering::Relaxed),
            Err(error) => {
                let error = daemon::telemetry::chain(&error);
                tracing::warn!(error, url = alertmanager.url(), count, "alerts not told");
                counts.failed.fetch_add(count, Ordering::Relaxed)
            }
        };
    }
}

/// An alert as Alertmanager takes it: with the tenant among its labels, and with external labels that
/// it has not itself. `None` for one that never fired.
fn posted(
    notification: &Notification,
    tenant: Option<&TenantId>,
    external: &BTreeMap<String, String>,
) -> Option<PostedAlert> {
    let alert = &notification.alert;
    let mut labels = external.clone();
    labels.extend(alert.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
    if let Some(tenant) = tenant {
        labels.insert("tenant".to_owned(), tenant.to_string());
    }
    Some(PostedAlert {
        labels,
        annotations: alert.annotations.iter().cloned().collect(),
        starts_at: rfc3339(alert.fired_at?),
        ends_at: rfc3339(alert.resolved_at.unwrap_or(notification.valid_until)),
    })
}

/// Bytes of an alert's names and texts, and of what surrounds them.
fn size(alert: &PostedAlert) -> usize {
    let texts = alert.labels.iter().chain(&alert.annotations);
    texts.map(|(name, text)| name.len() + text.len() + 48).sum::<usize>() + 256
}

fn rfc3339(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.millis()).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests;
