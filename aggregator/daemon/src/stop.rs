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
    /// The newest reload that is done with, and how it went.
    reloaded: watch::Sender<(u64, Result<(), String>)>,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            stopping: watch::Sender::new(false),
            reloads: watch::Sender::new(0),
            reloaded: watch::Sender::new((0, Ok(()))),
        }
    }
}

/// What SIGHUP means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnHangup {
    /// For daemons that have something to read again.
    Reload,
    /// For everything else: the terminal is gone.
    Stop,
}

/// The exit code of a process that a second signal ends at once, as shells have it for SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

impl Stop {
    /// Stops on SIGTERM and SIGINT; a second one ends the process at once. Needs a running runtime.
    pub fn on_signals(&self, on_hangup: OnHangup) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let stop = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => break,
                    _ = interrupt.recv() => break,
                    _ = hangup.recv() => match on_hangup {
                        OnHangup::Reload => {
                            stop.reload();
                        }
                        OnHangup::Stop => break,
                    },
                    () = stop.stopped() => break,
                }
            }
            tracing::info!("stopping");
            stop.stop();
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            exit_now();
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

    /// Asks for a reload and returns its number.
    pub fn reload(&self) -> u64 {
        let mut number = 0;
        self.reloads.send_modify(|count| {
            *count += 1;
            number = *count;
        });
        number
    }

    /// Says how the reload of a number, and with it all before, went.
    pub fn finish_reload(&self, number: u64, result: Result<(), String>) {
        drop(self.reloaded.send_replace((number, result)));
    }

    /// Returns once a reload is done with.
    pub async fn reloaded(&self, number: u64) -> Result<(), String> {
        let mut reloaded = self.reloaded.subscribe();
        match reloaded.wait_for(|(done, _)| *done >= number).await {
            Ok(done) => done.1.clone(),
            // The sender lives in `self`, so waiting cannot fail.
            Err(error) => Err(error.to_string()),
        }
    }

    /// A receiver that changes with each reload; its value is the number of the newest.
    pub fn reloads(&self) -> watch::Receiver<u64> {
        self.reloads.subscribe()
    }
}

#[expect(clippy::exit, reason = "asked twice: whoever asks does not want to wait any longer")]
fn exit_now() {
    std::process::exit(EXIT_INTERRUPTED);
}
