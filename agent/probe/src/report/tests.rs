//! Tests of the words and details of transitions.

use model::{event::Target, tenant::TenantId};

use super::*;
use crate::{
    outcome::{Class, Phases},
    spec::{Draft, HttpGet, Purpose},
};

fn id() -> ProbeId {
    let target = Target {
        tenant: TenantId::new("acme").expect("valid"),
        app: "shop".to_owned(),
        component: String::new(),
        instance: "shop-0".to_owned(),
        node: "n1".to_owned(),
    };
    ProbeId { target, probe: "liveness".to_owned() }
}

fn spec(check: Check) -> Spec {
    Spec::new(Draft::new(Purpose::Liveness, check)).expect("valid")
}

fn outcome(verdict: Verdict, message: &str) -> Outcome {
    Outcome {
        verdict,
        message: message.to_owned(),
        duration: Duration::from_millis(500),
        phases: Phases::default(),
        status: None,
        body_bytes: 0,
        redirects: 0,
        address: Some([10, 0, 0, 1].into()),
        fresh: true,
    }
}

#[test]
fn a_failure_says_what_how_often_and_since_when() {
    let get = Check::Http(HttpGet::new(8080, "/healthz"));
    let outcome = outcome(Verdict::Failure(Class::Timeout), "no answer within 500ms");
    // 2023-11-14 22:13:20 UTC
    let first = Timestamp(1_700_000_000_250);
    let change = Change::Failed { failures: 3, first };
    let now = Timestamp(first.millis() + 1234);
    let event = event(&id(), &spec(get), 7, (change, false), &outcome, now);
    assert_eq!(event.kind, EventKind::ProbeFailed);
    assert_eq!(
        event.reason,
        "GET /healthz: no answer within 500ms (3 failures in 1.2 s, first at 22:13:20.250 UTC)"
    );
    assert_eq!((event.run(), event.time), (7, now));
    let detail = |name: &str| event.details.get(name).map(String::as_str);
    assert_eq!(detail("probe"), Some("liveness"));
    assert_eq!(detail("class"), Some("timeout"));
    assert_eq!(detail("failures"), Some("3"));
    assert_eq!(detail("first_failure"), Some("1700000000250"));
    assert_eq!(detail("address"), Some("10.0.0.1 port 8080"));
    assert_eq!(detail("duration_ms"), Some("500"));
    assert_eq!(detail("flapping"), None);
}

#[test]
fn one_failure_is_not_counted_out() {
    let outcome = outcome(Verdict::Failure(Class::Refused), "connection refused");
    let change = Change::Failed { failures: 1, first: Timestamp(0) };
    let spec = spec(Check::Tcp { port: 5432 });
    let event = event(&id(), &spec, 1, (change, true), &outcome, Timestamp(0));
    assert_eq!(event.reason, "TCP port 5432: connection refused");
    assert_eq!(event.details.get("flapping").map(String::as_str), Some("true"));
}

#[test]
fn a_recovery_says_after_what() {
    let spec = spec(Check::Http(HttpGet::new(80, "/")));
    let outcome = Outcome { status: Some(200), ..outcome(Verdict::Success, "") };
    let tell = |failing_since| {
        let change = Change::Recovered { successes: 1, failing_since };
        event(&id(), &spec, 2, (change, false), &outcome, Timestamp(180_000))
    };
    let event = tell(Some(Timestamp(0)));
    assert_eq!(event.kind, EventKind::ProbeRecovered);
    assert_eq!(event.reason, "GET /: answers again, 3 min after the first failure");
    assert_eq!(event.details.get("status").map(String::as_str), Some("200"));
    assert_eq!(tell(None).reason, "GET /: answers again");
}

#[test]
fn any_time_can_be_written() {
    assert_eq!(clock_time(Timestamp(-1)), "23:59:59.999");
    assert_eq!(clock_time(Timestamp(i64::MIN)).len(), 12);
    assert_eq!(clock_time(Timestamp(i64::MAX)).len(), 12);
    assert_eq!(human(Duration::MAX).split(' ').next_back(), Some("min"));
}
