//! Asking again and again.

use std::time::Duration;

use daemon::stop::Stop;
use scrape::group::Group;
use tokio::time::MissedTickBehavior;

use crate::Outlet;

/// Something that is asked regularly.
pub(crate) trait Source: Send {
    /// What there is now; `None` when that cannot be known or has not changed.
    fn ask(&mut self) -> impl Future<Output = Option<Vec<Group>>> + Send;
}

/// Asks at once and then every `interval`, until `stop`.
pub(crate) async fn run(mut source: impl Source, outlet: Outlet, interval: Duration, stop: Stop) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _tick = ticks.tick() => {}
            () = stop.stopped() => return,
        }
        let found = tokio::select! {
            found = source.ask() => found,
            () = stop.stopped() => return,
        };
        if let Some(groups) = found
            && !outlet.send(groups).await
        {
            return;
        }
    }
}
