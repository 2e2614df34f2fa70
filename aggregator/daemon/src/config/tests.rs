//! Tests of what configuration accepts, and above all of how it refuses.

use std::{io::Write, path::Path, time::Duration};

use serde::Deserialize;

use super::{
    ConfigError, parse,
    values::{ByteSize, HumanDuration, Secret},
};

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sample {
    listen: String,
    store: Store,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Store {
    retention_days: u32,
    path: String,
}

fn read(text: &str, environment: &[(&str, &str)]) -> Result<Sample, ConfigError> {
    let environment =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    parse(Path::new("t.toml"), text, environment)
}

fn check_error(text: &str, environment: &[(&str, &str)], expect: &str) {
    let message = read(text, environment).expect_err("is refused").to_string();
    assert_eq!(message, expect);
}

#[test]
fn an_unknown_key_is_refused_with_a_suggestion_and_a_caret() {
    check_error(
        "[store]\nretention_dys = 5\n",
        &[],
        "t.toml:2:1: unknown key \"retention_dys\"; did you mean \"retention_days\"?\n  retention_dys = 5\n  ^",
    );
    check_error(
        "zzz = 5",
        &[],
        "t.toml:1:1: unknown key \"zzz\"; known here: listen, store\n  zzz = 5\n  ^",
    );
}

#[test]
fn a_wrong_type_names_the_place() {
    let message = read("[store]\nretention_days = \"x\"", &[]).expect_err("is refused").to_string();
    assert!(message.starts_with("t.toml:2:18: invalid type: string \"x\""), "{message}");
}

#[test]
fn the_environment_overrides_with_types() {
    let sample = read(
        "listen = 'a'",
        &[
            ("TIDEWATCH__STORE__RETENTION_DAYS", "7"),
            ("TIDEWATCH__STORE__PATH", "/var/x y"),
            ("TIDEWATCH__LISTEN", "127.0.0.1:9"),
            ("HOME", "/root"),
        ],
    );
    let expect = Sample {
        listen: "127.0.0.1:9".to_owned(),
        store: Store { retention_days: 7, path: "/var/x y".to_owned() },
    };
    assert_eq!(sample.expect("is valid"), expect);
}

#[test]
fn a_wrong_variable_is_named() {
    check_error(
        "",
        &[("TIDEWATCH__LISTN", "x")],
        "environment variable TIDEWATCH__LISTN: unknown key \"listn\"; did you mean \"listen\"?",
    );
    check_error(
        "listen = 'a'",
        &[("TIDEWATCH__LISTEN__X", "x")],
        "environment variable TIDEWATCH__LISTEN__X: \"listen\" is a value, not a section",
    );
}

#[test]
fn units_are_read_and_nonsense_is_not() {
    assert_eq!(HumanDuration::parse("250ms"), Ok(HumanDuration(Duration::from_millis(250))));
    assert_eq!(HumanDuration::parse("7d"), Ok(HumanDuration(Duration::from_secs(604_800))));
    assert_eq!(ByteSize::parse("2GiB"), Ok(ByteSize(2 << 30)));
    for text in ["", "5", "s", "-1s", "1 s", "1.5s", "99999999999999999999s", "é"] {
        assert!(HumanDuration::parse(text).is_err(), "{text}");
    }
    assert!(ByteSize::parse("5MB").is_err());
}

#[test]
fn secrets_come_from_files_and_never_print() {
    let mut file = tempfile::NamedTempFile::new().expect("is created");
    file.write_all(b"hunter2\n").expect("is written");
    let secret = Secret::new(format!("file:{}", file.path().display()));
    assert_eq!(secret.resolve(), Ok("hunter2".to_owned()));
    assert_eq!(format!("{secret:?}"), "Secret(…)");
    assert!(Secret::new("file:/nonexistent").resolve().is_err());
}

#[test]
fn durations_print_as_they_are_read() {
    for text in ["250ms", "90s", "5m", "36h", "15d", "0d"] {
        let parsed = HumanDuration::parse(text).expect(text);
        assert_eq!(parsed.to_string(), text);
    }
}
