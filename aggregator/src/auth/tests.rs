//! Tests of where a token may stand.

use axum::http::{HeaderMap, HeaderValue, header};

use super::token_of;

#[test]
fn tokens_are_found_in_bearer_and_basic() {
    let check = |value: &str, expect: Option<&str>| {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).expect("is valid"));
        assert_eq!(token_of(&headers).as_deref(), expect, "{value}");
    };
    check("Bearer abc", Some("abc"));
    check("bearer  abc ", Some("abc"));
    check("Basic dXNlcjphYmM=", Some("abc"));
    check("Basic dXNlcg==", None);
    check("Basic !", None);
    check("Digest abc", None);
    check("abc", None);
    assert_eq!(token_of(&HeaderMap::new()), None);
}
