//! Tests of limits, and of arbitrary and damaged bytes.

use codec::varint::put_u64;
use proptest::prelude::*;

use super::{Body, FramesError, Link, Message, Options, Receiver, tick};
use crate::{
    frames::{
        Limits,
        format::{BATCH, FRAME, GROUP, put_checksum, put_header},
    },
    limits,
    protobuf::writer::put_message,
};

/// A body of one message.
fn body(kind: u32, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_header(&mut out, 1, 1);
    put_message(&mut out, kind, |out| out.extend_from_slice(content));
    put_checksum(&mut out);
    out
}

fn read(body: &[u8], limits: Limits) -> Result<usize, FramesError> {
    let mut messages = Body::read(body)?.messages(Options { lift: Some("tenant"), limits });
    let mut count = 0;
    while messages.next_message()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// A group of label sets, each told in full.
fn group(number: u64, tenant: &str, members: &[&[(&str, &str)]]) -> Vec<u8> {
    let mut out = Vec::new();
    put_u64(&mut out, number);
    put_u64(&mut out, tenant.len() as u64);
    out.extend_from_slice(tenant.as_bytes());
    put_u64(&mut out, members.len() as u64);
    for member in members {
        let mut packed = Vec::new();
        for text in member.iter().flat_map(|(name, value)| [name, value]) {
            put_u64(&mut packed, text.len() as u64);
            packed.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(&[0, 0]);
        put_u64(&mut out, packed.len() as u64);
        out.extend_from_slice(&packed);
    }
    body(GROUP, &out)
}

const NAME: (&str, &str) = ("__name__", "x");

#[test]
fn a_group_that_is_not_valid_is_refused_with_its_place() {
    assert_eq!(read(&group(0, "t", &[&[NAME]]), Limits::default()), Ok(1));
    let what = |body: &[u8]| match read(body, Limits::default()) {
        Err(FramesError::Corrupt { position, what }) => {
            assert!((21..body.len()).contains(&position), "{position}");
            what
        }
        other => panic!("{other:?}"),
    };
    let cases: [(Vec<u8>, &str); 8] = [
        (group(0, "t", &[]), "no members"),
        (group(0, &"t".repeat(65), &[&[NAME]]), "tenant is no name"),
        (group(0, "t", &[&[NAME, ("tenant", "u")]]), "a tenant of its own"),
        (group(0, "t", &[&[("app", "a")]]), "no metric name"),
        (group(0, "t", &[&[("b", "1"), NAME]]), "not sorted"),
        (group(0, "t", &[&[NAME, ("b", "")]]), "not sorted, complete"),
        (group(0, "t", &[&[NAME, ("b", &"v".repeat(9000))]]), "too long"),
        (group(0, "t", &[&[NAME, (&"n".repeat(2000), "v")]]), "too long"),
    ];
    for (body, why) in cases {
        assert!(what(&body).contains(why), "{} for {why}", what(&body));
    }
    // A set that shares more than there is, one that is cut, and a number that is cut.
    assert!(what(&body(GROUP, &[0, 0, 1, 1, 0, 0])).contains("shares more"));
    assert!(what(&body(GROUP, &[0, 0, 1, 0, 0, 9])).contains("longer than the message"));
    assert!(what(&body(FRAME, &[1])).contains("varint"));
}

#[test]
fn limits_name_themselves() {
    let two = group(5, "t", &[&[NAME], &[NAME, ("a", "b")]]);
    let all = Limits::default();
    let of = |labels: limits::Limits| Limits { labels, ..all };
    let each = limits::Limits::default();
    let cases = [
        (Limits { groups: 5, ..all }, "5 groups"),
        (Limits { group_members: 1, ..all }, "1 series in one group"),
        (Limits { tenants: 0, ..all }, "0 tenants"),
        (of(limits::Limits { series: 1, ..each }), "1 series"),
        (of(limits::Limits { text_bytes: 20, ..each }), "20 bytes of label text"),
    ];
    for (limits, name) in cases {
        let error = read(&two, limits).expect_err("is over the limit").to_string();
        assert_eq!(error, format!("the body exceeds the limit of {name}"));
    }
    let fits = limits::Limits { series: 2, text_bytes: 26, ..each };
    let fits = Limits { groups: 6, group_members: 2, tenants: 1, labels: fits, ..all };
    assert_eq!(read(&two, fits), Ok(1));
}

/// A body of so many empty messages.
fn repeated(kind: u32, content: &[u8], count: usize) -> Vec<u8> {
    let mut out = Vec::new();
    put_header(&mut out, 1, 1);
    for _ in 0..count {
        put_message(&mut out, kind, |out| out.extend_from_slice(content));
    }
    put_checksum(&mut out);
    out
}

/// Few bytes of a body make a message each, so messages are limited over the whole body.
#[test]
fn messages_are_limited_over_the_whole_body() {
    let cases =
        [(FRAME, &[0, 0][..], 65_536, "65536 frames"), (BATCH, &[], 1, "1 remote write requests")];
    for (kind, content, most, name) in cases {
        assert_eq!(read(&repeated(kind, content, most), Limits::default()), Ok(most));
        let error = read(&repeated(kind, content, most + 1), Limits::default());
        let error = error.expect_err("is over the limit").to_string();
        assert_eq!(error, format!("the body exceeds the limit of {name}"));
    }
}

#[test]
fn what_is_not_known_is_passed_over() {
    let mut body = Vec::new();
    put_header(&mut body, 9, 3);
    put_message(&mut body, 77, |out| out.extend_from_slice(b"of another time"));
    put_message(&mut body, FRAME, |out| out.extend_from_slice(&[4, 6, 1, 2]));
    put_checksum(&mut body);
    let read = Body::read(&body).expect("is read");
    assert_eq!((read.epoch, read.sequence), (9, 3));
    let mut messages = read.messages(Options::default());
    let Ok(Some(Message::Frame(frame))) = messages.next_message() else { panic!("no frame") };
    assert_eq!((frame.group, frame.time, frame.payload), (4, 3, &[1, 2][..]));
    assert!(messages.next_message().expect("is read").is_none());
}

#[test]
fn other_bodies_say_what_they_are() {
    let version = |version: u8| {
        let mut body = body(FRAME, &[0, 0]);
        body[4] = version;
        body
    };
    let none = |body: &[u8]| Body::read(body).map(|_| ()).expect_err("is refused").to_string();
    assert_eq!(none(b""), "the body does not begin as frames do");
    assert_eq!(none(b"\x0a\x05hello"), "the body does not begin as frames do");
    assert_eq!(none(b"TWFR"), "corrupt frames at byte 4: the body is cut short");
    assert_eq!(none(&version(2)), "version 2 of frames is not known, only 1");
    let mut first = Vec::new();
    put_header(&mut first, 1, 0);
    put_checksum(&mut first);
    assert_eq!(none(&first), "corrupt frames at byte 13: sequences begin at 1");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn arbitrary_messages_never_panic(
        messages in prop::collection::vec(
            (0u32..6, prop::collection::vec(prop_oneof![0u8..12, any::<u8>()], 0..60)),
            0..6,
        ),
        bare in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut body = Vec::new();
        put_header(&mut body, 1, 1);
        for (kind, content) in &messages {
            put_message(&mut body, kind + 1, |out| out.extend_from_slice(content));
        }
        body.extend_from_slice(&bare);
        put_checksum(&mut body);
        if let Err(FramesError::Corrupt { position, .. }) = read(&body, Limits::default()) {
            prop_assert!(position <= body.len());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(Body::read(&bytes).is_err());
    }

    /// No damage of one bit and no cut goes unnoticed.
    #[test]
    fn damage_is_an_error(
        count in 1usize..30,
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
        cut in any::<prop::sample::Index>(),
    ) {
        let names: Vec<_> = (0..count).map(|n| format!("t/a{}/m{n}", n % 3)).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let mut link = Link::default();
        link.send(&tick(0, &names));
        let mut damaged = link.body.clone();
        let at = at.index(damaged.len());
        damaged[at] ^= 1 << bit;
        prop_assert!(Receiver::default().receive(&damaged).is_err());
        let cut = cut.index(link.body.len());
        prop_assert!(Receiver::default().receive(&link.body[..cut]).is_err());
    }
}
