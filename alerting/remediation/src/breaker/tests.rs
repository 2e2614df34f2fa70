//! Tests of the breaker's states.

use super::*;

const QUIET: Duration = Duration::from_secs(60);
const CALM: Signs = Signs { tripped: false, calm: true };
const TRIPPED: Signs = Signs { tripped: true, calm: false };
const FAILING: Signs = Signs { tripped: false, calm: false };

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1000)
}

#[test]
fn the_way_through_all_states() {
    let mut breaker = Breaker::default();
    let mut step = |signs, seconds, change, state| {
        assert_eq!(breaker.update(signs, QUIET, at(seconds)), change, "at {seconds}");
        assert_eq!(breaker.state(), state, "at {seconds}");
    };
    let open = |seconds| BreakerState::Open { until: at(seconds) };
    step(CALM, 0, None, BreakerState::Closed);
    step(FAILING, 1, None, BreakerState::Closed);
    step(TRIPPED, 10, Some(Change::Opened), open(70));
    step(TRIPPED, 20, None, open(80));
    step(CALM, 30, None, open(80));
    step(FAILING, 79, None, open(80));
    step(FAILING, 80, None, BreakerState::HalfOpen);
    step(FAILING, 90, None, BreakerState::HalfOpen);
    step(TRIPPED, 100, None, open(220));
    step(CALM, 220, Some(Change::Closed), BreakerState::Closed);
    step(TRIPPED, 300, Some(Change::Opened), open(360));
}

#[test]
fn each_failed_trial_holds_longer_up_to_ten_times() {
    let mut breaker = Breaker::default();
    breaker.action_failed(QUIET, at(0));
    assert_eq!(breaker.state(), BreakerState::Closed, "only a trial counts");
    breaker.update(TRIPPED, QUIET, at(0));
    let mut now = 60;
    for hold in [120, 240, 480, 600, 600] {
        breaker.update(FAILING, QUIET, at(now));
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        breaker.action_failed(QUIET, at(now));
        now += hold;
        assert_eq!(breaker.state(), BreakerState::Open { until: at(now) });
    }
}
