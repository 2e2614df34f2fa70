//! Tests of what specs accept, and of the two JSON forms.

use proptest::prelude::*;

use super::{app_platform::HealthCheck, kubernetes::Probe, *};

fn http() -> Draft {
    Draft::new(Purpose::Liveness, Check::Http(HttpGet::new(8080, "/healthz")))
}

fn with_get(change: impl FnOnce(&mut HttpGet)) -> Draft {
    let mut get = HttpGet::new(8080, "/healthz");
    change(&mut get);
    Draft { check: Check::Http(get), ..http() }
}

#[test]
fn the_defaults_are_valid() {
    assert!(Spec::new(http()).is_ok());
    assert!(Spec::new(Draft::new(Purpose::Readiness, Check::Tcp { port: 1 })).is_ok());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let check = |draft: Draft, expect: &str| {
        let error = Spec::new(draft.clone()).expect_err(expect).to_string();
        assert!(error.contains(expect), "{error:?} lacks {expect:?}");
    };
    let millis = Duration::from_millis;
    check(Draft { period: millis(99), ..http() }, "period must be 100ms to");
    check(Draft { period: millis(u64::MAX), ..http() }, "period");
    check(Draft { timeout: Duration::ZERO, ..http() }, "timeout must be above zero");
    check(Draft { timeout: millis(300_001), ..http() }, "timeout");
    check(Draft { initial_delay: millis(u64::MAX), ..http() }, "initial_delay");
    check(Draft { failure_threshold: 0, ..http() }, "failure_threshold must be 1 to 1000");
    check(Draft { success_threshold: 1001, ..http() }, "success_threshold");
    check(Draft { success_threshold: 2, ..http() }, "success threshold of a liveness probe");
    check(Draft { recheck: Some(millis(1)), ..http() }, "recheck");
    check(Draft { suffix: "a b".to_owned(), ..http() }, "suffix has a character");
    check(Draft { connection: Connection::Kept { fresh_every: 0 }, ..http() }, "fresh_every");
    check(Draft { check: Check::Tcp { port: 0 }, ..http() }, "port must be 1 to 65535");
    check(with_get(|get| get.path = "healthz".to_owned()), "path must be start with /");
    check(with_get(|get| get.path = "/a b".to_owned()), "path has a character");
    check(with_get(|get| get.path = "/a\r\nX: y".to_owned()), "path has a character");
    check(with_get(|get| get.path = format!("/{}", "a".repeat(PATH_BYTES_MAX))), "path must be at");
    check(with_get(|get| get.host = Some(String::new())), "host must be not empty");
    check(with_get(|get| get.host = Some("a\r\nb".to_owned())), "host has a character");
    let header = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    check(with_get(|get| get.headers = header("a:", "b")), "header name has a character");
    check(with_get(|get| get.headers = header("a", "b\r\nc: d")), "header value has a character");
    check(with_get(|get| get.headers = header("Content-Length", "5")), "frames the request");
    check(
        with_get(|get| get.headers = vec![header("x", "y")[0].clone(); 33]),
        "headers must be at most 32",
    );
    check(with_get(|get| get.status = 99..=200), "status must be a range within 100 to 599");
    check(with_get(|get| get.status = RangeInclusive::new(300, 200)), "status");
    check(with_get(|get| get.body_contains = Some(String::new())), "body_contains");
}

#[test]
fn names_tell_probes_apart() {
    let name =
        |suffix: &str| Spec::new(Draft { suffix: suffix.to_owned(), ..http() }).map(|s| s.name());
    assert_eq!(name("").as_deref(), Ok("liveness"));
    assert_eq!(name("api").as_deref(), Ok("liveness/api"));
}

fn kubernetes(json: &str) -> Result<Spec, String> {
    let probe: Probe = serde_json::from_str(json).map_err(|error| error.to_string())?;
    probe.into_spec(Purpose::Readiness).map_err(|error| error.to_string())
}

#[test]
fn a_kubernetes_probe_has_the_kubelets_defaults() {
    let spec = kubernetes(r#"{"httpGet":{"port":8080}}"#).expect("valid");
    assert_eq!(spec.check, Check::Http(HttpGet::new(8080, "/")));
    assert_eq!(spec.period, Duration::from_secs(10));
    assert_eq!(spec.timeout, Duration::from_secs(1));
    assert_eq!((spec.failure_threshold, spec.success_threshold), (3, 1));
    assert_eq!(spec.initial_delay, Duration::ZERO);
    assert_eq!(spec.recheck, None, "three failures mean three periods, as users expect");
    assert_eq!(spec.connection, Connection::Fresh);
}

#[test]
fn all_fields_of_a_kubernetes_probe_are_read() {
    let spec = kubernetes(
        r#"{"httpGet":{"path":"/ready?x=1","port":80,"scheme":"HTTP","host":"h.example",
            "httpHeaders":[{"name":"X-A","value":"1"},{"name":"Host","value":"other.example"}],
            "expectStatus":"200-204","bodyContains":"ok"},
            "initialDelaySeconds":5,"periodSeconds":2,"timeoutSeconds":3,"successThreshold":2,
            "failureThreshold":4,"terminationGracePeriodSeconds":60,"periodMilliseconds":250,
            "timeoutMilliseconds":200,"recheckMilliseconds":100,"freshEvery":10}"#,
    )
    .expect("valid");
    let expected = HttpGet {
        port: 80,
        path: "/ready?x=1".to_owned(),
        host: Some("other.example".to_owned()),
        headers: vec![("X-A".to_owned(), "1".to_owned())],
        status: 200..=204,
        body_contains: Some("ok".to_owned()),
    };
    assert_eq!(spec.check, Check::Http(expected));
    assert_eq!(spec.initial_delay, Duration::from_secs(5));
    assert_eq!(spec.period, Duration::from_millis(250));
    assert_eq!(spec.timeout, Duration::from_millis(200));
    assert_eq!(spec.recheck, Some(Duration::from_millis(100)));
    assert_eq!(spec.connection, Connection::Kept { fresh_every: 10 });
    assert_eq!((spec.failure_threshold, spec.success_threshold), (4, 2));
}

#[test]
fn what_a_kubernetes_probe_cannot_have_is_refused() {
    let check = |json: &str, expect: &str| {
        let error = kubernetes(json).expect_err(expect);
        assert!(error.contains(expect), "{error:?} lacks {expect:?}");
    };
    check("{}", "exactly one of httpGet and tcpSocket");
    check(r#"{"httpGet":{"port":1},"tcpSocket":{"port":1}}"#, "exactly one");
    check(r#"{"exec":{"command":["ls"]}}"#, "unknown field `exec`");
    check(r#"{"httpGet":{"port":1,"scheme":"HTTPS"}}"#, "a scheme other than HTTP");
    check(r#"{"tcpSocket":{"port":1,"host":"metadata"}}"#, "a host in tcpSocket");
    check(r#"{"httpGet":{"port":1,"expectStatus":"ok"}}"#, "like 200 or 200-299");
    check(r#"{"tcpSocket":{"port":1},"periodSecond":3}"#, "unknown field `periodSecond`");
}

fn app_platform(json: &str) -> Result<Spec, String> {
    let check: HealthCheck = serde_json::from_str(json).map_err(|error| error.to_string())?;
    check.into_spec(Purpose::Liveness, 8080).map_err(|error| error.to_string())
}

#[test]
fn an_app_platform_check_has_its_own_defaults() {
    let spec = app_platform("{}").expect("valid");
    assert_eq!(spec.check, Check::Tcp { port: 8080 });
    assert_eq!(spec.period, Duration::from_secs(10));
    assert_eq!(spec.timeout, Duration::from_secs(1));
    assert_eq!(spec.initial_delay, Duration::from_secs(5));
    assert_eq!((spec.failure_threshold, spec.success_threshold), (18, 1));
    let spec = app_platform(
        r#"{"http_path":"/up","port":9000,"period_seconds":1,"timeout_seconds":2,
            "initial_delay_seconds":0,"failure_threshold":50,"success_threshold":1}"#,
    )
    .expect("valid");
    assert_eq!(spec.check, Check::Http(HttpGet::new(9000, "/up")));
    assert_eq!(spec.failure_threshold, 50);
}

#[test]
fn an_app_platform_check_has_its_own_limits() {
    for (json, expect) in [
        (r#"{"period_seconds":301}"#, "period_seconds must be 1 to 300"),
        (r#"{"timeout_seconds":0}"#, "timeout_seconds must be 1 to 120"),
        (r#"{"failure_threshold":51}"#, "failure_threshold must be 1 to 50"),
        (r#"{"initial_delay_seconds":3601}"#, "initial_delay_seconds must be 0 to 3600"),
        (r#"{"path":"/"}"#, "unknown field `path`"),
    ] {
        let error = app_platform(json).expect_err(expect);
        assert!(error.contains(expect), "{error:?} lacks {expect:?}");
    }
}

proptest! {
    #[test]
    fn no_accepted_request_can_be_split(path in "/[ -~\\r\\n]{0,20}", name in "[ -~\\r\\n]{0,8}", value in "[ -~\\r\\n]{0,8}", host in "[ -~\\r\\n]{0,8}") {
        let draft = with_get(|get| {
            get.path = path;
            get.headers = vec![(name, value)];
            get.host = Some(host);
        });
        if let Ok(spec) = Spec::new(draft) && let Check::Http(get) = &spec.check {
            let address = crate::prober::Address::Name("x".to_owned());
            let bytes = crate::http::request(get, &get.path, &address, "agent", false);
            let mut headers = [httparse::EMPTY_HEADER; 16];
            let mut request = httparse::Request::new(&mut headers);
            let parsed = request.parse(&bytes);
            prop_assert_eq!(parsed, Ok(httparse::Status::Complete(bytes.len())));
            prop_assert_eq!(request.path, Some(get.path.as_str()));
            prop_assert!(request.headers.len() <= 5);
        }
    }
}
