//! Frames among the random operations.

use codec::frame;
use model::{labels::Labels, tenant::TenantId, time::Timestamp, write::WriteBatch};
use tsdb::store::{GroupHandle, Write};

use super::{FUTURE_MAX, Sample, Simulation, start_of};

/// Groups that are in use at a time.
const GROUPS_MAX: usize = 4;

/// A group as its writer sees it.
pub(crate) struct Group {
    tenant: TenantId,
    labels: Vec<Labels>,
    handle: GroupHandle,
    row: Vec<u64>,
    /// The last frame, in case it is sent again.
    last: Option<Sent>,
}

#[derive(Clone)]
struct Sent {
    time: i64,
    payload: Vec<u8>,
    row: Vec<u64>,
}

impl Simulation {
    pub(crate) fn register(&mut self) {
        let tenant = self.tenant();
        let mut labels = self.labels.clone();
        for at in 0..labels.len() {
            labels.swap(at, self.random.index(at + 1));
        }
        labels.truncate(1 + self.random.index(4));
        let packed: Vec<&[u8]> = labels.iter().map(Labels::as_bytes).collect();
        let Ok(registered) = self.store().register_group(&tenant, &packed, Timestamp(self.now))
        else {
            return;
        };
        assert_eq!(registered.appended.rejected, []);
        let handle = registered.group.expect("there is room for a group");
        if self.groups.len() == GROUPS_MAX {
            let at = self.random.index(GROUPS_MAX);
            let old = self.groups.swap_remove(at);
            if self.random.one_in(2) {
                self.store().drop_group(&old.handle);
            }
        }
        let row = vec![0; labels.len()];
        self.groups.push(Group { tenant, labels, handle, row, last: None });
    }

    /// Some frames of one group in one request, beside an empty batch.
    pub(crate) fn frames(&mut self) {
        if self.groups.is_empty() {
            return self.register();
        }
        let at = self.random.index(self.groups.len());
        let mut group = self.groups.swap_remove(at);
        let sent = self.next_frames(&mut group);
        if sent.iter().any(|sent| start_of(sent.time) != 0) {
            // Frames have no start timestamps, and the model wants them.
            group.last = None;
            self.groups.push(group);
            return;
        }
        let batch = WriteBatch::default();
        let mut writes = vec![Write::Batch { tenant: &group.tenant, batch: &batch }];
        let frame = |sent: &'_ Sent| (sent.time, sent.payload.clone());
        let payloads: Vec<(i64, Vec<u8>)> = sent.iter().map(frame).collect();
        for (time, payload) in &payloads {
            writes.push(Write::Frame { group: &group.handle, time: *time, payload });
        }
        let answers = self.store().append_all(&writes, Timestamp(self.now));
        let mut is_known = true;
        for (number, sent) in sent.iter().enumerate() {
            let answer = answers.as_ref().ok();
            let is_unknown = answer.is_some_and(|all| all.unknown_groups.contains(&(number + 1)));
            is_known &= !is_unknown;
            if !is_unknown {
                let refused = answer.map(|all| all.refused.contains(&(number + 1)));
                self.note_frame(&group, sent, refused);
            }
        }
        // Without an answer it is not known whether the frames were applied; a key frame is safe.
        group.last = sent.last().cloned();
        if is_known {
            self.groups.push(group);
        }
    }

    fn next_frames(&mut self, group: &mut Group) -> Vec<Sent> {
        let mut sent = Vec::new();
        let count = [1, 1, 2, 5, 30, 130][self.random.index(6)];
        let step = [1, 1000, 15_000][self.random.index(3)];
        let own = self.random.below(999) as i64;
        let first = self.time() / 1000 * 1000 + own - step * (count - 1);
        if self.random.one_in(4) {
            sent.extend(group.last.clone());
        }
        for number in 0..count {
            let mut row = group.row.clone();
            for value in &mut row {
                if self.random.one_in(3) {
                    *value = self.value().to_bits();
                }
            }
            let mut payload = Vec::new();
            if self.random.one_in(6) || number == 0 {
                frame::encode_key(&row, &mut payload);
            } else {
                frame::encode(&group.row, &row, &mut payload);
            }
            group.row.clone_from(&row);
            sent.push(Sent { time: first + number * step, payload, row });
            if self.random.one_in(20) {
                sent.extend(sent.last().cloned());
            }
        }
        sent
    }

    /// Whether something of it was refused is `None` without an answer.
    fn note_frame(&mut self, group: &Group, sent: &Sent, refused: Option<bool>) {
        let is_refused = sent.time < self.oldest() || sent.time > self.now + FUTURE_MAX;
        if is_refused && refused.is_some() {
            return;
        }
        // Others that were refused have a sample of that time.
        let is_doubtful = refused.unwrap_or(true);
        for (labels, bits) in group.labels.iter().zip(&sent.row) {
            let sample = Sample::float(f64::from_bits(*bits));
            if is_doubtful {
                self.model.unanswered(&group.tenant, labels, sent.time, sample);
            } else {
                self.model.acknowledged(&group.tenant, labels, sent.time, sample);
            }
        }
    }
}
