//! Reloads.

use daemon::{metrics::Metrics, stop::Stop};
use tokio::sync::mpsc;

use super::{Jobs, Reload, follow};

#[tokio::test]
async fn who_asks_for_a_reload_hears_that_it_was_refused() {
    let stop = Stop::default();
    let (updates, _updates) = mpsc::channel(1);
    let (changes, _changes) = mpsc::channel(1);
    let jobs = Jobs::new(updates, changes, stop.clone());
    let read: Reload = Some(Box::new(|| Err("no such file".to_owned())));
    let following = follow(jobs, read, stop.reloads(), &Metrics::default());
    let asked = async {
        let outcome = stop.reloaded(stop.reload()).await;
        stop.stop();
        outcome
    };
    let ((), outcome) = tokio::join!(following, asked);
    assert_eq!(outcome, Err("no such file".to_owned()));
}
