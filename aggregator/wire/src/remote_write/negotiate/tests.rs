//! Tests of what senders announce.

use codec::inflate::Compression;

use super::{Unsupported, Version, negotiate};

#[test]
fn headers_choose_version_and_compression() {
    let cases = [
        (None, None, Version::V1, Compression::Snappy),
        (Some("application/x-protobuf"), Some("snappy"), Version::V1, Compression::Snappy),
        (
            Some("application/x-protobuf;proto=prometheus.WriteRequest"),
            Some("snappy"),
            Version::V1,
            Compression::Snappy,
        ),
        (
            Some("application/x-protobuf;proto=io.prometheus.write.v2.Request"),
            Some("zstd"),
            Version::V2,
            Compression::Zstd,
        ),
        (
            Some("Application/X-Protobuf; charset=x; proto=\"io.prometheus.write.v2.Request\""),
            Some("Snappy"),
            Version::V2,
            Compression::Snappy,
        ),
    ];
    for (content_type, encoding, version, compression) in cases {
        assert_eq!(negotiate(content_type, encoding), Ok((version, compression)));
    }
    for version in [Version::V1, Version::V2] {
        assert_eq!(
            negotiate(Some(version.content_type()), None),
            Ok((version, Compression::Snappy))
        );
    }
}

#[test]
fn everything_else_is_named() {
    let refused = |content_type, encoding| negotiate(content_type, encoding).expect_err("refused");
    assert!(matches!(refused(Some("application/json"), None), Unsupported::ContentType(_)));
    assert!(matches!(
        refused(Some("application/x-protobuf;proto=other"), None),
        Unsupported::Message(name) if name == "other"
    ));
    for encoding in ["gzip", "deflate", "identity"] {
        assert_eq!(refused(None, Some(encoding)), Unsupported::Encoding(encoding.to_owned()));
    }
    let long = "x".repeat(10_000);
    assert!(refused(Some(&long), None).to_string().len() < 300);
}
