//! Tests of what encodings are known, and of bodies that are larger than they look.

use axum::http::HeaderValue;
use codec::inflate::compress;

use super::*;

fn headers(values: &[&'static str]) -> HeaderMap {
    values.iter().map(|v| (header::CONTENT_ENCODING, HeaderValue::from_static(v))).collect()
}

#[test]
fn encodings_are_known_by_name() {
    for (given, expect) in [
        (&[][..], None),
        (&[""], None),
        (&["identity"], None),
        (&["Identity "], None),
        (&["gzip"], Some(Compression::Gzip)),
        (&["x-gzip"], Some(Compression::Gzip)),
        (&["GZIP"], Some(Compression::Gzip)),
        (&["zstd"], Some(Compression::Zstd)),
        (&["snappy"], Some(Compression::Snappy)),
    ] {
        assert_eq!(compression_of(&headers(given)).expect("is known"), expect, "{given:?}");
    }
    for unknown in [&["br"][..], &["deflate"], &["gzip, zstd"], &["gzip", "gzip"], &["", ""]] {
        let error = compression_of(&headers(unknown)).expect_err("is unknown");
        assert!(matches!(error, ApiError::UnsupportedMediaType(_)));
        assert!(error.to_string().ends_with("send gzip, zstd, snappy or none"), "{error}");
    }
}

#[tokio::test]
async fn documents_are_inflated_up_to_a_limit() {
    let plain = b"query=up&time=1".repeat(100);
    for compression in [Compression::Gzip, Compression::Zstd, Compression::Snappy] {
        let packed = |content: &[u8]| {
            let mut body = Vec::new();
            compress(compression, content, &mut body).expect("compresses");
            Bytes::from(body)
        };
        let named = headers(&[compression.as_str()]);
        let read = document(&named, packed(&plain)).await.expect("is inflated");
        assert_eq!(read, plain, "{compression}");
        let most = vec![0; DOCUMENT_BYTES_MAX];
        assert!(document(&named, packed(&most)).await.is_ok(), "{compression}");
        let bomb = document(&named, packed(&[most, vec![0]].concat())).await;
        assert!(matches!(bomb, Err(ApiError::TooLarge(_))), "{compression}: {bomb:?}");
        let corrupt = document(&named, Bytes::from_static(b"\xff\xff\xff\xff")).await;
        assert!(matches!(corrupt, Err(ApiError::BadData(_))), "{compression}: {corrupt:?}");
    }
    let plain = Bytes::from_static(b"a");
    assert_eq!(document(&headers(&[]), plain.clone()).await.expect("is as it is"), plain);
}
