//! Letting in new series, and groups of series.

use std::collections::HashSet;

use super::{
    super::{
        groups::{MEMBERS_MAX, REFUSED},
        partition::{Data, Partition},
    },
    Appending, Context, describe,
};
use crate::{
    admission::check_labels,
    hash::Hash128,
    outcome::{Appended, RejectReason},
};

/// Registers a group of series, creating those that are new and welcome. Returns its number unless
/// there are too many, and as appended what was created and which members were refused. `None` when
/// the tenant has been deleted meanwhile.
pub(crate) fn register(
    partition: &Partition,
    labels: &[&[u8]],
    context: Context<'_>,
) -> Option<(Option<u32>, Appended)> {
    let epoch = context.wal.epoch();
    let mut data = partition.data();
    if data.deleted {
        return None;
    }
    let bytes: usize = labels.iter().map(|packed| packed.len()).sum();
    let bytes = bytes as u64;
    let mut appending = Appending::new(partition, &mut data, context, *epoch, (0, bytes));
    if labels.len() > MEMBERS_MAX || !data.groups.has_room(labels.len()) {
        let example = || "too many groups, or members of one".to_owned();
        appending.appended.reject(RejectReason::SeriesLimit, labels.len() as u64, example);
        return Some((None, appending.appended));
    }
    let mut members = Vec::with_capacity(labels.len());
    let mut known = HashSet::with_capacity(labels.len());
    for packed in labels {
        let key = partition.hash(packed);
        let found = match data.table.find(key) {
            Some(number) => Ok(number),
            None => appending.admit_series(&mut data, key, packed),
        };
        let unique = found.and_then(|number| {
            let twice = (RejectReason::Labels, "twice in one group");
            if known.insert(number) { Ok(number) } else { Err(twice) }
        });
        if let Err((reason, detail)) = unique {
            appending.appended.reject(reason, 1, || describe(packed, detail));
        }
        let number = unique.unwrap_or(REFUSED);
        if let Some(series) = data.table.get_mut(number) {
            series.seen = series.seen.max(appending.seen);
        }
        members.push(number);
    }
    let refused = appending.appended.rejected.clone();
    let number = data.groups.add(members, refused, appending.seen);
    Some((Some(number), appending.appended))
}

impl Appending<'_> {
    /// Creates a series, if it is welcome.
    pub(super) fn admit_series(
        &mut self,
        data: &mut Data,
        key: Hash128,
        labels: &[u8],
    ) -> Result<u32, (RejectReason, &'static str)> {
        if let Some(detail) = check_labels(labels, &data.limits) {
            return Err((RejectReason::Labels, detail));
        }
        if data.table.len() as u64 >= data.limits.active_series {
            return Err((RejectReason::SeriesLimit, "too many active series"));
        }
        let rate = data.limits.new_series_per_second;
        if data.series_bucket.take(1, rate, self.context.now.0) == 0 {
            return Err((RejectReason::SeriesRate, "too many new series per second"));
        }
        let created = self.partition.create(data, key, labels);
        // The index has a limit of its own on labels, whatever the tenant's says.
        let number = created.ok_or((RejectReason::Labels, "too many labels"))?;
        self.appended.series_created += 1;
        Ok(number)
    }
}
