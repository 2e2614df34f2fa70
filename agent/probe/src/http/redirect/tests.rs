//! Tests of which redirects stay with the target.

use proptest::prelude::*;

use super::*;

fn location(status: u16, location: &str) -> Answer {
    Answer { status, location: Some(location.to_owned()), ..Answer::default() }
}

#[test]
fn only_the_same_host_is_followed() {
    let mut get = HttpGet::new(8080, "/a/b?c");
    get.host = Some("shop.example:8080".to_owned());
    let follow = |to: &str| same_host(&location(302, to), &get, "/a/b?c");
    for (to, expect) in [
        ("/x", Some("/x")),
        ("/x?y=/z#top", Some("/x?y=/z")),
        ("x", Some("/a/x")),
        ("?q", Some("/a/?q")),
        ("http://shop.example:8080/x", Some("/x")),
        ("HTTP://SHOP.example:8080", Some("/")),
        ("http://shop.example:8080?q", Some("/?q")),
        ("http://shop.example/x", None),
        ("http://169.254.169.254/latest", None),
        ("https://shop.example:8080/x", None),
        ("//evil.example/x", None),
        ("/x y", None),
        ("/x\r\nHost: y", None),
    ] {
        assert_eq!(follow(to).as_deref(), expect, "{to}");
    }
}

#[test]
fn without_a_host_header_an_absolute_location_is_elsewhere() {
    let get = HttpGet::new(8080, "/");
    assert_eq!(same_host(&location(301, "http://10.0.0.1:8080/x"), &get, "/"), None);
    assert_eq!(same_host(&location(301, "/x"), &get, "/").as_deref(), Some("/x"));
}

#[test]
fn only_redirects_redirect() {
    let get = HttpGet::new(8080, "/");
    for status in [200, 300, 304, 305, 404] {
        assert_eq!(same_host(&location(status, "/x"), &get, "/"), None, "{status}");
    }
    let silent = Answer { status: 302, ..Answer::default() };
    assert_eq!(same_host(&silent, &get, "/"), None);
}

proptest! {
    #[test]
    fn what_is_followed_is_a_path(to: String, host in prop::option::of("[a-z.]{1,9}")) {
        let get = HttpGet { host, ..HttpGet::new(1, "/a") };
        if let Some(path) = same_host(&location(307, &to), &get, "/a") {
            prop_assert!(path.starts_with('/'));
            prop_assert!(!path.bytes().any(|byte| byte <= b' ' || byte == 0x7f));
        }
    }
}
