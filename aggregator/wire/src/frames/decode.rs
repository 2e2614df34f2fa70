//! The receiver's end: checks a body and visits its messages.

use std::{collections::BTreeSet, str::from_utf8};

use codec::{checksum::crc32c, varint::unzigzag};
use model::{
    labels::{Labels, METRIC_NAME},
    tenant::TENANT_BYTES_MAX,
};

use super::{
    format::{BATCH, CHECKSUM_BYTES, DROP, FRAME, GROUP, HEADER_BYTES, MAGIC, VERSION},
    labels::{Fault, LabelSets, Members},
    limits::Limits,
};
use crate::{
    limits::LimitExceeded,
    packed,
    protobuf::{
        BYTES,
        reader::{Corrupt, Reader},
    },
};

/// Why a body is refused. It is refused whole: a receiver that finds out amid the messages has
/// lost step with the sender and forgets the epoch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramesError {
    #[error("the body does not begin as frames do")]
    NotFrames,
    #[error("version {0} of frames is not known, only {VERSION}")]
    Version(u8),
    #[error(
        "the checksum at byte {position} is {found:08x}, but that of the bytes before is {actual:08x}"
    )]
    Checksum { position: usize, found: u32, actual: u32 },
    #[error("corrupt frames at byte {position}: {what}")]
    Corrupt { position: usize, what: &'static str },
    #[error(transparent)]
    TooMany(#[from] LimitExceeded),
}

impl From<Corrupt> for FramesError {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt { position: corrupt.position, what: corrupt.what }
    }
}

/// How to read a body's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// The label that names the tenant. It is told for a whole group, and no member may have it.
    pub lift: Option<&'a str>,
    pub limits: Limits,
}

/// A body whose header and checksum hold.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    /// Chosen at random by the sender when it began.
    pub epoch: u64,
    /// Which body of the epoch, from 1.
    pub sequence: u64,
    messages: Reader<'a>,
}

impl<'a> Body<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, FramesError> {
        let Some((magic, rest)) = bytes.split_first_chunk() else {
            return Err(FramesError::NotFrames);
        };
        match rest.first() {
            _ if *magic != MAGIC => return Err(FramesError::NotFrames),
            Some(&VERSION) => {}
            Some(&version) => return Err(FramesError::Version(version)),
            None => {}
        }
        let short = || {
            let what = "the body is cut short";
            FramesError::Corrupt { position: bytes.len(), what }
        };
        let (covered, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or_else(short)?;
        let mut messages = Reader::new(covered);
        let header = messages.take(HEADER_BYTES).ok_or_else(short)?.rest();
        let (found, actual) = (u32::from_le_bytes(*checksum), crc32c(covered));
        if found != actual {
            return Err(FramesError::Checksum { position: covered.len(), found, actual });
        }
        let number = |at: usize| header.get(at..)?.first_chunk().map(|b| u64::from_le_bytes(*b));
        let epoch = number(MAGIC.len() + 1).ok_or_else(short)?;
        let sequence = number(MAGIC.len() + 1 + 8).ok_or_else(short)?;
        if sequence == 0 {
            let position = MAGIC.len() + 1 + 8;
            return Err(FramesError::Corrupt { position, what: "sequences begin at 1" });
        }
        Ok(Self { epoch, sequence, messages })
    }

    pub fn messages<'o>(&self, options: Options<'o>) -> Messages<'a, 'o> {
        Messages {
            reader: self.messages,
            options,
            time: 0,
            members: LabelSets::default(),
            series: 0,
            text_bytes: 0,
            frames: 0,
            batches: 0,
            tenants: BTreeSet::new(),
        }
    }
}

/// One message of a body, in the order in which they are to be carried out.
#[derive(Clone, Debug)]
pub enum Message<'m> {
    /// Registers a group. Its number is free: it was never used in this epoch, or was dropped.
    Group(Group<'m>),
    /// A sample for each member of a group that is registered.
    Frame(Frame<'m>),
    /// The group of this number is gone, and its number free.
    Drop(u32),
    /// A remote write 2.0 request, uncompressed, for what no frame can hold. The tenant is a label
    /// of its series. Series may repeat, for their exemplars' or description's sake, a sample
    /// that a frame of the same body holds.
    Batch(&'m [u8]),
}

/// A group of series that have their samples at the same times.
#[derive(Clone, Debug)]
pub struct Group<'m> {
    pub number: u32,
    /// Whose the series are; `None` where no label said so. Not checked to be a valid name.
    pub tenant: Option<&'m str>,
    /// 1 or more, without the label that names the tenant.
    pub members: Members<'m>,
}

/// A row of values, one for each member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'m> {
    pub group: u32,
    /// Milliseconds since the Unix epoch.
    pub time: i64,
    /// For [`codec::frame::apply`] to the row of the group's frame before, zeros for the first.
    pub payload: &'m [u8],
}

/// Walks through the messages of a body.
#[derive(Debug)]
pub struct Messages<'a, 'o> {
    reader: Reader<'a>,
    options: Options<'o>,
    /// That of the last frame.
    time: i64,
    /// Those of the last group.
    members: LabelSets,
    series: usize,
    text_bytes: usize,
    frames: usize,
    batches: usize,
    tenants: BTreeSet<&'a str>,
}

impl<'a> Messages<'a, '_> {
    /// The next message, `None` behind the last. Kinds that are not known are passed over. After
    /// an error there is nothing more to be read.
    pub fn next_message(&mut self) -> Result<Option<Message<'_>>, FramesError> {
        loop {
            let before = self.reader;
            let Some(tag) = self.reader.tag()? else { return Ok(None) };
            if tag & 7 != BYTES {
                return Err(before.corrupt("message has no length").into());
            }
            let content = self.reader.bytes()?;
            match tag >> 3 {
                GROUP => return self.group(content).map(Some),
                FRAME => return self.frame(content).map(Some),
                DROP => return self.dropped(content).map(Some),
                BATCH => {
                    let limit = self.options.limits.batches;
                    count_one(&mut self.batches, "remote write requests", limit)?;
                    return Ok(Some(Message::Batch(content.rest())));
                }
                _ => {}
            }
        }
    }

    fn group(&mut self, mut content: Reader<'a>) -> Result<Message<'_>, FramesError> {
        let number = self.number(&mut content)?;
        let before = content;
        let tenant = content.bytes()?.rest();
        let tenant = from_utf8(tenant).ok().filter(|tenant| tenant.len() <= TENANT_BYTES_MAX);
        let tenant = tenant.ok_or_else(|| before.corrupt("tenant is no name"))?;
        let limits = self.options.limits;
        if self.tenants.insert(tenant) && self.tenants.len() > limits.tenants {
            return Err(LimitExceeded { what: "tenants", limit: limits.tenants }.into());
        }
        let before = content;
        let count = content.varint()?;
        let within = |limit: usize| usize::try_from(count).ok().filter(|count| *count <= limit);
        let count = within(limits.group_members)
            .ok_or(LimitExceeded { what: "series in one group", limit: limits.group_members })?;
        if count == 0 {
            return Err(before.corrupt("group has no members").into());
        }
        self.series += count;
        if self.series > limits.labels.series {
            return Err(LimitExceeded { what: "series", limit: limits.labels.series }.into());
        }
        self.members.clear();
        for _ in 0..count {
            let before = content;
            let limit = limits.labels.text_bytes;
            self.members.read(&mut content, limit - self.text_bytes).map_err(
                |fault| match fault {
                    Fault::Corrupt(corrupt) => corrupt.into(),
                    Fault::TooLong => {
                        FramesError::from(LimitExceeded { what: "bytes of label text", limit })
                    }
                },
            )?;
            self.check_last().map_err(|what| before.corrupt(what))?;
        }
        if !content.is_empty() {
            return Err(content.corrupt("group has more than its members").into());
        }
        self.text_bytes += self.members.bytes();
        let tenant = Some(tenant).filter(|tenant| !tenant.is_empty());
        Ok(Message::Group(Group { number, tenant, members: self.members.members() }))
    }

    /// What is wrong with the label set that was read last.
    fn check_last(&self) -> Result<(), &'static str> {
        let limits = &self.options.limits.labels;
        let last = self.members.len().checked_sub(1).and_then(|last| self.members.get(last));
        let packed = last.filter(|packed| Labels::is_packed(packed));
        let packed = packed.ok_or("label set is not sorted, complete and UTF-8")?;
        let (mut count, mut named) = (0, false);
        for (name, value) in packed::labels(packed) {
            count += 1;
            named |= name == METRIC_NAME;
            if self.options.lift == Some(name) {
                return Err("label set names a tenant of its own");
            }
            if name.len() > limits.label_name_bytes || value.len() > limits.label_value_bytes {
                return Err("label is too long");
            }
        }
        if count > limits.labels_per_series {
            return Err("label set has too many labels");
        }
        if named { Ok(()) } else { Err("label set has no metric name") }
    }

    fn frame(&mut self, mut content: Reader<'a>) -> Result<Message<'_>, FramesError> {
        count_one(&mut self.frames, "frames", self.options.limits.frames)?;
        let group = self.number(&mut content)?;
        self.time = self.time.wrapping_add(unzigzag(content.varint()?));
        Ok(Message::Frame(Frame { group, time: self.time, payload: content.rest() }))
    }

    fn dropped(&mut self, mut content: Reader<'a>) -> Result<Message<'_>, FramesError> {
        let group = self.number(&mut content)?;
        if content.is_empty() {
            Ok(Message::Drop(group))
        } else {
            Err(content.corrupt("drop has more than a group").into())
        }
    }

    fn number(&self, content: &mut Reader<'_>) -> Result<u32, FramesError> {
        let limit = self.options.limits.groups;
        let number = u32::try_from(content.varint()?).ok().filter(|n| (*n as usize) < limit);
        Ok(number.ok_or(LimitExceeded { what: "groups", limit })?)
    }
}

/// Counts one more of something of which a body may have no more than `limit`.
fn count_one(count: &mut usize, what: &'static str, limit: usize) -> Result<(), LimitExceeded> {
    *count += 1;
    if *count > limit { Err(LimitExceeded { what, limit }) } else { Ok(()) }
}
