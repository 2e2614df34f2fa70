//! Tests of headers and answers.

use codec::inflate::Compression;

use super::{CONTENT_TYPE, HEADER_SEQUENCE, Unsupported, Verdict, accept, verdict};
use crate::remote_write::{HEADER_SAMPLES_WRITTEN, Version};

#[test]
fn frames_are_told_from_everything_else() {
    let cases = [
        (CONTENT_TYPE, None, None),
        (CONTENT_TYPE, Some("identity"), None),
        ("Application/VND.tidewatch.Frames ; Version=\"1\"", Some("ZSTD"), Some(Compression::Zstd)),
        ("application/vnd.tidewatch.frames", Some(""), None),
    ];
    for (content_type, encoding, compression) in cases {
        assert_eq!(accept(Some(content_type), encoding), Ok(compression), "{content_type}");
    }
    let refused = |content_type, encoding| accept(content_type, encoding).expect_err("is refused");
    for other in ["application/vnd.tidewatch.frames;version=2", Version::V2.content_type(), ""] {
        assert_eq!(refused(Some(other), None), Unsupported::ContentType(other.to_owned()));
    }
    assert!(matches!(refused(None, None), Unsupported::ContentType(_)));
    for other in ["snappy", "gzip", "deflate"] {
        assert_eq!(
            refused(Some(CONTENT_TYPE), Some(other)),
            Unsupported::Encoding(other.to_owned())
        );
    }
    assert!(refused(Some(&"x".repeat(10_000)), None).to_string().len() < 300);
}

type Headers<'a> = &'a [(&'a str, &'a str)];

#[test]
fn answers_mean_what_the_table_says() {
    let counted = [(HEADER_SAMPLES_WRITTEN, "5")];
    let applied = [(HEADER_SEQUENCE, "3")];
    let before = [(HEADER_SEQUENCE, "2")];
    let cases: [(u16, Headers<'_>, Verdict); 23] = [
        (200, &counted, Verdict::Stored),
        (204, &counted, Verdict::Stored),
        (200, &[], Verdict::Unknown),
        (204, &[], Verdict::Unknown),
        (400, &[], Verdict::Unknown),
        (400, &[(HEADER_SEQUENCE, "0")], Verdict::Refused { applied: false }),
        (400, &before, Verdict::Refused { applied: false }),
        (400, &[(HEADER_SEQUENCE, "x")], Verdict::Refused { applied: false }),
        (400, &applied, Verdict::Refused { applied: true }),
        (403, &[], Verdict::Unknown),
        (403, &before, Verdict::Refused { applied: false }),
        (413, &[], Verdict::Unknown),
        (401, &[], Verdict::Later),
        (429, &[], Verdict::Later),
        (429, &before, Verdict::Later),
        (429, &applied, Verdict::BeginAnew),
        (503, &applied, Verdict::BeginAnew),
        (503, &[], Verdict::Later),
        (409, &applied, Verdict::BeginAnew),
        (404, &[], Verdict::Unknown),
        (404, &applied, Verdict::Unknown),
        (405, &[], Verdict::Unknown),
        (415, &[], Verdict::Unknown),
    ];
    for (status, headers, expected) in cases {
        let header = |name: &'static str| {
            headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        };
        assert_eq!(verdict(status, 3, header), expected, "{status} {headers:?}");
    }
}
