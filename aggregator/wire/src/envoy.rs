//! Envoy's access-log service: what a `StreamAccessLogsMessage` says, as far as requests go.
//!
//! Source of the numbers of fields: `envoy/service/accesslog/v3/als.proto` and
//! `envoy/data/accesslog/v3/accesslog.proto` of Envoy's API.

use crate::protobuf::{
    BYTES, VARINT,
    reader::{Reader, Result},
    tag,
};

/// The path of `AccessLogService/StreamAccessLogs`.
pub const PATH: &str = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";

/// Custom tags kept of one entry; further ones are left out.
pub const TAGS_MAX: usize = 16;

/// What is wrong with a message, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("access log message: {what} at byte {position}")]
pub struct InvalidMessage {
    pub position: usize,
    pub what: &'static str,
}

/// Who sends a stream, from its first message. Texts that are not UTF-8 are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identifier<'a> {
    pub node: &'a str,
    pub log_name: &'a str,
}

/// Whether an entry is a request or a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    #[default]
    Http,
    Tcp,
}

/// One entry. Texts are empty where it says nothing, or not in UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry<'a> {
    pub protocol: Protocol,
    /// Written while the request or connection goes on.
    pub intermediate: bool,
    pub method: &'static str,
    pub authority: &'a str,
    pub path: &'a str,
    pub upstream_cluster: &'a str,
    pub route_name: &'a str,
    /// 0 for no response.
    pub code: u16,
    pub duration_micros: Option<u64>,
    pub request_bytes: u64,
    pub response_bytes: u64,
    tags: [(&'a str, &'a str); TAGS_MAX],
}

impl<'a> Entry<'a> {
    /// The value of a custom tag, empty when there is none.
    pub fn tag(&self, name: &str) -> &'a str {
        let found = self.tags.iter().find(|(own, _)| !own.is_empty() && *own == name);
        found.map_or("", |(_, value)| value)
    }
}

/// Numbers of `envoy.config.core.v3.RequestMethod`.
const METHODS: [&str; 10] =
    ["", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// Gives each entry of a message to `each`; entries before an error have been given.
pub fn decode<'a>(
    message: &'a [u8],
    mut each: impl FnMut(&Entry<'a>),
) -> std::result::Result<Option<Identifier<'a>>, InvalidMessage> {
    decode_message(message, &mut each)
        .map_err(|corrupt| InvalidMessage { position: corrupt.position, what: corrupt.what })
}

fn decode_message<'a>(
    message: &'a [u8],
    each: &mut impl FnMut(&Entry<'a>),
) -> Result<Option<Identifier<'a>>> {
    const IDENTIFIER: u32 = tag(1, BYTES);
    const HTTP: u32 = tag(2, BYTES);
    const TCP: u32 = tag(3, BYTES);
    let mut found = None;
    fields(Reader::new(message), |field, reader| match field {
        IDENTIFIER => {
            found = Some(identifier(reader.bytes()?)?);
            Ok(())
        }
        HTTP | TCP => {
            let protocol = if field == TCP { Protocol::Tcp } else { Protocol::Http };
            fields(reader.bytes()?, |field, reader| {
                if field != tag(1, BYTES) {
                    return reader.skip(field);
                }
                each(&entry(reader.bytes()?, protocol)?);
                Ok(())
            })
        }
        _ => reader.skip(field),
    })?;
    Ok(found)
}

/// Goes through the fields of a message; `each` must take or skip the value.
fn fields<'a>(
    mut message: Reader<'a>,
    mut each: impl FnMut(u32, &mut Reader<'a>) -> Result<()>,
) -> Result<()> {
    while let Some(field) = message.tag()? {
        each(field, &mut message)?;
    }
    Ok(())
}

fn text<'a>(reader: &mut Reader<'a>) -> Result<&'a str> {
    Ok(std::str::from_utf8(reader.bytes()?.rest()).unwrap_or_default())
}

fn identifier(message: Reader<'_>) -> Result<Identifier<'_>> {
    let mut found = Identifier::default();
    fields(message, |field, reader| {
        if field == tag(1, BYTES) {
            return fields(reader.bytes()?, |field, reader| {
                if field == tag(1, BYTES) {
                    found.node = text(reader)?;
                    return Ok(());
                }
                reader.skip(field)
            });
        }
        if field == tag(2, BYTES) {
            found.log_name = text(reader)?;
            return Ok(());
        }
        reader.skip(field)
    })?;
    Ok(found)
}

fn entry(message: Reader<'_>, protocol: Protocol) -> Result<Entry<'_>> {
    let mut entry = Entry { protocol, ..Entry::default() };
    fields(message, |field, reader| match (field, protocol) {
        (field, _) if field == tag(1, BYTES) => common(reader.bytes()?, &mut entry),
        (field, Protocol::Http) if field == tag(3, BYTES) => request(reader.bytes()?, &mut entry),
        (field, Protocol::Http) if field == tag(4, BYTES) => response(reader.bytes()?, &mut entry),
        (field, Protocol::Tcp) if field == tag(2, BYTES) => connection(reader.bytes()?, &mut entry),
        _ => reader.skip(field),
    })?;
    Ok(entry)
}

fn common<'a>(message: Reader<'a>, entry: &mut Entry<'a>) -> Result<()> {
    const LAST_BYTE_SENT: u32 = tag(12, BYTES);
    const UPSTREAM_CLUSTER: u32 = tag(15, BYTES);
    const ROUTE_NAME: u32 = tag(19, BYTES);
    const CUSTOM_TAGS: u32 = tag(22, BYTES);
    const DURATION: u32 = tag(23, BYTES);
    const INTERMEDIATE: u32 = tag(26, VARINT);
    let (mut last_byte, mut tags) = (None, entry.tags.iter_mut());
    fields(message, |field, reader| {
        match field {
            LAST_BYTE_SENT => last_byte = duration(reader.bytes()?)?,
            UPSTREAM_CLUSTER => entry.upstream_cluster = text(reader)?,
            ROUTE_NAME => entry.route_name = text(reader)?,
            CUSTOM_TAGS => {
                let pair = pair(reader.bytes()?)?;
                if let Some(slot) = tags.next() {
                    *slot = pair;
                }
            }
            DURATION => entry.duration_micros = duration(reader.bytes()?)?,
            INTERMEDIATE => entry.intermediate = reader.varint()? != 0,
            _ => reader.skip(field)?,
        }
        Ok(())
    })?;
    // Older Envoys say no more of it.
    entry.duration_micros = entry.duration_micros.or(last_byte);
    Ok(())
}

fn request<'a>(message: Reader<'a>, entry: &mut Entry<'a>) -> Result<()> {
    const METHOD: u32 = tag(1, VARINT);
    const AUTHORITY: u32 = tag(3, BYTES);
    const REQUEST_PATH: u32 = tag(5, BYTES);
    const BODY_BYTES: u32 = tag(12, VARINT);
    fields(message, |field, reader| {
        match field {
            METHOD => {
                let method = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
                entry.method = METHODS.get(method).copied().unwrap_or_default();
            }
            AUTHORITY => entry.authority = text(reader)?,
            REQUEST_PATH => entry.path = text(reader)?,
            BODY_BYTES => entry.request_bytes = reader.varint()?,
            _ => reader.skip(field)?,
        }
        Ok(())
    })
}

fn response<'a>(message: Reader<'a>, entry: &mut Entry<'a>) -> Result<()> {
    const CODE: u32 = tag(1, BYTES);
    const BODY_BYTES: u32 = tag(3, VARINT);
    fields(message, |field, reader| {
        match field {
            CODE => {
                let code = numbers(reader.bytes()?)?.0;
                entry.code = u16::try_from(code).unwrap_or_default();
            }
            BODY_BYTES => entry.response_bytes = reader.varint()?,
            _ => reader.skip(field)?,
        }
        Ok(())
    })
}

fn connection<'a>(message: Reader<'a>, entry: &mut Entry<'a>) -> Result<()> {
    (entry.request_bytes, entry.response_bytes) = numbers(message)?;
    Ok(())
}

/// Fields 1 and 2 where both are whole numbers.
fn numbers(message: Reader<'_>) -> Result<(u64, u64)> {
    let mut found = (0, 0);
    fields(message, |field, reader| {
        match field {
            field if field == tag(1, VARINT) => found.0 = reader.varint()?,
            field if field == tag(2, VARINT) => found.1 = reader.varint()?,
            _ => reader.skip(field)?,
        }
        Ok(())
    })?;
    Ok(found)
}

/// Fields 1 and 2 where both are texts.
fn pair(message: Reader<'_>) -> Result<(&str, &str)> {
    let mut found = ("", "");
    fields(message, |field, reader| {
        match field {
            field if field == tag(1, BYTES) => found.0 = text(reader)?,
            field if field == tag(2, BYTES) => found.1 = text(reader)?,
            _ => reader.skip(field)?,
        }
        Ok(())
    })?;
    Ok(found)
}

/// `google.protobuf.Duration` in microseconds, `None` where it is negative.
fn duration(message: Reader<'_>) -> Result<Option<u64>> {
    let (seconds, nanos) = numbers(message)?;
    let positive = |number: u64| u64::try_from(number.cast_signed()).ok();
    let micros = positive(seconds).and_then(|seconds| seconds.checked_mul(1_000_000));
    Ok(micros.and_then(|micros| micros.checked_add(positive(nanos)? / 1000)))
}

#[cfg(test)]
mod tests;
