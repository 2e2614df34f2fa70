//! Tests of what a source may say.

use super::{InvalidSource, SourceSettings, validate};

fn check(sources: &str) -> Result<(), InvalidSource> {
    let sources: Vec<SourceSettings> = serde_json::from_str(sources).expect("has known fields");
    validate(&sources)
}

#[test]
fn each_source_is_in_one_place_and_has_a_tenant() {
    let owner = r#""owner":{"tenants":["acme"],"app":"shop"}"#;
    for place in [
        r#""file":"/var/log/nginx/access.log""#,
        r#""syslog_socket":"/run/access.sock","socket_mode":"0666""#,
        r#""syslog_udp":"127.0.0.1:514","format":"json""#,
        r#""envoy":"127.0.0.1:9500""#,
    ] {
        check(&format!(r#"[{{"name":"a",{place},{owner}}}]"#)).expect("is valid");
        let twice = format!(r#"{{"name":"a",{place},{owner}}}"#);
        assert!(matches!(check(&format!("[{twice},{twice}]")), Err(InvalidSource::Name(_))));
        let nobody = check(&format!(r#"[{{"name":"a",{place}}}]"#));
        assert!(matches!(nobody, Err(InvalidSource::Owner { .. })), "{place}");
    }
    for (place, expect) in [
        ("", "a: set exactly one of file, syslog_socket, syslog_udp and envoy"),
        (
            r#""file":"/a","envoy":"127.0.0.1:1","#,
            "a: set exactly one of file, syslog_socket, syslog_udp and envoy",
        ),
        (r#""file":"a","#, "a: the path must be absolute and name a file"),
        (
            r#""syslog_socket":"/a","socket_mode":"rw","#,
            "a: socket_mode must be octal digits such as 0660",
        ),
    ] {
        let error = check(&format!(r#"[{{"name":"a",{place}{owner}}}]"#)).expect_err("is invalid");
        assert_eq!(error.to_string(), expect, "{place}");
    }
}
