//! Targets for tests: HTTP/1.1 just enough to answer.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// What a target sends back: everything, status line to body.
pub(crate) type Answer = Vec<u8>;

/// Serves each request with what `answer` makes of it, until the runtime ends.
pub(crate) async fn serve(answer: impl Fn(&str) -> Answer + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("has an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _peer)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read_buf(&mut request).await {
                    Ok(read) if read > 0 => {}
                    _ => break,
                }
            }
            let answer = answer(&String::from_utf8_lossy(&request));
            drop(stream.write_all(&answer).await);
        }
    });
    address
}

/// A whole answer with a body.
pub(crate) fn ok(headers: &str, body: &[u8]) -> Answer {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

pub(crate) fn text(body: &str) -> Answer {
    ok("content-type: text/plain\r\n", body.as_bytes())
}
