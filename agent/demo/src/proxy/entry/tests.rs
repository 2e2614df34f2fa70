//! Tests of what is reported of paths.

use proptest::prelude::*;

use super::*;

#[test]
fn identifiers_are_taken_out_of_routes() {
    let check = |path: &str, expect: &str| assert_eq!(route_class(path), expect, "{path}");
    check("/", "/");
    check("/healthz", "/healthz");
    check("/items/42", "/items/{id}");
    check("/items/42/", "/items/{id}/");
    check("/u/3f2b/orders/9", "/u/{id}/orders/{id}");
    check("/blob/abcdefghijklmnopqrstuvwxyzabcdefghijk", "/blob/{id}");
    check("/a/b/c/d/e/f/g/h", "/a/b/c/d/e/f/...");
    check("", "/");
}

proptest! {
    #[test]
    fn any_path_becomes_a_short_one(path in "/\\PC{0,400}") {
        let short = shorten(&path);
        prop_assert!(short.len() <= PATH_BYTES_MAX && path.starts_with(&short));
        prop_assert!(path.len() - short.len() < 4 || short.len() > PATH_BYTES_MAX - 4);
        let route = route_class(&path);
        prop_assert!(route.len() <= (ROUTE_SEGMENTS_MAX + 1) * (ROUTE_SEGMENT_BYTES_MAX + 1));
    }
}
