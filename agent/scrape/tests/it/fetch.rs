//! One request: what is asked, and what of the answer is taken.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use codec::inflate::{Compression, compress};
use scrape::{
    config::{Job, Settings},
    fetch::{FetchError, Fetcher},
};

use crate::targets::{Answer, ok, serve, text};

const PATIENCE: Duration = Duration::from_secs(30);

fn job(lines: &str) -> Job {
    let text = format!("[[scrape_configs]]\njob_name = 'j'\n{lines}");
    let settings: Settings = toml::from_str(&text).expect("is TOML");
    settings.jobs().expect("is valid").remove(0)
}

async fn get(
    lines: &str,
    address: SocketAddr,
    path: &str,
) -> Result<scrape::fetch::Answer, FetchError> {
    let url = format!("http://{address}{path}").parse().expect("is an address");
    Fetcher::for_job(&job(lines)).expect("builds").get(&url, PATIENCE).await
}

async fn refused(lines: &str, address: SocketAddr, path: &str) -> String {
    get(lines, address, path).await.expect_err("is refused").to_string()
}

#[tokio::test]
async fn a_request_says_who_asks_for_what() {
    let asked = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&asked);
    let target = serve(move |request| {
        request.clone_into(&mut log.lock().expect("is not poisoned"));
        text("a 1\n")
    })
    .await;
    let lines = "basic_auth = { username = 'u', password = 'p' }\n\
                 http_headers = { X-Scope = { values = ['one', 'two'], secrets = ['three'] } }";
    let answer = get(lines, target, "/metrics").await.expect("answers");
    assert_eq!(answer.bytes, b"a 1\n");
    assert_eq!(answer.content_type.as_deref(), Some("text/plain"));
    let asked = asked.lock().expect("is not poisoned").clone();
    for part in [
        "GET /metrics HTTP/1.1\r\n",
        "accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,",
        "accept-encoding: gzip\r\n",
        "authorization: Basic dTpw\r\n",
        "x-prometheus-scrape-timeout-seconds: 30\r\n",
        "x-scope: one\r\n",
        "x-scope: two\r\n",
        "x-scope: three\r\n",
    ] {
        assert!(asked.contains(part), "{part:?} in {asked}");
    }
}

fn gzipped(body: &[u8]) -> Answer {
    let mut packed = Vec::new();
    compress(Compression::Gzip, body, &mut packed).expect("compresses");
    ok("content-type: text/plain\r\ncontent-encoding: gzip\r\n", &packed)
}

#[tokio::test]
async fn bodies_are_inflated_within_the_limit() {
    let target = serve(|request| {
        if request.starts_with("GET /bomb ") {
            gzipped(&vec![b'a'; 1 << 20])
        } else if request.starts_with("GET /plain ") {
            text(&"a".repeat(2048))
        } else if request.starts_with("GET /broken ") {
            ok("content-encoding: gzip\r\n", b"no gzip")
        } else {
            gzipped(b"a 1\n")
        }
    })
    .await;
    let lines = "body_size_limit = '1KB'";
    assert_eq!(get(lines, target, "/").await.expect("fits").bytes, b"a 1\n");
    for path in ["/bomb", "/plain"] {
        assert_eq!(refused(lines, target, path).await, "body_size_limit exceeded (1024 bytes)");
    }
    let broken = refused(lines, target, "/broken").await;
    assert!(broken.starts_with("the body cannot be decompressed: "), "{broken}");
}

#[tokio::test]
async fn redirects_are_followed_so_far() {
    let target = serve(|request| {
        let location = match request.split_whitespace().nth(1) {
            Some("/loop") => "/loop",
            Some("/away") => "http://169.254.169.254/latest",
            Some("/once") => "/end",
            _ => return text("a 1\n"),
        };
        format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
    })
    .await;
    assert_eq!(get("", target, "/once").await.expect("is followed").bytes, b"a 1\n");
    let stopped = refused("follow_redirects = false", target, "/once").await;
    assert_eq!(stopped, "server returned HTTP status 302 Found");
    assert!(refused("", target, "/loop").await.contains("too many redirects"));
    let away = refused("", target, "/away").await;
    assert!(away.contains("redirected to another scheme, host or port"), "{away}");
}

#[tokio::test]
async fn a_target_cannot_have_another_asked_in_its_place() {
    let was_asked = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&was_asked);
    let other = serve(move |_request| {
        flag.store(true, Ordering::SeqCst);
        text("secret 1\n")
    })
    .await;
    let target = serve(move |_request| {
        format!("HTTP/1.1 302 Found\r\nlocation: http://{other}/metrics\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
    })
    .await;
    for lines in ["", "allowed_networks = ['127.0.0.0/8']"] {
        let error = refused(lines, target, "/metrics").await;
        assert!(error.contains("redirected to another scheme, host or port"), "{error}");
    }
    assert!(!was_asked.load(Ordering::SeqCst));
}

#[tokio::test]
async fn only_allowed_networks_are_asked() {
    let target = serve(|_request| text("a 1\n")).await;
    let elsewhere = "allowed_networks = ['10.0.0.0/8']";
    assert_eq!(refused(elsewhere, target, "/").await, "address 127.0.0.1 must not be asked");
    let named: SocketAddr = target;
    let url = format!("http://localhost:{}/", named.port()).parse().expect("is an address");
    let fetcher = Fetcher::for_job(&job(elsewhere)).expect("builds");
    let error = fetcher.get(&url, PATIENCE).await.expect_err("is refused").to_string();
    assert!(error.contains("localhost is at no address that may be asked"), "{error}");
    assert!(get("allowed_networks = ['127.0.0.0/8']", target, "/").await.is_ok());
    let metadata = "169.254.169.254:80".parse().expect("is an address");
    assert_eq!(refused("", metadata, "/").await, "address 169.254.169.254 must not be asked");
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("has an address");
    let url = format!("http://{address}/").parse().expect("is an address");
    let fetcher = Fetcher::for_job(&job("")).expect("builds");
    let error = fetcher.get(&url, Duration::from_millis(50)).await.expect_err("gives up");
    assert_eq!(error.to_string(), "no answer within 50ms");
}
