//! Messages in pieces, and what is no message.

use bytes::BytesMut;
use http::HeaderMap;
use proptest::prelude::*;

use super::{CallError, MESSAGE_BYTES_MAX, status, take_message};

#[test]
fn a_status_is_read_or_missed() {
    let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    };
    assert!(status(&headers(&[("grpc-status", "0")])).is_ok());
    assert!(status(&headers(&[("grpc-status", "12")])).unwrap_err().is_unimplemented());
    let error = status(&headers(&[("grpc-status", "5"), ("grpc-message", "no such id")]));
    assert!(error.as_ref().unwrap_err().is_not_found());
    assert_eq!(error.unwrap_err().to_string(), "status 5: no such id");
    assert!(matches!(status(&headers(&[])), Err(CallError::Malformed(_))));
}

#[test]
fn what_is_too_long_or_compressed_is_refused_before_it_has_come() {
    let length = u32::try_from(MESSAGE_BYTES_MAX + 1).unwrap().to_be_bytes();
    let mut long = BytesMut::from(&[&[0][..], &length].concat()[..]);
    assert!(matches!(take_message(&mut long), Err(CallError::TooLong)));
    let mut compressed = BytesMut::from(&[1, 0, 0, 0, 0][..]);
    assert!(matches!(take_message(&mut compressed), Err(CallError::Malformed(_))));
}

proptest! {
    #[test]
    fn messages_come_out_as_they_went_in(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
        piece in 1usize..20,
    ) {
        let mut wire = Vec::new();
        for message in &messages {
            wire.push(0);
            wire.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
            wire.extend_from_slice(message);
        }
        let (mut buffer, mut read) = (BytesMut::new(), Vec::new());
        for piece in wire.chunks(piece) {
            buffer.extend_from_slice(piece);
            while let Some(message) = take_message(&mut buffer).unwrap() {
                read.push(message.to_vec());
            }
        }
        prop_assert_eq!(read, messages);
        prop_assert!(buffer.is_empty());
    }

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut buffer = BytesMut::from(&bytes[..]);
        while let Ok(Some(_)) = take_message(&mut buffer) {}
    }
}
