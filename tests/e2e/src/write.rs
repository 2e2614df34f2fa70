//! Remote writes as a test makes them.

use std::time::{SystemTime, UNIX_EPOCH};

use codec::inflate::{Compression, compress};
use model::write::{Sample, WriteBatch};
use reqwest::blocking::{RequestBuilder, Response};
use wire::remote_write::{self, HEADER_VERSION, Version};

use crate::server::Server;

/// Milliseconds since the Unix epoch.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("is after 1970");
    i64::try_from(since.as_millis()).expect("fits")
}

/// One series with samples.
pub fn batch(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> WriteBatch {
    let mut batch = WriteBatch::default();
    batch.begin_series(&mut labels.to_vec()).expect("is valid");
    for (time, value) in samples {
        batch.push_sample(Sample { time: *time, value: *value, start: 0 });
    }
    batch
}

/// Sends a batch with the headers that its version asks for.
pub fn send(server: &Server, token: &str, version: Version, batch: &WriteBatch) -> Response {
    send_by(server.post(token, "/api/v1/write"), version, batch)
}

/// The same to whatever a request is addressed to.
pub fn send_by(request: RequestBuilder, version: Version, batch: &WriteBatch) -> Response {
    let mut plain = Vec::new();
    remote_write::encode(version, batch, &mut plain);
    let mut body = Vec::new();
    compress(Compression::Snappy, &plain, &mut body).expect("compresses");
    request
        .header("content-type", version.content_type())
        .header("content-encoding", "snappy")
        .header(HEADER_VERSION, version.header())
        .body(body)
        .send()
        .expect("answers")
}
