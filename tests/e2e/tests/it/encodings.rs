//! Bodies may come compressed, up to a limit, and answers go out as the client accepts them.

use codec::inflate::{Compression, compress, decompress};
use e2e::{
    server::{ACME, AGENT, OPERATOR, Server},
    write::{batch, now, send},
};
use reqwest::{Method, StatusCode, blocking::Response, header};
use serde_json::json;
use wire::remote_write::{self, Version};

const PACKED: [Compression; 3] = [Compression::Gzip, Compression::Zstd, Compression::Snappy];

fn packed(compression: Compression, plain: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    compress(compression, plain, &mut body).expect("compresses");
    body
}

/// An endpoint that takes a body: token, path, content type, a body it takes, and the encodings
/// that it knows besides none.
struct Endpoint {
    token: &'static str,
    path: &'static str,
    content_type: &'static str,
    plain: Vec<u8>,
    known: &'static [Compression],
    takes_plain: bool,
    /// What is answered to a body that inflates to more than it may.
    bomb: StatusCode,
}

impl Endpoint {
    fn post(&self, server: &Server, encoding: Option<&str>, body: Vec<u8>) -> Response {
        let mut request = server.post(self.token, self.path);
        if let Some(encoding) = encoding {
            request = request.header(header::CONTENT_ENCODING, encoding);
        }
        let request = request.header(header::CONTENT_TYPE, self.content_type).body(body);
        request.send().expect("answers")
    }
}

fn endpoints() -> Vec<Endpoint> {
    let document = |token, path, content_type, plain: &[u8]| Endpoint {
        token,
        path,
        content_type,
        plain: plain.to_vec(),
        known: &PACKED,
        takes_plain: true,
        bomb: StatusCode::PAYLOAD_TOO_LARGE,
    };
    let form = "application/x-www-form-urlencoded";
    let events = json!([{"time": now(), "kind": "exited", "reason": "",
        "target": {"tenant": "acme", "app": "a", "instance": "i", "node": "n1"}}]);
    let otlp = json!({"resourceMetrics": []}).to_string();
    let mut write = Vec::new();
    let up = batch(&[("__name__", "up")], &[(now(), 1.0)]);
    remote_write::encode(Version::V2, &up, &mut write);
    vec![
        document(ACME, "/api/v1/query", form, b"query=1"),
        document(ACME, "/api/v1/series", form, b"match[]=up"),
        document(AGENT, "/api/v1/events", "application/json", events.to_string().as_bytes()),
        Endpoint {
            bomb: StatusCode::BAD_REQUEST,
            ..document(ACME, "/api/v1/otlp/v1/metrics", "application/json", otlp.as_bytes())
        },
        Endpoint {
            bomb: StatusCode::BAD_REQUEST,
            ..document(ACME, "/api/v1/read", "application/x-protobuf", b"")
        },
        // The receivers' conformance tests want gzip refused here.
        Endpoint {
            known: &[Compression::Zstd, Compression::Snappy],
            takes_plain: false,
            bomb: StatusCode::BAD_REQUEST,
            ..document(ACME, "/api/v1/write", Version::V2.content_type(), &write)
        },
    ]
}

#[test]
fn bodies_come_in_every_encoding_that_is_known() {
    let server = Server::start();
    // More than any of them may become: remote write stops at 256 MiB, and at 64 times the body.
    let zeros = vec![0; 32 << 20];
    for endpoint in endpoints() {
        let path = endpoint.path;
        if endpoint.takes_plain {
            let mut plain = vec![Some("identity")];
            // Remote read is compressed unless it says that it is not.
            plain.extend((path != "/api/v1/read").then_some(None));
            for encoding in plain {
                let answer = endpoint.post(&server, encoding, endpoint.plain.clone());
                assert!(answer.status().is_success(), "{path} {encoding:?}: {:?}", answer.text());
            }
        }
        for compression in PACKED {
            let name = compression.as_str();
            let answer = endpoint.post(&server, Some(name), packed(compression, &endpoint.plain));
            if !endpoint.known.contains(&compression) {
                assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path} {name}");
                continue;
            }
            assert!(answer.status().is_success(), "{path} {name}: {:?}", answer.text());
            let corrupt = endpoint.post(&server, Some(name), vec![0xff; 40]);
            assert_eq!(corrupt.status(), StatusCode::BAD_REQUEST, "{path} {name}");
            // Snappy cannot hide more than 22 times its length, which remote write lets through.
            if compression != Compression::Snappy || path != "/api/v1/write" {
                let bomb = endpoint.post(&server, Some(name), packed(compression, &zeros));
                let refused = [endpoint.bomb, StatusCode::BAD_REQUEST];
                assert!(refused.contains(&bomb.status()), "{path} {name}: {}", bomb.status());
            }
        }
        for unknown in ["br", "deflate", "gzip, zstd"] {
            let answer = endpoint.post(&server, Some(unknown), endpoint.plain.clone());
            assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path} {unknown}");
            let text = answer.text().expect("has a body");
            assert!(
                text.contains("zstd") && text.contains("snappy"),
                "names what it knows: {text}"
            );
        }
    }
}

#[test]
fn answers_are_compressed_as_the_client_accepts() {
    let server = Server::start();
    for number in 0..20 {
        let number = number.to_string();
        let labels = [("__name__", "many"), ("number", number.as_str())];
        let stored = send(&server, ACME, Version::V2, &batch(&labels, &[(now(), 1.0)]));
        assert_eq!(stored.status(), StatusCode::NO_CONTENT);
    }
    for (token, path) in [
        (ACME, "/api/v1/query?query=many"),
        (ACME, "/api/v1/labels"),
        (ACME, "/api/v1/series?match[]=many"),
        (ACME, "/federate?match[]=many"),
        (OPERATOR, "/api/v1/status/flags"),
        (OPERATOR, "/metrics"),
    ] {
        let get = |accept: &str| {
            let request = server.request(Method::GET, token, path);
            let answer = request.header(header::ACCEPT_ENCODING, accept).send().expect("answers");
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            let encoding = answer.headers().get(header::CONTENT_ENCODING).cloned();
            let encoding = encoding.map(|value| value.to_str().expect("is text").to_owned());
            (encoding, answer.bytes().expect("has a body"))
        };
        for (accept, expected) in [
            ("gzip", Some(Compression::Gzip)),
            ("zstd", Some(Compression::Zstd)),
            ("gzip;q=0.5, zstd", Some(Compression::Zstd)),
            ("deflate, gzip", Some(Compression::Gzip)),
            ("gzip;q=0", None),
            ("identity", None),
            ("", None),
        ] {
            let (encoding, body) = get(accept);
            assert_eq!(encoding.as_deref(), expected.map(Compression::as_str), "{path}: {accept}");
            let mut plain = Vec::new();
            match expected {
                Some(compression) => {
                    decompress(compression, &body, 1 << 20, &mut plain).expect("inflates");
                }
                None => plain.extend_from_slice(&body),
            }
            assert!(plain.is_ascii() && plain.len() > 32, "{path}: {accept}");
        }
    }
}
