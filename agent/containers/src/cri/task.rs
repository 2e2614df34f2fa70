//! containerd's events of tasks: an envelope with a topic and a message.

use model::time::Timestamp;
use wire::protobuf::{
    BYTES, VARINT,
    reader::{Corrupt, Reader},
    tag,
};

use super::message::string;

/// What containerd says happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    Started { id: String, at: Option<Timestamp> },
    Exited { id: String, code: i32, at: Option<Timestamp> },
    OutOfMemory { id: String },
    Deleted { id: String },
}

const fn text(number: u32) -> u32 {
    tag(number, BYTES)
}

/// Reads an envelope; `None` for what does not matter here, such as processes executed beside a
/// container's own.
pub fn event(message: &[u8]) -> Result<Option<Task>, Corrupt> {
    let (mut topic, mut at, mut body) = (String::new(), None, None);
    let mut reader = Reader::new(message);
    while let Some(tag) = reader.tag()? {
        match tag {
            t if t == text(1) => at = time(reader.bytes()?)?,
            t if t == text(3) => topic = string(&mut reader)?,
            t if t == text(4) => body = any(reader.bytes()?)?,
            _ => reader.skip(tag)?,
        }
    }
    let Some(body) = body else { return Ok(None) };
    let fields = fields(body)?;
    let id = fields.container;
    Ok(match topic.as_str() {
        "/tasks/start" => Some(Task::Started { id, at }),
        "/tasks/exit" if fields.process.is_empty() || fields.process == id => {
            Some(Task::Exited { id, code: fields.code as i32, at: fields.at.or(at) })
        }
        "/tasks/oom" => Some(Task::OutOfMemory { id }),
        "/containers/delete" => Some(Task::Deleted { id }),
        _ => None,
    })
}

/// The value of a `google.protobuf.Any`.
fn any(mut reader: Reader<'_>) -> Result<Option<Reader<'_>>, Corrupt> {
    let mut value = None;
    while let Some(tag) = reader.tag()? {
        match tag {
            t if t == text(2) => value = Some(reader.bytes()?),
            _ => reader.skip(tag)?,
        }
    }
    Ok(value)
}

/// The fields that the messages have in common, by the numbers of `TaskExit`.
#[derive(Default)]
struct Fields {
    container: String,
    process: String,
    code: u64,
    at: Option<Timestamp>,
}

fn fields(mut reader: Reader<'_>) -> Result<Fields, Corrupt> {
    let mut fields = Fields::default();
    while let Some(number) = reader.tag()? {
        match number {
            t if t == text(1) => fields.container = string(&mut reader)?,
            t if t == text(2) => fields.process = string(&mut reader)?,
            t if t == tag(4, VARINT) => fields.code = reader.varint()?,
            t if t == text(5) => fields.at = time(reader.bytes()?)?,
            _ => reader.skip(number)?,
        }
    }
    Ok(fields)
}

/// A `google.protobuf.Timestamp`.
fn time(mut reader: Reader<'_>) -> Result<Option<Timestamp>, Corrupt> {
    let (mut seconds, mut nanos) = (0, 0);
    while let Some(number) = reader.tag()? {
        match number {
            t if t == tag(1, VARINT) => seconds = reader.varint()?.cast_signed(),
            t if t == tag(2, VARINT) => nanos = reader.varint()?.cast_signed(),
            _ => reader.skip(number)?,
        }
    }
    let millis = seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000);
    Ok((millis > 0).then_some(Timestamp(millis)))
}

#[cfg(test)]
mod tests;
