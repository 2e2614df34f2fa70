//! Tests of the command line and of the answers.

use std::ffi::OsStr;

use hyper::{Method, StatusCode};

use super::{args::ArgsError, *};
use crate::fleet::{Fleet, FleetConfig, MEMORY_LIMIT_DEFAULT, Personality};

fn parse(line: &str) -> Result<Args, ArgsError> {
    Args::parse(line.split_whitespace().map(OsString::from))
}

#[test]
fn the_command_line_is_read_in_any_order() {
    let args = parse("--port 80 --state-dir /tmp/x --name a-0 --personality api").unwrap();
    assert_eq!((args.name.as_str(), args.port), ("a-0", 80));
    assert_eq!(args.personality, Personality::Api);
    let check = |line: &str, expect: ArgsError| assert_eq!(parse(line), Err(expect), "{line}");
    check("--name a --personality shop --port 80", ArgsError::Invalid("--state-dir"));
    check("--name a --personality shop --port 65536 --state-dir /", ArgsError::Invalid("--port"));
    check("--name a --personality king --port 80", ArgsError::Invalid("--personality"));
    check("--name", ArgsError::Invalid("--name"));
    check("--nmae a", ArgsError::Unknown("--nmae".into()));
}

#[test]
fn the_fleet_starts_what_the_app_understands() {
    let directory = tempfile::tempdir().unwrap();
    let config = FleetConfig {
        node: "here".to_owned(),
        program: "/bin/tidewatch".into(),
        args: vec!["sample-app".into()],
        state_dir: directory.path().to_owned(),
        memory_limit: MEMORY_LIMIT_DEFAULT,
    };
    for member in Fleet::new(&config).unwrap().members {
        let spec = member.spec();
        assert_eq!(spec.args.first().map(|arg| arg.as_os_str()), Some(OsStr::new("sample-app")));
        let args = Args::parse(spec.args.into_iter().skip(1)).unwrap();
        assert_eq!((args.name, args.port), (member.target.instance, member.port));
        assert_eq!((args.personality, args.state_dir), (member.personality, member.state_dir));
    }
}

#[tokio::test]
async fn requests_are_answered_by_what_they_ask_for() {
    let directory = tempfile::tempdir().unwrap();
    let line = format!(
        "--port 80 --state-dir {} --name a-0 --personality shop",
        directory.path().display()
    );
    let app = App::new(parse(&line).unwrap()).unwrap();
    let check = |method: Method, path: &str, query: Option<&str>, status: StatusCode| {
        let answer = pages::answer(&app, &method, path, query);
        assert_eq!(answer.status, status, "{method} {path}");
        answer
    };
    check(Method::GET, "/healthz", None, StatusCode::OK);
    assert!(check(Method::GET, "/", None, StatusCode::OK).body.len() > 1000);
    let first = check(Method::GET, "/items/7", None, StatusCode::OK).body;
    let second = check(Method::GET, "/items/7", None, StatusCode::OK).body;
    assert!(first.contains("\"cached\":false") && second.contains("\"cached\":true"));
    check(Method::GET, "/items/1000", None, StatusCode::NOT_FOUND);
    check(Method::GET, "/items/x", None, StatusCode::NOT_FOUND);
    check(Method::GET, "/elsewhere", None, StatusCode::NOT_FOUND);
    check(Method::POST, "/items", None, StatusCode::CREATED);
    check(Method::POST, "/items/7", None, StatusCode::NOT_FOUND);
    let worked = check(Method::GET, "/work", Some("ms=10"), StatusCode::OK);
    assert_eq!(worked.wait, Duration::from_millis(8));
    check(Method::GET, "/work", Some("ms=x"), StatusCode::BAD_REQUEST);
    check(Method::GET, "/work", None, StatusCode::BAD_REQUEST);
    app.set_failing(true);
    check(Method::GET, "/healthz", None, StatusCode::SERVICE_UNAVAILABLE);
    check(Method::GET, "/items/7", None, StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn memory_stays_bounded() {
    let mut cache = work::Cache::default();
    for id in 0..2000 {
        assert!(!cache.get(id).1);
    }
    assert_eq!(cache.len(), 400);
    assert!(cache.get(1999).1);
    assert!(!cache.get(0).1, "the oldest are forgotten");
}
