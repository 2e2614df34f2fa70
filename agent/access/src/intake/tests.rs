//! Tests that what is said is counted once, for its owner or in what became of it.

use std::collections::BTreeMap;

use model::{labels::Labels, tenant::TenantId, time::Timestamp, write::WriteBatch};
use proptest::prelude::*;
use requests::recorder::{Options, Recorder};

use crate::{
    config::SourceSettings,
    counting::{Counting, SourceStats},
};

pub(crate) fn counting() -> Counting {
    Counting::new(Recorder::new(Options::default()).expect("are valid options"))
}

/// A source for tenant `acme`, with further settings.
pub(crate) fn source(more: &str) -> SourceSettings {
    let owner = r#""owner":{"tenants":["acme"],"app":"shop","fields":{"tenant":"customer"}}"#;
    serde_json::from_str(&format!(r#"{{"name":"edge",{more}{owner}}}"#)).expect("is a source")
}

/// Requests of a tenant by code, as they leave.
pub(crate) fn by_code(counting: &Counting, tenant: &str) -> BTreeMap<String, u64> {
    let mut batches = BTreeMap::new();
    counting.flush(Timestamp(1_000), &mut batches, false);
    let batch = batches.get(&TenantId::new(tenant).expect("is a tenant"));
    let mut found = BTreeMap::new();
    for series in batch.into_iter().flat_map(WriteBatch::series) {
        let labels = Labels::from_bytes(series.labels).expect("are packed labels");
        if labels.metric() == "istio_requests_total" {
            let code = labels.get("response_code").expect("has a code").to_owned();
            *found.entry(code).or_default() += series.samples[0].value as u64;
        }
    }
    found
}

#[test]
fn each_line_has_one_outcome() {
    let counting = counting();
    let intake = counting.intake(&source(""));
    intake.lines(
        b"{\"status\":200}\n{\"status\":200,\"customer\":\"acme\"}\r\n\n{\"status\":503}\n\
          {\"status\":200,\"customer\":\"beta\"}\n{\"status\":\nno line\n\
          {\"status\":404,\"path\":\"\xff\xfe\"}\n",
    );
    intake.lines(format!("{{\"a\":\"{}\"}}\n", "x".repeat(40_000)).as_bytes());
    let expect = SourceStats {
        counted: 4,
        malformed: 2,
        too_long: 1,
        unattributed: 1,
        ..SourceStats::default()
    };
    assert_eq!(counting.stats(), [("edge".to_owned(), expect)]);
    let codes = [("200", 2), ("404", 1), ("503", 1)].map(|(code, count)| (code.to_owned(), count));
    assert_eq!(by_code(&counting, "acme"), BTreeMap::from(codes));
    assert_eq!(by_code(&counting, "beta"), BTreeMap::new());
}

#[test]
fn datagrams_have_headers() {
    let counting = counting();
    let intake = counting.intake(&source(""));
    let json = &b"<190>Nov 23 11:30:03 ng: {\"status\":\"201\"}"[..];
    let combined =
        &b"<190>Nov 23 11:30:03 h ng: ::1 - - [t] \"GET / HTTP/1.1\" 202 5 \"-\" \"{\""[..];
    intake.datagrams([json, combined, b"<1>", b""].into_iter());
    let (_, stats) = &counting.stats()[0];
    assert_eq!((stats.counted, stats.malformed), (2, 2));
}

proptest! {
    #[test]
    fn any_bytes_have_outcomes(
        lines in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 1..40),
                "\\{\"status\":[0-9]{1,4},\"customer\":\"(acme|beta)\"\\}".prop_map(String::into_bytes),
            ],
            0..20,
        ),
    ) {
        let counting = counting();
        let intake = counting.intake(&source(""));
        let lines: Vec<Vec<u8>> =
            lines.into_iter().map(|line| line.into_iter().filter(|byte| *byte != b'\n').collect()).collect();
        let lines: Vec<Vec<u8>> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        intake.lines(&lines.join(&b'\n'));
        let (_, SourceStats { counted, malformed, too_long, unattributed, .. }) = counting.stats()[0];
        prop_assert_eq!(counted + malformed + too_long + unattributed, lines.len() as u64);
    }
}
