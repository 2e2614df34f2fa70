//! Graceful stop and reload: signals become values that tasks wait for.

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Says when to stop and when to reload. Clones see the same.
#[derive(Clone, Debug)]
pub struct Stop {
    stopping: watch::Sender<bool>,
    reloads: watch::Sender<u64>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { stopping: watch::Sender::new(false), reloads: watch::Sender::new(0) }
    }
}

impl Stop {
    /// Stops on SIGTERM and SIGINT, reloads on SIGHUP. Needs a running runtime.
    pub fn on_signals(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let stop = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => break,
                    _ = interrupt.recv() => break,
                    _ = hangup.recv() => stop.reload(),
                    () = stop.stopped() => return,
                }
            }
            tracing::info!("stopping");
            stop.stop();
        });
        Ok(())
    }

    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Returns once the daemon should stop.
    pub async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        if stopping.wait_for(|stopping| *stopping).await.is_err() {
            tracing::error!("the stop signal was lost");
        }
    }

    pub fn reload(&self) {
        self.reloads.send_modify(|count| *count += 1);
    }

    /// A receiver that changes with each reload.
    pub fn reloads(&self) -> watch::Receiver<u64> {
        self.reloads.subscribe()
    }
}
