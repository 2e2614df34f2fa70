//! Points of delta temporality, before they become series.

use codec::varint::put_u64;

use super::{Shape, Translator};
use crate::{
    otlp::{delta::Refused, labels::LabelSet, point::Point},
    skipped::SkipReason,
};

impl Translator<'_, '_, '_> {
    /// Makes a delta the sum of all that came of its stream.
    pub(super) fn add_up(
        &mut self,
        shape: Shape,
        metric: &str,
        point: &mut Point<'_>,
        labels: &LabelSet<'_>,
    ) -> Result<(), SkipReason> {
        let limit = self.sink.limits().histogram_buckets;
        let Some(deltas) = self.deltas.as_deref_mut() else { return Ok(()) };
        // What will be found useless is not worth a stream.
        if labels.fault.is_some() || point.is_useless(shape, limit) {
            return Ok(());
        }
        let mut pairs: Vec<(&str, &str)> =
            labels.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        pairs.sort_unstable();
        let mut key = vec![shape as u8];
        for text in pairs.iter().flat_map(|(name, value)| [*name, *value]).chain([metric]) {
            put_u64(&mut key, text.len() as u64);
            key.extend_from_slice(text.as_bytes());
        }
        let lifted = self.sink.lift().and_then(|name| {
            pairs.iter().find(|(found, value)| *found == name && !value.is_empty())
        });
        let mut added = Err(SkipReason::Refused);
        deltas.of(lifted.map(|(_, value)| *value), &mut |streams, now| {
            added = streams.add(&key, point, shape, now).map_err(|refused| match refused {
                Refused::OutOfOrder => SkipReason::DeltaOutOfOrder,
                Refused::OverLimit => SkipReason::DeltaStreams,
                Refused::InFuture => SkipReason::DeltaInFuture,
            });
        });
        added
    }
}
