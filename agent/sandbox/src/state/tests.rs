//! Tests of state files that no real `runsc` wrote; the real ones are in the integration tests.

use proptest::prelude::*;

use super::{StateError, parse};

#[test]
fn files_that_tell_nothing_are_told_apart() {
    let ended = [
        r#"{"id": "a", "sandbox": null}"#,
        r#"{"id": "a", "sandbox": {"id": "s", "pid": 0}}"#,
        r#"{"id": "a", "sandbox": {"id": "s", "pid": -1}}"#,
        r#"{"id": "a", "status": "stopped", "sandbox": {"id": "s", "pid": 7}}"#,
    ];
    for text in ended {
        assert!(matches!(parse(text.as_bytes()), Err(StateError::Ended)), "{text}");
    }
    let ids = [
        r#"{"id": "../a", "sandbox": {"id": "s", "pid": 7}}"#,
        r#"{"id": "a", "sandbox": {"id": "", "pid": 7}}"#,
        r#"{"id": "a\u0000", "sandbox": {"id": "s", "pid": 7}}"#,
    ];
    for text in ids {
        assert!(matches!(parse(text.as_bytes()), Err(StateError::Identifier)), "{text}");
    }
    for text in ["", "{", "[]", "null", r#"{"id": 5}"#, &"[".repeat(100_000)] {
        assert!(matches!(parse(text.as_bytes()), Err(StateError::Malformed(_))), "{text:.20}");
    }
}

#[test]
fn a_container_without_annotations_is_an_app() {
    let text = r#"{"id": "a", "sandbox": {"id": "a", "pid": 7, "controlSocketPath": ""}}"#;
    let state = parse(text.as_bytes()).expect("is a state");
    assert!(state.is_app());
    assert_eq!((state.pid, state.socket), (7, None));
}

#[test]
fn only_annotations_of_identity_are_kept() {
    let long = "x".repeat(1000);
    let text = format!(
        r#"{{"id": "a", "sandbox": {{"id": "a", "pid": 7}}, "spec": {{"annotations": {{
            "secret": "s", "tidewatch.dev/app": "web", "tidewatch.dev/tenant": "{long}"}}}}}}"#
    );
    let state = parse(text.as_bytes()).expect("is a state");
    let kept: Vec<_> = state.annotations.into_iter().collect();
    assert_eq!(kept, [("tidewatch.dev/app".to_owned(), "web".to_owned())]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _answer = parse(&bytes);
    }
}
