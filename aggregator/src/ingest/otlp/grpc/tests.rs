//! Framing, and errors as headers can hold them.

use super::*;

#[test]
fn a_body_is_one_whole_message() {
    let unframe = |body: &'static [u8]| unframe(&Bytes::from_static(body));
    assert_eq!(unframe(&[0, 0, 0, 0, 2, 7, 8]), Some((false, Bytes::from_static(&[7, 8]))));
    assert_eq!(unframe(&[1, 0, 0, 0, 0]), Some((true, Bytes::new())));
    for wrong in [&[][..], &[0, 0, 0, 0], &[2, 0, 0, 0, 0], &[0, 0, 0, 0, 1], &[0, 0, 0, 0, 0, 9]] {
        assert_eq!(unframe(wrong), None, "{wrong:?}");
    }
}

#[test]
fn errors_are_in_the_headers() {
    for (error, code, message) in [
        (ApiError::BadData("100 %\nü".to_owned()), "3", "100 %25%0A%C3%BC"),
        (ApiError::TooManyRequests("slow".to_owned()), "14", "slow"),
        (ApiError::Unauthorized("who".to_owned()), "16", "who"),
    ] {
        let response = fail(&error);
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[STATUS], code);
        assert_eq!(response.headers()[MESSAGE], message);
    }
}
