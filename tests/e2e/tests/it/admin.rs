//! Copying, deleting, checking and restoring stored metrics: for whoever may, and nobody else.

use std::path::{Path, PathBuf};

use e2e::{
    process::run,
    server::{ACME, ADMIN, AGENT, ALERTING, GLOBEX, GLOBEX_ADMIN, OPERATOR, Server},
    write::{batch, now, send},
};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use wire::remote_write::Version;

const SNAPSHOT: &str = "/api/v1/admin/tsdb/snapshot";
const DELETE: &str = "/api/v1/admin/tsdb/delete_series";
const CLEAN: &str = "/api/v1/admin/tsdb/clean_tombstones";

/// With two series of each of two tenants.
fn seeded() -> Server {
    let server = Server::start_with("admin_api = true\n");
    for token in [ACME, GLOBEX] {
        for name in ["kept", "gone"] {
            let answer =
                send(&server, token, Version::V2, &batch(&[("__name__", name)], &[(now(), 7.0)]));
            assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        }
    }
    server
}

fn status(server: &Server, token: &str, path: &str) -> StatusCode {
    server.post(token, path).send().expect("answers").status()
}

fn snapshot(server: &Server, query: &str) -> PathBuf {
    let answer = server.post(ADMIN, &format!("{SNAPSHOT}{query}")).send().expect("answers");
    assert_eq!(answer.status(), StatusCode::OK);
    let body: Value = answer.json().expect("is JSON");
    assert_eq!(body["status"], "success");
    let name = body["data"]["name"].as_str().expect("has a name");
    let (time, random) = name.split_once('-').expect("has two parts");
    assert!(time.len() == 16 && time.ends_with('Z') && random.len() == 16, "{name}");
    server.data_dir().join("snapshots").join(name)
}

fn tidewatch(args: &[&str], dirs: &[&Path]) -> (Option<i32>, String, String) {
    let dirs: Vec<String> = dirs.iter().map(|dir| dir.to_string_lossy().into_owned()).collect();
    let args: Vec<&str> = args.iter().copied().chain(dirs.iter().map(String::as_str)).collect();
    let output = run(&args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn only_admins_administer_and_only_where_it_is_switched_on() {
    let server = seeded();
    let delete = format!("{DELETE}?match[]=kept");
    for token in [ACME, GLOBEX, AGENT, ALERTING, OPERATOR] {
        for path in [SNAPSHOT, &delete, CLEAN] {
            assert_eq!(status(&server, token, path), StatusCode::FORBIDDEN, "{path}");
        }
    }
    for path in [SNAPSHOT, &delete, CLEAN] {
        assert_eq!(status(&server, "wrong", path), StatusCode::UNAUTHORIZED, "{path}");
    }
    // One tenant's admin copies nothing of the others.
    for path in [SNAPSHOT, CLEAN] {
        assert_eq!(status(&server, GLOBEX_ADMIN, path), StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(server.value(ACME, "kept").as_deref(), Some("7"));
    drop(server);
    let server = Server::start();
    for path in [SNAPSHOT, &delete, CLEAN] {
        let answer = server.post(ADMIN, path).send().expect("answers");
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert!(answer.text().expect("has a body").contains("admin_api"), "{path}");
    }
}

#[test]
fn a_deletion_reaches_the_callers_tenants_only() {
    let server = seeded();
    let gone = |token| server.value(token, "gone");
    assert_eq!(status(&server, ADMIN, DELETE), StatusCode::BAD_REQUEST, "says what to delete");
    assert_eq!(
        status(&server, ADMIN, &format!("{DELETE}?match[]=gone{{")),
        StatusCode::BAD_REQUEST
    );
    // Naming another tenant is of no use.
    let named = format!("{DELETE}?match[]=gone{{tenant=\"acme\"}}");
    assert_eq!(status(&server, GLOBEX_ADMIN, &named), StatusCode::NO_CONTENT);
    assert_eq!((gone(ACME).as_deref(), gone(GLOBEX).as_deref()), (Some("7"), Some("7")));
    // A range of time in which there is nothing.
    let early = format!("{DELETE}?match[]=gone&start=0&end=1000");
    assert_eq!(status(&server, GLOBEX_ADMIN, &early), StatusCode::NO_CONTENT);
    assert_eq!(gone(GLOBEX).as_deref(), Some("7"));
    assert_eq!(
        status(&server, GLOBEX_ADMIN, &format!("{DELETE}?match[]=gone")),
        StatusCode::NO_CONTENT
    );
    assert_eq!((gone(ACME).as_deref(), gone(GLOBEX)), (Some("7"), None));
    assert_eq!(server.value(GLOBEX, "kept").as_deref(), Some("7"));
    // An admin of all names the tenant, by PUT as well; or means all.
    let put = server.request(Method::PUT, ADMIN, &named).send().expect("answers");
    assert_eq!(put.status(), StatusCode::NO_CONTENT);
    assert_eq!(gone(ACME), None);
    let all = format!("{DELETE}?match[]=kept");
    assert_eq!(status(&server, ADMIN, &all), StatusCode::NO_CONTENT);
    assert_eq!(server.value(ACME, "kept"), None);
    assert_eq!(server.value(GLOBEX, "kept"), None);
    assert_eq!(status(&server, ADMIN, CLEAN), StatusCode::NO_CONTENT);
    let data = server.data(OPERATOR, "/api/v1/label/__name__/values", &[]);
    assert_eq!(data, serde_json::json!([]), "nothing is left");
}

#[test]
fn a_snapshot_is_checked_and_restored() {
    let mut server = seeded();
    let event = serde_json::json!([{
        "time": now(), "kind": "exited", "reason": "killed",
        "target": {"tenant": "acme", "app": "a", "instance": "i", "node": "n1"},
    }]);
    assert!(
        server
            .post(AGENT, "/api/v1/events")
            .json(&event)
            .send()
            .expect("answers")
            .status()
            .is_success()
    );
    let without_head = snapshot(&server, "?skip_head=true");
    let whole = snapshot(&server, "");
    assert_eq!(
        status(&server, ADMIN, &format!("{SNAPSHOT}?skip_head=maybe")),
        StatusCode::BAD_REQUEST
    );

    let (code, told, _) = tidewatch(&["check", "data", "--json"], &[&without_head]);
    let report: Value = serde_json::from_str(&told).expect("is JSON");
    assert_eq!((code, &report["good"], &report["samples"]), (Some(0), &true.into(), &0.into()));
    let (code, told, _) = tidewatch(&["check", "data"], &[&whole]);
    assert!(code == Some(0) && told.contains("4 samples of 4 series"), "{told}");
    assert!(told.contains("1 events") && told.contains("all is well"), "{told}");

    // The data directory itself is in use.
    let (code, _, complaint) = tidewatch(&["check", "data"], &[&server.data_dir()]);
    assert!(code == Some(2) && complaint.contains("in use by a running aggregator"), "{complaint}");
    let (code, _, complaint) = tidewatch(&["restore"], &[&whole, &server.data_dir()]);
    assert!(code == Some(2) && complaint.contains("not empty"), "{complaint}");

    // All is lost, and comes back.
    server.process.kill();
    let kept = server.data_dir().with_extension("kept");
    std::fs::rename(server.data_dir(), &kept).expect("is renamed");
    let whole = kept.join("snapshots").join(whole.file_name().expect("has a name"));
    let (code, _, complaint) = tidewatch(&["restore"], &[&whole, &server.data_dir()]);
    assert_eq!(code, Some(0), "{complaint}");
    server.crash_and_restart();
    for token in [ACME, GLOBEX] {
        assert_eq!(server.value(token, "last_over_time(kept[1h])").as_deref(), Some("7"));
    }
    let events = server.data(ACME, "/api/v1/events", &[]);
    assert!(events.to_string().contains("killed"), "{events}");
}

#[test]
fn damage_is_told_with_what_is_lost() {
    let mut server = seeded();
    let whole = snapshot(&server, "");
    assert_eq!(server.process.terminate(), Some(0));
    let (code, told, complaint) = tidewatch(&["check", "data"], &[&server.data_dir()]);
    assert!(code == Some(0) && told.contains("all is well"), "{told}{complaint}");
    let blocks = whole.join("metrics/blocks");
    let block =
        std::fs::read_dir(&blocks).expect("is there").next().expect("has one").expect("is read");
    // What acme has comes first; what says so is kept twice at the end.
    let mut bytes = std::fs::read(block.path()).expect("is read");
    let third = bytes.len() / 3;
    bytes[8..third].iter_mut().for_each(|byte| *byte ^= 0xff);
    std::fs::write(block.path(), bytes).expect("is written");
    let (code, told, complaint) = tidewatch(&["check", "data"], &[&whole]);
    assert_eq!(code, Some(1), "{told}");
    let name = block.file_name().to_string_lossy().into_owned();
    assert!(told.contains(&format!("damaged: metrics/blocks/{name}")), "{told}");
    assert!(told.contains("tenant acme") && told.contains("samples"), "{told}");
    assert!(complaint.contains("problems found"), "{complaint}");
    let (code, told, _) = tidewatch(&["check", "data", "--json"], &[&whole]);
    let report: Value = serde_json::from_str(&told).expect("is JSON");
    assert_eq!((code, &report["good"]), (Some(1), &false.into()));
    assert_eq!(report["losses"][0]["tenant"], "acme", "{told}");
    assert!(report["losses"][0]["start"].as_i64() > Some(1_600_000_000_000), "{told}");
    let empty = tempfile::tempdir().expect("is created");
    let (code, _, complaint) = tidewatch(&["check", "data"], &[empty.path()]);
    assert!(code == Some(2) && complaint.contains("no data directory"), "{complaint}");
}
