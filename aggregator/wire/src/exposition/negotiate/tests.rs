//! Tests of what scrapers ask for.

use super::{Accepted, Exposition, Format};
use crate::exposition::Escaping;

const fn text(format: Format, escaping: Escaping) -> Accepted {
    Accepted::Text(Exposition { format, escaping })
}

const TEXT: Accepted = text(Format::Text, Escaping::Underscores);
const TEXT_UTF8: Accepted = text(Format::Text, Escaping::AllowUtf8);
const TEXT_DOTS: Accepted = text(Format::Text, Escaping::Dots);
const OPEN: Accepted = text(Format::OpenMetrics, Escaping::Underscores);
const OPEN_UTF8: Accepted = text(Format::OpenMetrics, Escaping::AllowUtf8);
const PROTOBUF: Accepted = Accepted::Protobuf(Escaping::Underscores);
const PROTOBUF_UTF8: Accepted = Accepted::Protobuf(Escaping::AllowUtf8);

#[test]
fn the_best_offer_wins() {
    let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
        application/openmetrics-text;version=0.0.1;q=0.4,\
        text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    let protobuf_first = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
        encoding=delimited;q=0.7, text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6";
    let protobuf_utf8 = "application/vnd.google.protobuf; \
        proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=allow-utf-8";
    let protobuf_text =
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text";
    let other = "application/vnd.google.protobuf;proto=some.Other;encoding=delimited";
    let cases = [
        (None, TEXT),
        (Some(""), TEXT),
        (Some("*/*"), TEXT),
        (Some("text/plain"), TEXT),
        (Some("image/png"), TEXT),
        (Some(prometheus), OPEN_UTF8),
        (Some(protobuf_first), PROTOBUF),
        (Some(protobuf_utf8), PROTOBUF_UTF8),
        (Some(protobuf_text), TEXT),
        (Some(other), TEXT),
        (Some("application/vnd.google.protobuf"), TEXT),
        (Some("application/openmetrics-text"), OPEN),
        (Some("application/openmetrics-text;q=0.1,text/plain;q=0.2"), TEXT),
        (Some("application/openmetrics-text;version=9;q=1,text/plain;version=1.0.0;q=0.2"), TEXT),
        (Some("application/openmetrics-text;q=nonsense"), TEXT),
        // 0.0.4 cannot quote names.
        (Some("text/plain;version=0.0.4;escaping=allow-utf-8"), TEXT),
        (Some("text/plain;version=1.0.0;escaping=allow-utf-8"), TEXT_UTF8),
        (Some("text/plain;version=0.0.4;escaping=dots"), TEXT_DOTS),
        (Some("text/plain;version=1.0.0;escaping=unheard-of"), TEXT),
    ];
    for (accept, expect) in cases {
        assert_eq!(Accepted::negotiate(accept), expect, "{accept:?}");
    }
}

#[test]
fn a_content_type_that_is_written_is_recognised() {
    for accepted in [TEXT, TEXT_UTF8, TEXT_DOTS, OPEN, OPEN_UTF8, PROTOBUF, PROTOBUF_UTF8] {
        let content_type = accepted.content_type();
        assert_eq!(Accepted::negotiate(Some(&content_type)), accepted);
        if let Accepted::Text(Exposition { format, .. }) = accepted {
            assert_eq!(Format::of_content_type(Some(&content_type)), format);
        }
    }
    assert_eq!(Format::of_content_type(None), Format::Text);
}
