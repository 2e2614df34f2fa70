//! One group as its sender knows it: label sets, the receiver's row, and the row being gathered.

use model::columns::is_stale;

use super::labels::LabelSets;

/// A registered group.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// As in batches, with the label that names the tenant.
    labels: LabelSets,
    /// The row as of the last frame; empty before the first.
    sent: Vec<u64>,
    row: Vec<u64>,
    /// Which members have their sample in this body.
    gathered: Vec<bool>,
    present: usize,
    time: i64,
    /// Members have samples at several times.
    torn: bool,
    /// The sender's clock at the last frame.
    heard: i64,
}

/// What becomes of a sample that is offered to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offered {
    /// It is the group's first in this body.
    First,
    Taken,
    /// The member has its sample already.
    Repeated,
}

impl Group {
    pub(super) fn push_member(&mut self, packed: &[u8]) {
        self.labels.push(packed);
        self.row.push(0);
        self.gathered.push(false);
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn labels(&self) -> &LabelSets {
        &self.labels
    }

    pub(super) fn offer(&mut self, slot: u32, time: i64, bits: u64) -> Offered {
        let (Some(value), Some(gathered)) =
            (self.row.get_mut(slot as usize), self.gathered.get_mut(slot as usize))
        else {
            return Offered::Repeated;
        };
        if std::mem::replace(gathered, true) {
            return Offered::Repeated;
        }
        *value = bits;
        self.present += 1;
        if self.present == 1 {
            self.time = time;
            return Offered::First;
        }
        self.torn |= time != self.time;
        Offered::Taken
    }

    /// Whether every member has a sample, all at one time.
    pub(super) fn is_whole(&self) -> bool {
        self.present == self.len() && !self.torn
    }

    pub(super) fn time(&self) -> i64 {
        self.time
    }

    /// Whether every series of the group ends with this row.
    pub(super) fn ends(&self) -> bool {
        self.row.iter().all(|bits| is_stale(f64::from_bits(*bits)))
    }

    /// Whether no member has a sample in this body.
    pub(super) fn is_untouched(&self) -> bool {
        self.present == 0
    }

    /// What the sender's clock said at the last frame.
    pub(super) fn heard(&self) -> i64 {
        self.heard
    }

    /// Appends the frame of a whole row at `clock`, and is ready for the next.
    pub(super) fn put_frame(&mut self, clock: i64, out: &mut Vec<u8>) {
        codec::frame::encode(&self.sent, &self.row, out);
        self.sent.clone_from(&self.row);
        self.gathered.fill(false);
        self.present = 0;
        self.heard = clock;
    }
}
