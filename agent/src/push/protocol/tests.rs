//! Tests of when which language is spoken.

use std::time::Duration;

use tokio::time::Instant;
use wire::{
    frames::Verdict,
    remote_write::{HEADER_SAMPLES_WRITTEN, Version},
};

use super::{Choice, FRAMES_AGAIN, Language, Protocol};

const V1: Language = Language::RemoteWrite(Version::V1);
const V2: Language = Language::RemoteWrite(Version::V2);

#[test]
fn frames_come_first_and_come_back() {
    let now = Instant::now();
    let soon = now + FRAMES_AGAIN - Duration::from_millis(1);
    let mut protocol = Protocol::new(Choice::Auto);
    assert_eq!(protocol.language(now), Language::Frames);
    assert!(protocol.unknown(Language::Frames, now));
    assert_eq!(protocol.language(now), V2);
    assert!(protocol.unknown(V2, now));
    assert_eq!(protocol.language(soon), V1);
    assert_eq!(protocol.language(now + FRAMES_AGAIN), Language::Frames);
    // What was learned of remote write is not forgotten.
    assert!(protocol.unknown(Language::Frames, now + FRAMES_AGAIN));
    assert_eq!(protocol.language(now + FRAMES_AGAIN), V1);
}

#[test]
fn a_lost_connection_is_a_reason_to_ask_again() {
    let now = Instant::now();
    let mut protocol = Protocol::new(Choice::Auto);
    protocol.disconnected(now);
    assert_eq!(protocol.language(now), Language::Frames);
    protocol.unknown(Language::Frames, now);
    assert_eq!(protocol.language(now), V2);
    protocol.disconnected(now);
    assert_eq!(protocol.language(now), Language::Frames);
}

#[test]
fn a_choice_is_kept() {
    let now = Instant::now();
    let mut frames = Protocol::new(Choice::Frames);
    assert!(!frames.unknown(Language::Frames, now));
    assert_eq!(frames.language(now), Language::Frames);
    let mut plain = Protocol::new(Choice::RemoteWrite);
    assert_eq!(plain.language(now), V2);
    plain.disconnected(now);
    assert!(plain.unknown(V2, now));
    assert_eq!(plain.language(now + FRAMES_AGAIN * 2), V1);
}

#[test]
fn answers_to_remote_write() {
    let refused = Verdict::Refused { applied: true };
    let cases = [
        (V2, 204, true, Verdict::Stored),
        (V2, 204, false, Verdict::Unknown),
        (V1, 204, false, Verdict::Stored),
        (V2, 415, false, Verdict::Unknown),
        (V1, 415, false, refused),
        (V2, 400, true, refused),
        (V2, 404, false, refused),
        (V2, 409, false, refused),
        (V2, 401, false, Verdict::Later),
        (V2, 429, true, Verdict::Later),
        (V1, 503, false, Verdict::Later),
    ];
    for (language, status, counted, expected) in cases {
        let header =
            |name: &'static str| (counted && name == HEADER_SAMPLES_WRITTEN).then_some("1");
        assert_eq!(language.verdict(status, 0, header), expected, "{language:?} {status}");
    }
}
