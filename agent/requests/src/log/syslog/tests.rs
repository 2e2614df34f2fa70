//! Tests of headers that nginx writes, and of what is none.

use proptest::prelude::*;

use super::payload;

#[test]
fn a_header_is_passed_over() {
    for (datagram, said) in [
        ("<190>Nov 23 11:30:03 ng: {\"status\":\"200\"}", "{\"status\":\"200\"}"),
        ("<190>Nov 23 11:30:03 node-1 nginx: ::1 - - [t] \"a: b\"", "::1 - - [t] \"a: b\""),
        ("<6>ng: x", "x"),
        ("<6>x", "x"),
        ("{\"a\": 1}", "{\"a\": 1}"),
        ("<no>a: b", "<no>a: b"),
        ("<1", "<1"),
        ("", ""),
    ] {
        assert_eq!(payload(datagram), said, "{datagram}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(<[0-9]{0,4}>?)?\\PC*") {
        prop_assert!(text.ends_with(payload(&text)));
    }
}
