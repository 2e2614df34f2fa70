//! Labels and bodies on their way.

use codec::inflate::{Compression, decompress};
use model::{labels::Labels, matcher::Matcher, time::Timestamp};
use promql::Sample;
use rules::NewSample;

use super::{encode, exported, imported, selector};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::new(pairs.iter().copied()).expect("are labels")
}

#[test]
fn an_operators_series_is_not_taken_for_a_tenants() {
    let own = labels(&[("__name__", "a"), ("tenant", "acme")]);
    let stored = labels(&[("__name__", "a"), ("exported_tenant", "acme")]);
    assert_eq!(exported(&own), stored);
    assert_eq!(imported(&stored), own);
    let without = labels(&[("__name__", "a"), ("job", "tenant")]);
    assert_eq!(exported(&without), without);
    assert_eq!(imported(&without), without);
}

#[test]
fn matchers_are_a_selector_whatever_is_in_them() {
    let matchers = [Matcher::metric("A"), Matcher::equal("l\"a", "x\"}\n\\")];
    let text = selector(&matchers);
    let parsed = promql::parse_selector(&text, &promql::ParseOptions::default()).expect("is one");
    let shown = |matchers: &[Matcher]| matchers.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(shown(&parsed), shown(&matchers));
}

#[test]
fn a_body_says_whose_series_it_has_only_for_tenants() {
    let value = Sample::Float(1.0);
    let sample = NewSample {
        labels: labels(&[("__name__", "a"), ("tenant", "t")]),
        time: Timestamp(1),
        value,
    };
    for (is_operator, expected) in [(false, false), (true, true)] {
        let body = encode(std::slice::from_ref(&sample), is_operator).expect("is written");
        let mut plain = Vec::new();
        decompress(Compression::Snappy, &body, 1 << 20, &mut plain).expect("is compressed");
        let found = plain.windows(15).any(|window| window == b"exported_tenant");
        assert_eq!(found, expected);
    }
}
