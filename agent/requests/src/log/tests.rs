//! Tests of access-log lines, from proxies and from nobody.

use proptest::prelude::*;

use super::{Fields, Format, LINE_BYTES_MAX, LogError, LogLine, Owner, scaled, syslog};
use crate::{
    entry::Entry,
    recorder::{Options, Recorded, Recorder},
};

fn parse(line: &str) -> Result<LogLine<'_>, LogError> {
    LogLine::parse(line, Format::Auto, &Fields::default())
}

fn route(line: &LogLine<'_>) -> String {
    line.route(&mut String::new()).to_owned()
}

#[test]
fn nginx_json() {
    // As nginx 1.22.1 writes it for `log_format j escape=json '{"time":"$time_iso8601",…}'`.
    let line = r#"{"time":"2026-11-23T15:14:45+00:00","host":"shop.example","request_method":"GET","request_uri":"/cart/42?x=1","status":"200","request_time":"0.012","body_bytes_sent":"6","request_length":"87","upstream_response_time":""}"#;
    let expect = LogLine {
        authority: "shop.example".into(),
        method: "GET".into(),
        path: "/cart/42?x=1".into(),
        code: 200,
        duration_micros: Some(12_000),
        request_bytes: Some(87),
        response_bytes: Some(6),
        ..LogLine::default()
    };
    assert_eq!(parse(line), Ok(expect.clone()));
    let hostile = r#"{"time":"2026-11-23T15:14:57+00:00","host":"x","request_method":"GET","request_uri":"/a\"b","status":"200","request_time":"0.000","body_bytes_sent":"6","request_length":"49","upstream_response_time":""}"#;
    assert_eq!(parse(hostile).expect("is a line").path, "/a\"b");
    let no_request = r#"{"time":"2026-11-23T15:14:57+00:00","host":"","request_method":"","request_uri":"","status":"400","request_time":"0.003","body_bytes_sent":"157","request_length":"0","upstream_response_time":""}"#;
    let no_request = parse(no_request).expect("is a line");
    assert_eq!((no_request.code, no_request.duration_micros), (400, Some(3_000)));
    assert_eq!((&*no_request.method, &*route(&no_request)), ("", "/"));
    let syslog = format!("<190>Nov 23 11:30:03 ng: {line}\n");
    assert_eq!(parse(syslog::payload(&syslog)), Ok(expect.clone()));
    assert_eq!(route(&expect), "/cart/:id");
}

#[test]
fn envoy_json() {
    let line = r#"{"authority":"shop.example","bytes_received":0,"bytes_sent":1234,"duration":5,"method":"POST","path":"/pay","protocol":"HTTP/2","response_code":503,"response_flags":"UH","route_name":"pay-route","start_time":"2026-11-23T11:30:03.123Z","upstream_cluster":"outbound|80||shop.acme.svc.cluster.local","requested_server_name":null,"extra":{"nested":[1,2,{"a":"b"}]}}"#;
    let parsed = parse(line).expect("is a line");
    let expect = LogLine {
        authority: "shop.example".into(),
        upstream_cluster: "outbound|80||shop.acme.svc.cluster.local".into(),
        route_name: "pay-route".into(),
        response_flags: "UH".into(),
        method: "POST".into(),
        path: "/pay".into(),
        code: 503,
        duration_micros: Some(5_000),
        request_bytes: Some(0),
        response_bytes: Some(1234),
        ..LogLine::default()
    };
    assert_eq!(parsed, expect);
    let owner = Owner { tenant: "acme", app: "shop", ..Owner::default() };
    let route = route(&parsed);
    let entry = Entry {
        tenant: "acme",
        app: "shop",
        route: "pay-route",
        method: "POST",
        code: 503,
        duration_micros: Some(5_000),
        request_bytes: Some(0),
        response_bytes: Some(1234),
        ..Entry::default()
    };
    assert_eq!(parsed.entry(owner, &route), entry);
    let mut recorder = Recorder::new(Options::default()).expect("are valid options");
    assert_eq!(recorder.record(&entry), Recorded::Counted);
}

#[test]
fn fields_are_found_by_the_names_that_the_caller_gave() {
    let fields = Fields {
        tenant: "customer".to_owned(),
        app: "host".to_owned(),
        component: String::new(),
        instance: "pod".to_owned(),
    };
    let line = r#"{"Customer":"acme","host":"shop.example","pod":7,"":"x","status":200}"#;
    let parsed = LogLine::parse(line, Format::Json, &fields).expect("is a line");
    assert_eq!(parsed.named, ["acme", "shop.example", "", "7"]);
    assert_eq!(parsed.authority, "shop.example", "a known name stays known");
}

#[test]
fn the_format_is_what_the_operator_says() {
    let fields = Fields::default();
    let line = r#"{"status":200}"#;
    assert_eq!(LogLine::parse(line, Format::Combined, &fields), Err(LogError::Combined));
    let line = r#"::1 - - [t] "GET / HTTP/1.1" 200 5"#;
    assert_eq!(LogLine::parse(line, Format::Json, &fields), Err(LogError::Json));
    assert!(LogLine::parse(line, Format::Combined, &fields).is_ok());
}

#[test]
fn combined() {
    for (line, method, path, code, micros, bytes) in [
        (
            r#"192.0.2.1 - ann [10/Oct/2000:13:55:36 -0700] "GET /a/b HTTP/1.1" 200 2326 "http://x/" "curl/8""#,
            "GET",
            "/a/b",
            200,
            None,
            Some(2326),
        ),
        (
            r#"::1 - - [t] "HEAD / HTTP/1.0" 304 - "-" "-" 0.003"#,
            "HEAD",
            "/",
            304,
            Some(3_000),
            None,
        ),
        (
            r#"::1 - - [t] "GET /q\"uote HTTP/1.1" 404 0 "-" "a \"b\" c" rt=1.25 urt=1.2"#,
            "GET",
            "/q\\\"uote",
            404,
            Some(1_250_000),
            Some(0),
        ),
        (
            r#"127.0.0.1 - - [23/Nov/2026:15:14:57 +0000] "\x16\x03\x01\x02" 400 157 "-" "-" 0.003"#,
            "",
            "",
            400,
            Some(3_000),
            Some(157),
        ),
        (r#"::1 - - [t] "GET /common HTTP/1.1" 200 5"#, "GET", "/common", 200, None, Some(5)),
        (r#"::1 - - [t] "-" 499 0 "-" "{not json}""#, "", "", 499, None, Some(0)),
    ] {
        let expect = LogLine {
            method: method.into(),
            path: path.into(),
            code,
            duration_micros: micros,
            response_bytes: bytes,
            ..LogLine::default()
        };
        assert_eq!(parse(line), Ok(expect), "{line}");
    }
}

#[test]
fn what_is_no_request_is_refused() {
    for (line, error) in [
        ("", LogError::Combined),
        ("hello", LogError::Combined),
        ("{", LogError::Json),
        ("{}", LogError::NoStatus),
        (r#"{"status":true}"#, LogError::NoStatus),
        (r#"{"status":"-5"}"#, LogError::NoStatus),
        (r#"::1 - - [t] "GET / HTTP/1.1" abc 0"#, LogError::NoStatus),
        (r#"::1 - - [t] "GET / HTTP/1.1"#, LogError::Combined),
    ] {
        assert_eq!(parse(line), Err(error), "{line}");
    }
    assert_eq!(parse(&"x".repeat(LINE_BYTES_MAX + 1)), Err(LogError::TooLong));
    let deep = format!(r#"{{"status":200,"a":{}"#, "[".repeat(20_000));
    assert_eq!(parse(&deep), Err(LogError::Json));
}

#[test]
fn numbers_are_scaled_exactly() {
    for (text, digits, expect) in [
        ("0.003", 6, Some(3_000)),
        ("12", 3, Some(12_000)),
        ("1.2345678", 6, Some(1_234_567)),
        ("0.", 6, Some(0)),
        (".5", 6, None),
        ("-1", 6, None),
        ("1e3", 6, None),
        ("99999999999999999999", 0, None),
        ("99999999999999", 6, None),
        ("", 6, None),
    ] {
        assert_eq!(scaled(text, digits), expect, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        let _line = parse(&text);
    }

    #[test]
    fn nor_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _line = parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn nor_what_is_almost_right(
        head in "(\\{|<1>|::1 - - \\[t\\] \"GET )?",
        body in "[\"\\\\{}\\[\\]:, a-z0-9.-]{0,80}",
    ) {
        let _line = parse(&format!("{head}{body}"));
    }

    #[test]
    fn what_is_written_is_read_back(
        path in "[ -~]{0,40}", code in 100u16..600, millis in 0u64..1_000_000, bytes in any::<u32>(),
    ) {
        let line = serde_json::json!({
            "path": path, "response_code": code, "duration": millis, "bytes_sent": bytes,
        }).to_string();
        let parsed = parse(&line).expect("is a line");
        let none = matches!(path.as_str(), "" | "-");
        prop_assert_eq!(&*parsed.path, if none { "" } else { path.as_str() });
        prop_assert_eq!(parsed.code, code);
        prop_assert_eq!(parsed.duration_micros, Some(millis * 1000));
        prop_assert_eq!(parsed.response_bytes, Some(u64::from(bytes)));
    }
}
