//! What is asked for, and what came.

use super::*;

#[test]
fn weights_fall_with_the_order() {
    assert_eq!(
        accept(&Protocol::default_order(false), NameEscaping::AllowUtf8),
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
         application/openmetrics-text;version=0.0.1;q=0.5,\
         text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    );
    let native = accept(&Protocol::default_order(true), NameEscaping::Dots);
    assert!(native.starts_with("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"));
    assert!(native.ends_with(",*/*;q=0.1"));
    assert!(native.contains("text/plain;version=1.0.0;escaping=dots;q=0.3,"), "{native}");
}

#[test]
fn an_answer_says_what_it_is_or_the_fallback_does() {
    let text = Some(BodyFormat::Text(Format::Text));
    let open = Some(BodyFormat::Text(Format::OpenMetrics));
    for (content_type, fallback, expected) in [
        (Some("text/plain; version=0.0.4"), None, text),
        (Some("application/openmetrics-text; version=1.0.0; charset=utf-8"), None, open),
        (Some("Application/Vnd.Google.Protobuf; x=y"), None, Some(BodyFormat::Protobuf)),
        (Some("text/html"), None, None),
        (None, None, None),
        (None, Some(Protocol::Text004), text),
        (Some("application/octet-stream"), Some(Protocol::OpenMetrics001), open),
    ] {
        assert_eq!(BodyFormat::of(content_type, fallback), expected, "{content_type:?}");
    }
}
