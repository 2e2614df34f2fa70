//! What the command says when it is used wrongly: one clear sentence, and the right exit code.

use std::net::TcpListener;

use e2e::process::run;

fn check(args: &[&str], code: i32, expect: &str) {
    let output = run(args);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    assert!(text.contains(expect), "{args:?} should say {expect:?}, says:\n{text}");
    assert!(!text.contains("panicked"), "{text}");
}

fn config(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::with_suffix(".toml").expect("is created");
    std::fs::write(file.path(), text).expect("is written");
    file
}

#[test]
fn wrong_arguments_are_explained() {
    check(&["dmeo"], 2, "demo");
    check(&["demo", "--listen", "nonsense"], 2, "--listen");
    check(&[], 2, "Usage");
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = taken.local_addr().expect("has an address").to_string();
    check(&["demo", "--listen", &address], 2, &address);
    let dir = tempfile::tempdir().expect("is created");
    let data = dir.path().to_string_lossy().into_owned();
    check(&["up", "--listen", &address, "--data-dir", &data], 2, "taken by another program");
}

#[test]
fn a_missing_file_is_named() {
    check(&["aggregator", "--config", "/nonexistent/x.toml"], 2, "/nonexistent/x.toml");
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    check(
        &["up", "--listen", "127.0.0.1:0", "--data-dir", "/proc/nothing/here"],
        2,
        "/proc/nothing/here",
    );
}

#[test]
fn a_misspelt_key_gets_a_suggestion() {
    let file = config("[aggregator]\nlistn = \"127.0.0.1:0\"\n");
    let path = file.path().to_string_lossy().into_owned();
    check(&["check", "config", &path], 2, "did you mean \"listen\"?");
    check(&["aggregator", "--config", &path], 2, ":2:1: unknown key \"listn\"");
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    let file = config(
        "[[aggregator.tokens]]\nname = \"a\"\ntoken = \"short\"\ntenants = [\"acme\"]\nscopes = [\"metrics-read\"]\n",
    );
    let path = file.path().to_string_lossy().into_owned();
    check(&["check", "config", &path], 2, "use at least 32");
}

#[test]
fn a_good_configuration_passes() {
    let file = config("[aggregator]\nretention = \"30d\"\n");
    let path = file.path().to_string_lossy().into_owned();
    let output = run(&["check", "config", &path]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_aggregator_that_nobody_could_use_does_not_start() {
    let file = config("[aggregator]\nlisten = \"127.0.0.1:0\"\n");
    let path = file.path().to_string_lossy().into_owned();
    check(&["aggregator", "--config", &path], 2, "has no tokens");
}
