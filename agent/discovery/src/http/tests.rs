//! Servers that list targets, well and badly.

use tokio::sync::mpsc;

use super::*;
use crate::testing::{respond, serve};

async fn asked(status: &'static str, kind: &'static str, body: &'static str) -> Option<Vec<Group>> {
    let address = serve(move |request, mut stream| async move {
        assert!(request.starts_with("GET /targets HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("authorization: Bearer secret\r\n"), "{request}");
        respond(&mut stream, status, kind, body).await;
    })
    .await;
    let text = format!("url = \"{address}/targets\"\nbearer_token = \"secret\"");
    let settings: HttpDiscoverySettings = toml::from_str(&text).expect("is valid");
    let (updates, _found) = mpsc::channel(1);
    let outlet = Outlet { job: 0, source: "s".to_owned(), updates };
    Server::new(&settings, outlet).expect("builds").ask().await
}

#[tokio::test]
async fn a_list_is_taken_and_anything_else_is_not() {
    let list = r#"[{"targets": ["a:1"], "labels": {"x": "y"}}]"#;
    let groups = asked("200 OK", "application/json; charset=utf-8", list).await.expect("is a list");
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].targets[0].get("__address__"), "a:1");
    assert_eq!(groups[0].labels.get("x"), "y");
    assert!(groups[0].labels.get("__meta_url").ends_with("/targets"));
    assert_eq!(asked("200 OK", "application/json", "[]").await, Some(Vec::new()));
    assert_eq!(asked("200 OK", "text/html", list).await, None);
    assert_eq!(asked("500 Oh", "application/json", list).await, None);
    assert_eq!(asked("200 OK", "application/json", "{").await, None);
}
