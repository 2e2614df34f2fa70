//! Tests of what scrapers ask for.

use super::{Exposition, Format};

const TEXT: Exposition = Exposition { format: Format::Text, utf8_names: false };
const TEXT_UTF8: Exposition = Exposition { format: Format::Text, utf8_names: true };
const OPEN: Exposition = Exposition { format: Format::OpenMetrics, utf8_names: false };
const OPEN_UTF8: Exposition = Exposition { format: Format::OpenMetrics, utf8_names: true };

#[test]
fn the_best_offer_wins() {
    let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
        application/openmetrics-text;version=0.0.1;q=0.4,\
        text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    let protobuf_first = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
        encoding=delimited;q=0.7, text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6";
    let cases = [
        (None, TEXT),
        (Some(""), TEXT),
        (Some("*/*"), TEXT),
        (Some("text/plain"), TEXT),
        (Some("image/png"), TEXT),
        (Some(prometheus), OPEN_UTF8),
        (Some(protobuf_first), TEXT_UTF8),
        (Some("application/openmetrics-text"), OPEN),
        (Some("application/openmetrics-text;q=0.1,text/plain;q=0.2"), TEXT),
        (Some("application/openmetrics-text;version=9;q=1,text/plain;version=1.0.0;q=0.2"), TEXT),
        (Some("application/openmetrics-text;q=nonsense"), TEXT),
    ];
    for (accept, expect) in cases {
        assert_eq!(Exposition::negotiate(accept), expect, "{accept:?}");
    }
}

#[test]
fn a_content_type_that_is_written_is_recognised() {
    for exposition in [TEXT, TEXT_UTF8, OPEN, OPEN_UTF8] {
        let content_type = exposition.content_type();
        assert_eq!(Format::of_content_type(Some(content_type)), exposition.format);
        assert_eq!(Exposition::negotiate(Some(content_type)), exposition);
    }
    assert_eq!(Format::of_content_type(None), Format::Text);
}
