//! gRPC calls over a unix socket, as many as container runtimes need.
//!
//! A call is a POST over HTTP/2; each message stands behind a byte that says whether it is
//! compressed and its length in four bytes, big-endian. The status comes in trailers, or in the
//! headers where there is no message. Source: "gRPC over HTTP2" of the gRPC documentation.

use std::{path::Path, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use h2::{RecvStream, client::ResponseFuture, client::SendRequest};
use http::{HeaderMap, Request};
use tokio::{net::UnixStream, task::JoinHandle, time::timeout};

/// A call that takes longer has failed.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest message.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// The longest error text that is kept.
const ERROR_CHARS_MAX: usize = 300;
const WINDOW: u32 = 1 << 20;
const PREFIX: usize = 5;

/// The status code of a call that the server does not know.
const UNIMPLEMENTED: u32 = 12;
const NOT_FOUND: u32 = 5;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("cannot connect: {0}")]
    Connect(#[source] std::io::Error),
    #[error("the connection failed: {0}")]
    Connection(#[from] h2::Error),
    #[error("no answer in time")]
    Timeout,
    #[error("status {code}: {message}")]
    Status { code: u32, message: String },
    #[error("the answer is longer than {MESSAGE_BYTES_MAX} bytes")]
    TooLong,
    #[error("malformed answer: {0}")]
    Malformed(&'static str),
}

impl CallError {
    /// Whether the server does not offer this call.
    pub fn is_unimplemented(&self) -> bool {
        matches!(self, Self::Status { code: UNIMPLEMENTED, .. })
    }

    /// Whether the server does not know what was asked for.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { code: NOT_FOUND, .. })
    }
}

/// A connection to a server. Calls may run side by side.
#[derive(Debug)]
pub struct Channel {
    sender: SendRequest<Bytes>,
    driver: JoinHandle<()>,
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Channel {
    pub async fn connect(socket: &Path) -> Result<Self, CallError> {
        let connecting = async {
            let stream = UnixStream::connect(socket).await.map_err(CallError::Connect)?;
            let mut builder = h2::client::Builder::new();
            builder.initial_window_size(WINDOW).initial_connection_window_size(4 * WINDOW);
            let (sender, connection) = builder.handshake::<_, Bytes>(stream).await?;
            let driver = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a runtime's connection ended");
                }
            });
            Ok(Self { sender, driver })
        };
        timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_elapsed| CallError::Timeout)?
    }

    /// One message for one message.
    pub async fn call(&self, path: &str, message: &[u8]) -> Result<Bytes, CallError> {
        let calling = async {
            let mut stream = self.stream(path, message, &[]).await?;
            let first = stream.next().await?;
            // The status comes behind the message.
            while stream.next().await?.is_some() {}
            first.ok_or(CallError::Malformed("no message"))
        };
        timeout(CALL_TIMEOUT, calling).await.map_err(|_elapsed| CallError::Timeout)?
    }

    /// One message for a stream of them. The server may answer at any time later.
    pub async fn stream(
        &self,
        path: &str,
        message: &[u8],
        headers: &[(&'static str, &'static str)],
    ) -> Result<Messages, CallError> {
        let mut request = Request::post(format!("http://localhost{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).map_err(|_error| CallError::Malformed("path"))?;
        let sender = self.sender.clone();
        let mut sender = timeout(CALL_TIMEOUT, sender.ready())
            .await
            .map_err(|_elapsed| CallError::Timeout)??;
        let (response, mut body) = sender.send_request(request, false)?;
        let mut frame = BytesMut::with_capacity(PREFIX + message.len());
        frame.extend_from_slice(&[0]);
        frame.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
        frame.extend_from_slice(message);
        body.send_data(frame.freeze(), true)?;
        Ok(Messages { begun: Begun::Waiting(response), buffer: BytesMut::new() })
    }
}

/// The answer of a call, message by message.
#[derive(Debug)]
pub struct Messages {
    begun: Begun,
    buffer: BytesMut,
}

#[derive(Debug)]
enum Begun {
    Waiting(ResponseFuture),
    Body(RecvStream),
    Over,
}

impl Messages {
    /// The next message, `None` at a good end. Waits as long as the server does. May be dropped
    /// while it waits; nothing is lost then.
    pub async fn next(&mut self) -> Result<Option<Bytes>, CallError> {
        loop {
            if let Some(message) = take_message(&mut self.buffer)? {
                return Ok(Some(message));
            }
            match &mut self.begun {
                Begun::Over => return Ok(None),
                Begun::Waiting(response) => {
                    let (head, body) = response.await?.into_parts();
                    if head.status != http::StatusCode::OK {
                        return Err(CallError::Malformed("HTTP status"));
                    }
                    if head.headers.contains_key("grpc-status") {
                        self.begun = Begun::Over;
                        return status(&head.headers).map(|()| None);
                    }
                    self.begun = Begun::Body(body);
                }
                Begun::Body(body) => match body.data().await {
                    Some(data) => {
                        let data = data?;
                        let _unused = body.flow_control().release_capacity(data.len());
                        if self.buffer.len() + data.len()
                            > PREFIX + MESSAGE_BYTES_MAX + WINDOW as usize
                        {
                            return Err(CallError::TooLong);
                        }
                        self.buffer.extend_from_slice(&data);
                    }
                    None => {
                        let trailers = body.trailers().await?;
                        self.begun = Begun::Over;
                        status(&trailers.unwrap_or_default())?;
                        if !self.buffer.is_empty() {
                            return Err(CallError::Malformed("a message is cut short"));
                        }
                    }
                },
            }
        }
    }
}

/// A whole message off the front of what has come.
fn take_message(buffer: &mut BytesMut) -> Result<Option<Bytes>, CallError> {
    let Some(&[compressed, a, b, c, d]) = buffer.first_chunk::<PREFIX>() else { return Ok(None) };
    if compressed != 0 {
        return Err(CallError::Malformed("compressed without being asked to"));
    }
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if length > MESSAGE_BYTES_MAX {
        return Err(CallError::TooLong);
    }
    if buffer.len() - PREFIX < length {
        return Ok(None);
    }
    buffer.advance(PREFIX);
    Ok(Some(buffer.split_to(length).freeze()))
}

fn status(headers: &HeaderMap) -> Result<(), CallError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let code: u32 =
        text("grpc-status").parse().map_err(|_error| CallError::Malformed("no status"))?;
    if code == 0 {
        return Ok(());
    }
    let message = text("grpc-message").chars().take(ERROR_CHARS_MAX).collect();
    Err(CallError::Status { code, message })
}

#[cfg(test)]
mod tests;
