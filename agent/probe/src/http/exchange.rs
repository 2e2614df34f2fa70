//! A request and its answer on one connection.

use std::{io::ErrorKind, mem::MaybeUninit};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use super::{
    Progress, Stage,
    body::{Body, Framing, Reader},
};
use crate::{
    connect,
    outcome::{Class, Failed},
};

/// Longest head of an answer.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Headers of an answer.
const HEADERS_MAX: usize = 64;
/// Interim answers (1xx) before the real one.
const INTERIM_MAX: u32 = 4;
/// Most of a body that is read, as by the kubelet.
pub(super) const BODY_BYTES_MAX: usize = 10 * 1024;
/// First size of the read buffer: most answers fit.
const BUFFER_BYTES: usize = 2048;

/// A connection and what was read ahead from it.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    heard: bool,
    /// Requests sent over it.
    pub(crate) uses: u32,
}

/// An answer, with at most [`BODY_BYTES_MAX`] bytes of its body.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) body: Body,
    /// The connection can be used again.
    pub(super) reusable: bool,
}

struct Head {
    answer: Answer,
    framing: Framing,
    bytes: usize,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::with_capacity(BUFFER_BYTES), heard: false, uses: 0 }
    }

    /// Whether anything came back in the last exchange.
    pub(super) fn heard(&self) -> bool {
        self.heard
    }

    pub(super) async fn exchange(
        &mut self,
        request: &[u8],
        keep_body: bool,
        progress: &mut Progress,
    ) -> Result<Answer, Failed> {
        self.heard = false;
        self.uses = self.uses.saturating_add(1);
        if !self.buffer.is_empty() {
            return Err(Failed::new(Class::Protocol, "more was sent than was asked for"));
        }
        let began = Instant::now();
        progress.stage = Stage::Answering;
        let sent = self.stream.write_all(request).await;
        sent.map_err(|error| connect::failed("send", &error))?;
        let first = self.fill().await;
        progress.phases.processing += began.elapsed();
        if first? == 0 {
            return Err(Failed::new(Class::Reset, "connection closed without an answer"));
        }
        self.heard = true;
        progress.stage = Stage::Transferring;
        let began = Instant::now();
        let answer = self.receive(keep_body, progress).await;
        progress.phases.transfer += began.elapsed();
        answer
    }

    /// Reads more into the buffer; 0 at the end of the stream.
    async fn fill(&mut self) -> Result<usize, Failed> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(bytes) => Ok(bytes),
            // A server that closes with unread input resets; what it said before still counts.
            Err(error) if error.kind() == ErrorKind::ConnectionReset && self.heard => Ok(0),
            Err(error) => Err(connect::failed("receive", &error)),
        }
    }

    async fn receive(
        &mut self,
        keep_body: bool,
        progress: &mut Progress,
    ) -> Result<Answer, Failed> {
        let mut interim = 0;
        let head = loop {
            match parse(&self.buffer)? {
                Some(head) if (100..200).contains(&head.answer.status) => {
                    interim += 1;
                    if interim > INTERIM_MAX || head.answer.status == 101 {
                        return Err(Failed::new(Class::Protocol, "an unexpected interim answer"));
                    }
                    self.buffer.drain(..head.bytes);
                }
                Some(head) => break head,
                None if self.buffer.len() >= HEAD_BYTES_MAX => {
                    let message = format!("the answer's head is over {HEAD_BYTES_MAX} bytes");
                    return Err(Failed::new(Class::Protocol, message));
                }
                None => {
                    if self.fill().await? == 0 {
                        return Err(Failed::new(Class::Reset, "connection closed in the answer"));
                    }
                }
            }
        };
        let Head { mut answer, framing, bytes } = head;
        progress.status = Some(answer.status);
        self.buffer.drain(..bytes);
        let mut reader = Reader::new(framing);
        answer.body = Body::new(keep_body);
        loop {
            let used = reader.read(&self.buffer, &mut answer.body)?;
            self.buffer.drain(..used);
            progress.body_bytes = answer.body.len();
            if reader.is_complete() {
                break;
            }
            if answer.body.len() >= BODY_BYTES_MAX {
                answer.reusable = false;
                break;
            }
            if self.fill().await? == 0 {
                answer.reusable = false;
                if framing == Framing::UntilClose {
                    break;
                }
                return Err(Failed::new(Class::Reset, "connection closed in the body"));
            }
        }
        Ok(answer)
    }
}

/// Reads the head of an answer; `None` when it is not complete.
fn parse(buffer: &[u8]) -> Result<Option<Head>, Failed> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let parser = httparse::ParserConfig::default();
    let parsed = parser.parse_response_with_uninit_headers(&mut response, buffer, &mut headers);
    let bytes = match parsed {
        Ok(httparse::Status::Complete(bytes)) => bytes,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => {
            return Err(Failed::new(Class::Protocol, format!("the answer is not HTTP: {error}")));
        }
    };
    let status = response.code.unwrap_or(0);
    let mut answer = Answer { status, reusable: response.version == Some(1), ..Answer::default() };
    let mut length = None;
    let mut chunked = None;
    for header in response.headers.iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        let value = || String::from_utf8_lossy(header.value);
        if is("content-length") {
            let bytes = value().trim().parse::<u64>().ok();
            if bytes.is_none() || length.is_some_and(|before| Some(before) != bytes) {
                return Err(Failed::new(Class::Protocol, "the content length is not a number"));
            }
            length = bytes;
        } else if is("transfer-encoding") {
            chunked = Some(value().trim().eq_ignore_ascii_case("chunked"));
        } else if is("connection") {
            let close = value().split(',').any(|word| word.trim().eq_ignore_ascii_case("close"));
            answer.reusable &= !close;
        } else if is("location") {
            answer.location = std::str::from_utf8(header.value).ok().map(str::to_owned);
        }
    }
    // RFC 9112 section 6.3.
    let framing = match (status, chunked, length) {
        (100..=199 | 204 | 304, ..) => Framing::Length(0),
        (_, Some(true), _) => Framing::Chunked,
        (_, Some(false), _) | (_, None, None) => Framing::UntilClose,
        (_, None, Some(length)) => Framing::Length(length),
    };
    Ok(Some(Head { answer, framing, bytes }))
}

#[cfg(test)]
mod tests;
