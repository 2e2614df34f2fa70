//! Tests of reading heads; whole exchanges are tested with real servers.

use proptest::prelude::*;

use super::*;

fn head(text: &str) -> Result<Option<(u16, Framing, bool)>, Class> {
    match parse(text.as_bytes()) {
        Ok(None) => Ok(None),
        Ok(Some(head)) => Ok(Some((head.answer.status, head.framing, head.answer.reusable))),
        Err(failed) => Err(failed.class),
    }
}

#[test]
fn heads_say_how_the_body_ends() {
    for (text, expect) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", (200, Framing::Length(5), true)),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", (200, Framing::Length(5), false)),
        ("HTTP/1.1 200 OK\r\nconnection: Close\r\n\r\n", (200, Framing::UntilClose, false)),
        ("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n", (200, Framing::Chunked, true)),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            (200, Framing::Chunked, true),
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", (200, Framing::UntilClose, true)),
        ("HTTP/1.1 204 No Content\r\n\r\n", (204, Framing::Length(0), true)),
        ("HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n", (304, Framing::Length(0), true)),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            (200, Framing::Length(5), true),
        ),
    ] {
        assert_eq!(head(text), Ok(Some(expect)), "{text:?}");
    }
}

#[test]
fn what_is_not_http_is_told_from_what_is_not_complete() {
    for text in ["", "H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n"] {
        assert_eq!(head(text), Ok(None), "{text:?}");
    }
    for text in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 xx OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    ] {
        assert_eq!(head(text), Err(Class::Protocol), "{text:?}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(bytes: Vec<u8>) {
        drop(parse(&bytes).map(|head| head.is_some()));
    }

    #[test]
    fn nothing_that_looks_like_a_head_panics(tail in "[ -~\\r\\n]{0,200}") {
        prop_assert_ne!(head(&format!("HTTP/1.1 {tail}\r\n\r\n")), Err(Class::Local));
    }
}
