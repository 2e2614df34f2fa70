//! The client's side of HTTP/1.1, as little of it as a load needs: one connection that is kept, one
//! request at a time, bodies that were prepared before. What it costs is not what is measured.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(120);
/// Longest head of an answer, in bytes.
const HEAD_MAX: usize = 64 << 10;
/// Longest body of an answer to a write, in bytes: an error message.
const BODY_MAX: usize = 1 << 20;

/// One connection to a server on this machine.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// Request line and headers, without the length.
    head: String,
}

impl Connection {
    /// Will post to `path` with `headers`, each a whole line without its end.
    pub(crate) fn open(port: u16, path: &str, headers: &[String]) -> Result<Self, String> {
        let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        let mut head = format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        Ok(Self { stream, head })
    }

    /// Posts a body; anything but success is an error with the answer's text.
    pub(crate) fn post(&mut self, body: &[u8]) -> Result<(), String> {
        let head = format!("{}Content-Length: {}\r\n\r\n", self.head, body.len());
        let sent =
            self.stream.write_all(head.as_bytes()).and_then(|()| self.stream.write_all(body));
        // A server that refuses early may close while we still write; its answer says why.
        let answer = self.answer();
        match (sent, answer) {
            (_, Ok((status, text))) if status >= 300 => Err(format!("refused: {status} {text}")),
            (Err(error), _) => Err(error.to_string()),
            (Ok(()), answer) => answer.map(|_accepted| ()),
        }
    }

    fn answer(&mut self) -> Result<(u16, String), String> {
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            if let Some(answer) = parse(&bytes)? {
                return Ok(answer);
            }
            let count = self.stream.read(&mut chunk).map_err(|error| error.to_string())?;
            if count == 0 {
                return Err("the server closed the connection".to_owned());
            }
            bytes.extend(chunk.iter().take(count));
        }
    }
}

/// Status and body of a whole answer, `None` when there is more to come.
fn parse(bytes: &[u8]) -> Result<Option<(u16, String)>, String> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if bytes.len() > HEAD_MAX { Err("an endless head".to_owned()) } else { Ok(None) };
    };
    let (head, rest) = bytes.split_at(end);
    let body = rest.get(4..).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let status = head.split(' ').nth(1).and_then(|word| word.parse::<u16>().ok());
    let status = status.ok_or_else(|| format!("no status: {head}"))?;
    let value = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    if value("transfer-encoding").is_some() {
        return Err(format!("status {status} with a body in chunks"));
    }
    let length = value("content-length").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    if length > BODY_MAX {
        return Err(format!("status {status} with a body of {length} bytes"));
    }
    let text = || String::from_utf8_lossy(body).into_owned();
    Ok((body.len() >= length).then(|| (status, text())))
}

#[cfg(test)]
mod tests;
