//! Tests of arrivals and requests.

use model::tenant::TenantId;

use super::*;

fn users(personality: Personality, rate: f64, seed: u64) -> Users {
    let tenant = TenantId::new("acme").unwrap();
    Users::new(&AppProfile { tenant, app: "shop".into(), personality, rate }, seed, 0)
}

/// How many come within `time`.
fn arrivals(users: &mut Users, time: Duration) -> usize {
    let mut at = Duration::ZERO;
    let mut count = 0;
    loop {
        at += users.gap(at);
        if at > time {
            return count;
        }
        count += 1;
    }
}

#[test]
fn whole_waves_have_the_mean_rate() {
    for rate in [1.0, 14.0] {
        let waves = 40;
        let count = arrivals(&mut users(Personality::Shop, rate, 3), WAVE * waves);
        let expect = rate * WAVE.as_secs_f64() * f64::from(waves);
        assert!((count as f64 / expect - 1.0).abs() < 0.05, "{count} of {expect}");
    }
}

#[test]
fn the_rate_swings_within_bounds() {
    let users = users(Personality::Api, 10.0, 1);
    let rates: Vec<f64> = (0..900).map(|t| users.rate_at(Duration::from_millis(t * 100))).collect();
    let (low, high) =
        (rates.iter().copied().fold(f64::MAX, f64::min), rates.iter().copied().fold(0.0, f64::max));
    assert!((6.99..7.01).contains(&low) && (12.99..13.01).contains(&high), "{low} {high}");
}

#[test]
fn a_rate_of_nothing_is_no_panic() {
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let mut users = users(Personality::Shop, rate, 1);
        assert!((0..100).all(|_| users.gap(Duration::ZERO) <= GAP_MAX));
    }
}

#[test]
fn one_seed_is_one_story_and_has_every_kind_of_request() {
    let ask = |seed| -> Vec<UserRequest> {
        let mut users = users(Personality::Api, 8.0, seed);
        (0..500).map(|_| users.request()).collect()
    };
    assert_eq!(ask(1), ask(1));
    assert_ne!(ask(1), ask(2));
    let asked = ask(1);
    let some = |of: fn(&UserRequest) -> bool| asked.iter().any(of);
    assert!(asked.iter().all(|request| request.path.starts_with("/acme/shop/")));
    assert!(some(|request| request.post));
    assert!(some(|request| request.path.ends_with("/old-page")));
    assert!(some(|request| request.path.contains("/work?ms=")));
    assert!(some(|request| request.path.contains("/items/")));
}
