//! Answers in parts, whole, and broken.

use super::parse;

#[test]
fn an_answer_is_read_when_it_is_whole() {
    let whole = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n\r\nwrong";
    for end in 0..whole.len() {
        assert_eq!(parse(&whole[..end]), Ok(None), "{end}");
    }
    assert_eq!(parse(whole), Ok(Some((400, "wrong".to_owned()))));
    assert_eq!(parse(b"HTTP/1.1 204 No Content\r\n\r\n"), Ok(Some((204, String::new()))));
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let cases: [&[u8]; 3] = [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n",
    ];
    for bytes in cases {
        assert!(parse(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
    }
    assert!(parse(&vec![b'x'; 100_000]).is_err());
}
