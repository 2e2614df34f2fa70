//! Tests of route classes.

use proptest::prelude::*;

fn route_class(path: &str) -> String {
    let mut class = "left from before".to_owned();
    super::route_class(path, &mut class);
    class
}

#[test]
fn identifiers_are_taken_out() {
    for (path, class) in [
        ("", "/"),
        ("/", "/"),
        ("/?q=1", "/"),
        ("/users/42/orders?page=2", "/users/:id/orders"),
        ("/v1/oauth2/token", "/v1/oauth2/token"),
        ("/files/0f3a2f5e-6b0e-4c6e-9c1a-0123456789ab", "/files/:id"),
        ("/commit/deadbeef0", "/commit/:id"),
        ("/deadbeef", "/deadbeef"),
        ("/api/v2/pods/web-5d8f6c7b9-x2x4z", "/api/v2/pods/:id"),
        ("/a/b/c/d/e/f/g/h", "/a/b/c/d/e/f/*"),
        ("/search/what is this", "/search/:id"),
        ("//double///slash", "/double/slash"),
        ("/page;jsessionid=1", "/page"),
        ("no/slash", "/no/slash"),
        ("/2024/11/23/post", "/:id/:id/:id/post"),
    ] {
        assert_eq!(route_class(path), class, "{path}");
    }
}

proptest! {
    #[test]
    fn classes_are_short_and_plain(path in "\\PC*") {
        let class = route_class(&path);
        prop_assert!(class.starts_with('/'));
        prop_assert!(class.len() <= 7 * 41);
        prop_assert!(class.is_ascii());
    }
}
