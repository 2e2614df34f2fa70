//! What a remote write receiver has to answer, case by case: the class of the status, and the
//! headers that say what was written.
//!
//! Cases after the remote write specifications 1.0 and 2.0.

use codec::{
    inflate::{Compression, compress},
    varint::put_u64,
};
use e2e::{
    server::{ACME, Server},
    write::{batch, now},
};
use model::{exemplar::Exemplar, labels::Labels, time::Timestamp, write::WriteBatch};
use reqwest::blocking::Response;
use wire::remote_write::{self, HEADER_RETRY_ATTEMPT, HEADER_VERSION, Version};

const V1: &str = "application/x-protobuf";
const V2: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

fn post(server: &Server, content_type: &str, encoding: &str, body: Vec<u8>) -> Response {
    let request = server.post(ACME, "/api/v1/write").header("content-type", content_type);
    let request = request.header("content-encoding", encoding).header(HEADER_RETRY_ATTEMPT, "3");
    let request = request.header(HEADER_VERSION, "2.0.0");
    request.body(body).send().expect("answers")
}

fn snappy(plain: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    compress(Compression::Snappy, plain, &mut body).expect("compresses");
    body
}

/// Samples, histograms and exemplars that the answer says were written.
fn written(answer: &Response) -> Option<[u64; 3]> {
    let number = |what: &str| {
        let value = answer.headers().get(format!("x-prometheus-remote-write-{what}-written"))?;
        value.to_str().ok()?.parse().ok()
    };
    Some([number("samples")?, number("histograms")?, number("exemplars")?])
}

fn field(out: &mut Vec<u8>, number: u64, content: &[u8]) {
    put_u64(out, number << 3 | 2);
    put_u64(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// A message of 2.0 with these symbols, and series of references to names and values.
fn request(symbols: &[&str], series: &[(&[u8], &[Part])]) -> Vec<u8> {
    let mut body = Vec::new();
    for symbol in symbols {
        field(&mut body, 4, symbol.as_bytes());
    }
    for (refs, parts) in series {
        let mut one = Vec::new();
        field(&mut one, 1, refs);
        for part in *parts {
            part.put(&mut one);
        }
        field(&mut body, 5, &one);
    }
    body
}

/// What it shows, series, the status, and what is written.
type Case<'a> = (&'a str, &'a [(&'a [u8], &'a [Part])], u16, [u64; 3]);

#[derive(Clone, Copy)]
enum Part {
    /// A sample so many milliseconds from now.
    At(i64),
    /// An integer histogram of one bucket that holds 3, and its schema and count.
    Histogram(i32, u8),
    Exemplar,
}

impl Part {
    fn put(self, out: &mut Vec<u8>) {
        let time = |from_now: i64| (now() + from_now) as u64;
        let mut message = Vec::new();
        match self {
            Self::At(from_now) => {
                message.push(0x09);
                message.extend_from_slice(&1.5f64.to_le_bytes());
                message.push(0x10);
                put_u64(&mut message, time(from_now));
                field(out, 2, &message);
            }
            Self::Histogram(schema, count) => {
                message.extend([0x08, count, 0x20]);
                codec::varint::put_i64(&mut message, schema.into());
                message.extend([0x5a, 2, 0x10, 1, 0x62, 1, 6, 0x78]);
                put_u64(&mut message, time(0));
                field(out, 3, &message);
            }
            Self::Exemplar => {
                message.extend([0x0a, 2, 3, 2, 0x11]);
                message.extend_from_slice(&1.5f64.to_le_bytes());
                message.push(0x18);
                put_u64(&mut message, time(0));
                field(out, 4, &message);
            }
        }
    }
}

#[test]
fn what_is_written_is_told_and_the_rest_is_refused_for_good() {
    use Part::{At, Exemplar as Of, Histogram as H};
    let server = Server::start();
    let minute = 60_000;
    // Symbols: 1 is the name of metrics, then 2 a, 3 b, 4 c.
    let symbols = ["", "__name__", "a", "b", "c"];
    let a: &[u8] = &[1, 2];
    let cases: &[Case<'_>] = &[
        ("nothing", &[], 204, [0, 0, 0]),
        ("a sample", &[(a, &[At(0)])], 204, [1, 0, 0]),
        (
            "another value of a time that is taken is the same",
            &[(a, &[At(-minute)])],
            204,
            [1, 0, 0],
        ),
        ("a histogram", &[(&[1, 3], &[H(2, 3)])], 204, [0, 1, 0]),
        ("a histogram of a future schema", &[(&[1, 3, 2, 4], &[H(9, 3)])], 204, [0, 1, 0]),
        ("an exemplar beside", &[(&[1, 4], &[At(0), Of])], 204, [1, 0, 1]),
        ("labels in any order", &[(&[3, 4, 1, 2], &[At(0)])], 204, [1, 0, 0]),
        ("five minutes ahead", &[(a, &[At(5 * minute)])], 204, [1, 0, 0]),
        ("an hour ahead", &[(a, &[At(60 * minute)])], 400, [0, 0, 0]),
        ("before retention", &[(a, &[At(-100 * 24 * 60 * minute)])], 400, [0, 0, 0]),
        ("no sample", &[(a, &[])], 400, [0, 0, 0]),
        ("no sample but an exemplar", &[(a, &[Of])], 400, [0, 0, 0]),
        ("no labels", &[(&[], &[At(0)])], 400, [0, 0, 0]),
        ("no name", &[(&[3, 4], &[At(0)])], 400, [0, 0, 0]),
        ("an empty name", &[(&[1, 0], &[At(0)])], 400, [0, 0, 0]),
        ("a label twice", &[(&[1, 2, 3, 4, 3, 4], &[At(0)])], 400, [0, 0, 0]),
        ("a name without a value", &[(&[1, 2, 3], &[At(0)])], 400, [0, 0, 0]),
        ("a reference to nowhere", &[(&[1, 9], &[At(0)])], 400, [0, 0, 0]),
        ("a count that is not that of the buckets", &[(&[1, 3], &[H(2, 4)])], 400, [0, 0, 0]),
        ("an unknown schema", &[(&[1, 3], &[H(53, 3)])], 400, [0, 0, 0]),
        ("the rest of a series", &[(&[1, 2, 4, 4], &[At(0), At(60 * minute)])], 400, [1, 0, 0]),
        (
            "the rest of a request",
            &[(&[], &[At(0)]), (&[1, 2, 4, 3], &[At(0), Of])],
            400,
            [1, 0, 1],
        ),
    ];
    for (what, series, status, counts) in cases {
        let answer = post(&server, V2, "snappy", snappy(&request(&symbols, series)));
        let (found, told) = (answer.status().as_u16(), written(&answer));
        let text = answer.text().expect("has a body");
        assert_eq!((found, told), (*status, Some(*counts)), "{what}: {text}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_by_its_class() {
    let server = Server::start();
    let good = batch(&[("__name__", "up")], &[(now(), 1.0)]);
    let encoded = |version: Version| {
        let mut plain = Vec::new();
        remote_write::encode(version, &good, &mut plain);
        plain
    };
    let (v1, v2) = (encoded(Version::V1), encoded(Version::V2));
    let bent = [&[0xff][..], &snappy(&v2)].concat();
    let named = |proto: &str| format!("{V1};proto={proto}");
    let cases: Vec<(&str, String, &str, Vec<u8>, u16)> = vec![
        ("1.0 by its media type", V1.into(), "snappy", snappy(&v1), 204),
        ("1.0 by its name", named("prometheus.WriteRequest"), "snappy", snappy(&v1), 204),
        ("2.0", V2.into(), "snappy", snappy(&v2), 204),
        ("2.0 with spaces", V2.replace(';', " ; "), "snappy", snappy(&v2), 204),
        ("2.0 that says 1.0", V1.into(), "snappy", snappy(&v2), 400),
        ("1.0 that says 2.0", V2.into(), "snappy", snappy(&v1), 400),
        ("JSON", "application/json".into(), "snappy", snappy(&v2), 415),
        ("a picture", "image/png".into(), "snappy", snappy(&v2), 415),
        ("another message", named("io.prometheus.write.v3.Request"), "snappy", snappy(&v2), 415),
        ("gzip", V2.into(), "gzip", v2.clone(), 415),
        ("deflate", V2.into(), "deflate", v2.clone(), 415),
        ("not compressed", V2.into(), "snappy", v2.clone(), 400),
        ("bent compression", V2.into(), "snappy", bent, 400),
        ("bent message", V2.into(), "snappy", snappy(&v2[..v2.len() - 2]), 400),
    ];
    for (what, content_type, encoding, body, status) in cases {
        let answer = post(&server, &content_type, encoding, body);
        let found = answer.status().as_u16();
        assert_eq!(found, status, "{what}: {:?}", answer.text());
        assert!(answer.headers().get("retry-after").is_none(), "{what} is not to be sent again");
        // 1.0 knows no counts; a sender would take their absence for a loss.
        let counted = found == 204 && content_type.contains("v2");
        assert_eq!(written(&answer).is_some(), counted, "{what}");
    }
}

/// 1.0 has no partial writes on paper; what is good is stored all the same, and the status says that
/// sending again would not help.
#[test]
fn the_first_version_stores_what_it_can() {
    let server = Server::start();
    let mut mixed = batch(&[("__name__", "first")], &[(now(), 1.0)]);
    mixed.begin_series(&mut [("__name__", "late")]).expect("is valid");
    mixed.push_sample(model::write::Sample { time: 1000, value: 1.0, start: 0 });
    let answer = e2e::write::send(&server, ACME, Version::V1, &mixed);
    assert_eq!(answer.status().as_u16(), 400);
    assert_eq!(server.value(ACME, "first").as_deref(), Some("1"));
    let mut nameless = WriteBatch::default();
    nameless.begin_series(&mut [("job", "x")]).expect("is valid");
    nameless.push_sample(model::write::Sample { time: now(), value: 1.0, start: 0 });
    nameless.push_exemplar(Exemplar {
        labels: Labels::new([("id", "x")]).expect("is valid"),
        value: 1.0,
        time: Timestamp(now()),
    });
    assert_eq!(e2e::write::send(&server, ACME, Version::V1, &nameless).status().as_u16(), 400);
}
