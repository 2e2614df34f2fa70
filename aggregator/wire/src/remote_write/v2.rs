//! Decodes remote write 2.0.
//!
//! ```text
//! Request     (1 to 3 are reserved) repeated string symbols = 4; repeated TimeSeries timeseries = 5;
//! TimeSeries  repeated uint32 labels_refs = 1; repeated Sample samples = 2;
//!             repeated Histogram histograms = 3; repeated Exemplar exemplars = 4;
//!             Metadata metadata = 5; (6 is reserved; it was int64 created_timestamp)
//! Exemplar    repeated uint32 labels_refs = 1; double value = 2; int64 timestamp = 3;
//! Metadata    MetricType type = 1; uint32 help_ref = 3; uint32 unit_ref = 4;
//! ```
//!
//! Source: `prompb/io/prometheus/write/v2/types.proto` of Prometheus.
//! Numbers 1 and 3 of the request are what 1.0 uses, so they mean a wrong content type.

use std::{collections::HashSet, str::from_utf8};

use super::{
    DecodeError, Version,
    fields::{family, metric_type, read_sample},
    histogram,
    template::Template,
};
use crate::{
    limits::LimitExceeded,
    protobuf::{
        BYTES, FIXED64, VARINT,
        reader::{Reader, Result as Read},
        tag,
    },
    series::{Committed, Series, Sink},
    skipped::SkipReason,
};

const TIMESERIES_OF_V1: u32 = tag(1, BYTES);
const METADATA_OF_V1: u32 = tag(3, BYTES);
const SYMBOLS: u32 = tag(4, BYTES);
const TIMESERIES: u32 = tag(5, BYTES);

const REFS_PACKED: u32 = tag(1, BYTES);
const REFS: u32 = tag(1, VARINT);
const SAMPLES: u32 = tag(2, BYTES);
const HISTOGRAMS: u32 = tag(3, BYTES);
const EXEMPLARS: u32 = tag(4, BYTES);
const METADATA: u32 = tag(5, BYTES);
const CREATED: u32 = tag(6, VARINT);

/// Symbols by number; `None` where one is not UTF-8.
type Symbols<'a> = Vec<Option<&'a str>>;

pub(crate) fn decode(body: &[u8], sink: &mut Sink<'_, '_>) -> Result<(), DecodeError> {
    let symbols = read_symbols(body, sink)?;
    let mut decoder = Decoder {
        symbols: &symbols,
        refs: Vec::new(),
        template: Template::default(),
        described: HashSet::new(),
        sink,
    };
    let mut reader = Reader::new(body);
    let mut series = Series::default();
    while let Some(tag) = reader.tag()? {
        if tag == TIMESERIES {
            series.clear();
            decoder.series(reader.bytes()?, &mut series)?;
        } else {
            reader.skip(tag)?;
        }
    }
    Ok(())
}

/// Reads the symbol table, which may stand anywhere in the message, and counts the series, so that
/// a body over a limit is refused before any series is built.
fn read_symbols<'a>(body: &'a [u8], sink: &mut Sink<'_, '_>) -> Result<Symbols<'a>, DecodeError> {
    let limit = sink.limits().symbols;
    let mut symbols = Symbols::new();
    let mut reader = Reader::new(body);
    loop {
        let position = reader.position();
        let Some(tag) = reader.tag()? else { break };
        match tag {
            SYMBOLS => {
                if symbols.len() >= limit {
                    return Err(LimitExceeded { what: "symbols", limit }.into());
                }
                let symbol = reader.bytes()?;
                if symbols.is_empty() && !symbol.is_empty() {
                    let what = "the first symbol is not the empty string";
                    return Err(DecodeError::Corrupt { position, what });
                }
                symbols.push(from_utf8(symbol.rest()).ok());
            }
            TIMESERIES => {
                sink.count_series()?;
                reader.skip(tag)?;
            }
            TIMESERIES_OF_V1 | METADATA_OF_V1 => {
                return Err(DecodeError::WrongVersion {
                    position,
                    field: tag >> 3,
                    announced: Version::V2,
                    other: Version::V1,
                });
            }
            _ => reader.skip(tag)?,
        }
    }
    Ok(symbols)
}

/// References to the type, help and unit of a metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Description {
    kind: u64,
    help: u64,
    unit: u64,
}

struct Decoder<'a, 's, 'o, 'p> {
    symbols: &'s [Option<&'a str>],
    /// References of the series or exemplar at hand.
    refs: Vec<u64>,
    template: Template<'a, [u64; 2]>,
    /// What was described already: senders repeat a description with every series.
    described: HashSet<(Option<&'a str>, &'a str, Description)>,
    sink: &'s mut Sink<'o, 'p>,
}

impl<'a> Decoder<'a, '_, '_, '_> {
    fn series(
        &mut self,
        mut message: Reader<'a>,
        series: &mut Series<'a>,
    ) -> Result<(), DecodeError> {
        let mut description = Description::default();
        let mut created = 0;
        let refs_max = self.sink.limits().labels_per_series * 2;
        self.refs.clear();
        while let Some(tag) = message.tag()? {
            match tag {
                REFS_PACKED => read_refs(message.bytes()?, refs_max, &mut self.refs)?,
                REFS => push_ref(&mut self.refs, refs_max, message.varint()?),
                SAMPLES => {
                    self.sink.count_sample()?;
                    series.samples.push(read_sample(message.bytes()?)?);
                }
                HISTOGRAMS => {
                    self.sink.count_histogram()?;
                    let buckets_max = self.sink.limits().histogram_buckets;
                    match histogram::read(message.bytes()?, buckets_max)? {
                        Ok(sample) => series.histograms.push(sample),
                        Err(why) => {
                            series.histograms_skipped += 1;
                            self.sink.skip(SkipReason::InvalidHistogram, 1, || why.to_string());
                        }
                    }
                }
                EXEMPLARS => {
                    self.sink.count_exemplar()?;
                    self.exemplar(message.bytes()?, series)?;
                }
                METADATA => description = read_description(message.bytes()?)?,
                CREATED => created = message.varint()? as i64,
                _ => message.skip(tag)?,
            }
        }
        if created != 0 {
            apply_created(series, created);
        }
        if self.refs.len() > refs_max {
            series.set_fault(SkipReason::TooManyLabels);
        }
        let empty = series.samples.len() + series.histograms.len() + series.histograms_skipped == 0;
        let value_bytes = self.sink.limits().label_value_bytes;
        // A reference too many is a fault, which the way round finds.
        let (keys, odd) = self.refs.as_chunks();
        let label = label(self.symbols);
        let follows = !empty && odd.is_empty() && self.template.follow(keys, label, value_bytes);
        let committed =
            if follows { self.commit_following(series) } else { self.commit(series, empty) };
        match committed? {
            Some(committed) if description != Description::default() => {
                self.describe(committed, description)
            }
            _ => Ok(()),
        }
    }

    /// Stores a series that has the label set of the template.
    fn commit_following(
        &mut self,
        series: &mut Series<'a>,
    ) -> Result<Option<Committed<'a>>, LimitExceeded> {
        let template = &self.template;
        self.sink.commit_packed(
            series,
            template.packed(),
            template.text_bytes(),
            template.committed(),
        )
    }

    fn commit(
        &mut self,
        series: &mut Series<'a>,
        empty: bool,
    ) -> Result<Option<Committed<'a>>, LimitExceeded> {
        if let Err(reason) = resolve(self.symbols, &self.refs, &mut series.labels) {
            series.set_fault(reason);
        }
        if empty {
            series.set_fault(SkipReason::NoSamples);
        }
        let committed = self.sink.commit(series)?;
        if committed.is_some() {
            let (keys, _) = self.refs.as_chunks();
            self.template.learn(keys, label(self.symbols), self.sink.lift());
        }
        Ok(committed)
    }

    /// Exemplars come before or after the labels of their series, so they keep references of
    /// their own.
    fn exemplar(
        &mut self,
        mut message: Reader<'a>,
        series: &mut Series<'a>,
    ) -> Result<(), DecodeError> {
        const EXEMPLAR_VALUE: u32 = tag(2, FIXED64);
        const EXEMPLAR_TIMESTAMP: u32 = tag(3, VARINT);
        let refs_max = self.sink.limits().labels_per_series * 2;
        let (mut refs, mut value, mut time) = (Vec::new(), 0.0, 0);
        while let Some(tag) = message.tag()? {
            match tag {
                REFS_PACKED => read_refs(message.bytes()?, refs_max, &mut refs)?,
                REFS => push_ref(&mut refs, refs_max, message.varint()?),
                EXEMPLAR_VALUE => value = message.double()?,
                EXEMPLAR_TIMESTAMP => time = message.varint()? as i64,
                _ => message.skip(tag)?,
            }
        }
        let mut labels = Vec::new();
        let labels = resolve(self.symbols, &refs, &mut labels).map(|()| labels.as_slice());
        Ok(self.sink.exemplar(labels.ok(), value, time, series)?)
    }

    fn describe(
        &mut self,
        Committed { lifted, metric }: Committed<'a>,
        description: Description,
    ) -> Result<(), DecodeError> {
        if !self.described.insert((lifted, metric, description)) {
            return Ok(());
        }
        let kind = metric_type(description.kind);
        let family = family(metric, kind);
        match (symbol(self.symbols, description.help), symbol(self.symbols, description.unit)) {
            (Ok(help), Ok(unit)) => {
                if family != metric && !self.described.insert((lifted, family, description)) {
                    return Ok(()); // another suffix of the same family said it
                }
                Ok(self.sink.metadata(lifted, family, kind, (help, unit))?)
            }
            _ => {
                let example = || format!("text of metric {metric:?} cannot be read");
                self.sink.skip(SkipReason::InvalidMetadata, 0, example);
                Ok(())
            }
        }
    }
}

fn read_refs(mut packed: Reader<'_>, max: usize, refs: &mut Vec<u64>) -> Read<()> {
    while !packed.is_empty() {
        push_ref(refs, max, packed.varint()?);
    }
    Ok(())
}

/// Keeps at most one more than `max`, which is enough to see that there are too many.
fn push_ref(refs: &mut Vec<u64>, max: usize, number: u64) {
    if refs.len() <= max {
        refs.push(number);
    }
}

fn read_description(mut message: Reader<'_>) -> Read<Description> {
    const KIND: u32 = tag(1, VARINT);
    const HELP: u32 = tag(3, VARINT);
    const UNIT: u32 = tag(4, VARINT);
    let mut description = Description::default();
    while let Some(tag) = message.tag()? {
        match tag {
            KIND => description.kind = message.varint()?,
            HELP => description.help = message.varint()?,
            UNIT => description.unit = message.varint()?,
            _ => message.skip(tag)?,
        }
    }
    Ok(description)
}

/// Senders of the time before 2.0 was final give one start timestamp for the whole series.
fn apply_created(series: &mut Series<'_>, created: i64) {
    let samples = series.samples.iter_mut().map(|sample| &mut sample.start);
    let histograms = series.histograms.iter_mut().map(|sample| &mut sample.start);
    for start in samples.chain(histograms).filter(|start| **start == 0) {
        *start = created;
    }
}

fn symbol<'a>(symbols: &[Option<&'a str>], number: u64) -> Result<&'a str, SkipReason> {
    if number == 0 {
        return Ok("");
    }
    let symbol = usize::try_from(number).ok().and_then(|number| symbols.get(number));
    symbol.ok_or(SkipReason::InvalidReference)?.ok_or(SkipReason::InvalidUtf8)
}

/// Looks up name and value of a label.
fn label<'a>(symbols: &[Option<&'a str>]) -> impl Fn([u64; 2]) -> Option<(&'a str, &'a str)> {
    |[name, value]| Some((symbol(symbols, name).ok()?, symbol(symbols, value).ok()?))
}

fn resolve<'a>(
    symbols: &[Option<&'a str>],
    refs: &[u64],
    labels: &mut Vec<(&'a str, &'a str)>,
) -> Result<(), SkipReason> {
    let (pairs, rest) = refs.as_chunks::<2>();
    for [name, value] in pairs {
        labels.push((symbol(symbols, *name)?, symbol(symbols, *value)?));
    }
    if rest.is_empty() { Ok(()) } else { Err(SkipReason::InvalidReference) }
}
