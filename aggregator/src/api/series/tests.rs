//! Tests of escaped label names in paths.

use super::unescape;

#[test]
fn escaped_names_are_read_and_others_left_alone() {
    let check = |escaped: &str, expect: &str| assert_eq!(unescape(escaped), expect);
    check("job", "job");
    check("U__http_2e_status__code", "http.status_code");
    check("U__caf_e9_", "café");
    check("U__broken_zz_", "U__broken_zz_");
    check("U__cut_2", "U__cut_2");
    check("U__much_12345678_", "U__much_12345678_");
}
