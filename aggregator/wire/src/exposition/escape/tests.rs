//! Tests of the schemes.

use model::labels::{is_plain_label_name, is_plain_metric_name};
use proptest::prelude::*;

use super::Escaping::{self, AllowUtf8, Dots, Underscores, Values};

#[test]
fn each_scheme_has_its_own_form() {
    for [name, underscores, dots, values] in [
        ["plain", "plain", "plain", "plain"],
        ["http_requests", "http_requests", "http__requests", "http_requests"],
        ["http.a_total", "http_a_total", "http_dot_a__total", "U__http_2e_a__total"],
        ["1a", "_a", "__a", "U___31_a"],
        ["café", "caf_", "caf__", "U__caf_e9_"],
        ["a:b", "a:b", "a:b", "a:b"],
        ["", "", "", ""],
    ] {
        for (scheme, expect) in
            [(Underscores, underscores), (Dots, dots), (Values, values), (AllowUtf8, name)]
        {
            assert_eq!(scheme.metric(name), expect, "{scheme:?}");
            assert_eq!(Escaping::named(scheme.as_str()), Some(scheme));
        }
    }
    assert_eq!(Underscores.label("a:b"), "a_b");
    assert_eq!(Values.label("a:b"), "U__a_3a_b");
}

proptest! {
    #[test]
    fn what_is_escaped_is_an_identifier(name in "\\PC{1,12}") {
        for scheme in [Underscores, Dots, Values] {
            prop_assert!(is_plain_metric_name(&scheme.metric(&name)));
            prop_assert!(is_plain_label_name(&scheme.label(&name)));
        }
    }
}
