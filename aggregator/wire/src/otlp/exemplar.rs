//! Exemplars: observed values with the trace they belong to.
//!
//! ```text
//! Exemplar  fixed64 time = 2; double as_double = 3; bytes span_id = 4; bytes trace_id = 5;
//!           sfixed64 as_int = 6; repeated KeyValue filtered_attributes = 7;
//! ```

use super::{DecodeError, attributes::Attributes, point::millis};
use crate::{
    limits::LimitExceeded,
    protobuf::{BYTES, FIXED64, reader::Reader},
    series::{Series, Sink},
    skipped::SkipReason,
};

#[derive(Clone, Debug, Default)]
pub(super) struct Exemplar<'a> {
    time: i64,
    pub(super) value: Option<f64>,
    span_id: &'a [u8],
    trace_id: &'a [u8],
    attributes: Attributes<'a>,
}

impl<'a> Exemplar<'a> {
    pub(super) fn read(mut message: Reader<'a>) -> Result<Self, DecodeError> {
        let mut exemplar = Self::default();
        while let Some(found) = message.tag()? {
            match (found >> 3, found & 7) {
                (2, FIXED64) => exemplar.time = millis(message.fixed64()?),
                (3, FIXED64) => exemplar.value = Some(message.double()?),
                (4, BYTES) => exemplar.span_id = message.bytes()?.rest(),
                (5, BYTES) => exemplar.trace_id = message.bytes()?.rest(),
                (6, FIXED64) => exemplar.value = Some(message.fixed64()? as i64 as f64),
                (7, BYTES) => exemplar.attributes.read(message.bytes()?)?,
                _ => message.skip(found)?,
            }
        }
        Ok(exemplar)
    }

    /// Adds the exemplar to a series, or counts why not. Trace and span always belong to it; other
    /// attributes if they have room.
    pub(super) fn put(
        &self,
        sink: &mut Sink<'_, '_>,
        series: &mut Series<'_>,
    ) -> Result<(), LimitExceeded> {
        let Some(value) = self.value else {
            sink.skip(SkipReason::InvalidExemplar, 0, || "an exemplar without value".to_owned());
            return Ok(());
        };
        let (trace, span) = (hex(self.trace_id), hex(self.span_id));
        let ids = [("trace_id", trace.as_str()), ("span_id", span.as_str())];
        let mut labels: Vec<(&str, &str)> =
            ids.into_iter().filter(|(_, id)| id.chars().any(|digit| digit != '0')).collect();
        let attributes = self.attributes.pairs.iter().map(|(key, value)| (*key, value.as_ref()));
        let chars = |(name, value): (&str, &str)| name.chars().count() + value.chars().count();
        let all = labels.iter().copied().chain(attributes.clone()).map(chars).sum::<usize>();
        if all <= sink.limits().exemplar_label_chars {
            labels.extend(attributes);
        }
        sink.exemplar(Some(&labels), value, self.time, series)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
