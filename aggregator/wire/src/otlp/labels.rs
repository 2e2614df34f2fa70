//! Labels of a series: from its data point, its resource and its scope.

use std::borrow::Cow;

use super::{DecodeError, Translation, attributes::Attributes, name, text};
use crate::{
    protobuf::{BYTES, reader::Reader, tag},
    skipped::SkipReason,
};

const SERVICE_NAME: &str = "service.name";
const SERVICE_NAMESPACE: &str = "service.namespace";
const SERVICE_INSTANCE: &str = "service.instance.id";
/// Attributes that become `job` and `instance`.
const IDENTIFYING: [&str; 3] = [SERVICE_NAME, SERVICE_NAMESPACE, SERVICE_INSTANCE];

const METRIC_NAME: &str = model::labels::METRIC_NAME;

/// Labels while they are put together: no name twice, in no order.
#[derive(Clone, Debug, Default)]
pub(super) struct LabelSet<'a> {
    pub(super) pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(super) fault: Option<SkipReason>,
}

impl<'a> LabelSet<'a> {
    fn find(&mut self, name: &str) -> Option<&mut Cow<'a, str>> {
        self.pairs.iter_mut().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    pub(super) fn set(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        let (name, value) = (name.into(), value.into());
        match self.find(&name) {
            Some(old) => *old = value,
            None => self.pairs.push((name, value)),
        }
    }

    fn set_absent(&mut self, name: &'a str, value: &'a str) {
        match self.find(name) {
            Some(old) if old.is_empty() => *old = value.into(),
            Some(_) => {}
            None => self.pairs.push((name.into(), value.into())),
        }
    }

    /// Adds attributes in order of their keys. Where translation gives several the same name, their
    /// values are joined.
    fn add(&mut self, translation: &Translation, attributes: &'a Attributes<'_>, skip: &[&str]) {
        self.fault = self.fault.or(attributes.fault);
        let kept = attributes.pairs.iter().filter(|(key, _)| !skip.contains(key));
        let mut sorted: Vec<&(&str, Cow<'_, str>)> = kept.collect();
        sorted.sort_by_key(|(key, _)| *key);
        for (key, value) in sorted {
            if !translation.strategy.escapes() {
                if key.is_empty() {
                    self.fault = self.fault.or(Some(SkipReason::EmptyLabelName));
                }
                self.set(*key, value.as_ref());
                continue;
            }
            let Some(name) = name::label(translation, key) else {
                self.fault = self.fault.or(Some(SkipReason::EmptyLabelName));
                continue;
            };
            match self.find(&name) {
                Some(old) if !old.is_empty() => old.to_mut().extend([";", value]),
                _ => self.set(name, value.as_ref()),
            }
        }
    }
}

/// What a resource says of all its series.
#[derive(Clone, Debug)]
pub(super) struct Resource<'a> {
    attributes: Attributes<'a>,
    promoted: Vec<(String, String)>,
    job: String,
    instance: String,
}

impl<'a> Resource<'a> {
    pub(super) fn new(attributes: Attributes<'a>, translation: &Translation) -> Self {
        let own = |key| attributes.get(key).unwrap_or_default().to_owned();
        let mut job = own(SERVICE_NAME);
        if let (Some(_), Some(namespace)) =
            (attributes.get(SERVICE_NAME), attributes.get(SERVICE_NAMESPACE))
        {
            job = format!("{namespace}/{job}");
        }
        let promoted = attributes.pairs.iter().filter(|(key, _)| translation.promote.takes(key));
        let promoted = promoted
            .filter_map(|(key, value)| Some((name::label(translation, key)?, value.to_string())));
        Self { promoted: promoted.collect(), job, instance: own(SERVICE_INSTANCE), attributes }
    }

    /// The labels of one data point, without its metric name.
    pub(super) fn labels<'p>(
        &'p self,
        translation: &Translation,
        attributes: &'p Attributes<'_>,
        scope: &'p [(String, String)],
    ) -> LabelSet<'p> {
        let mut labels = LabelSet::default();
        labels.add(translation, attributes, &[METRIC_NAME]);
        for (name, value) in &self.promoted {
            labels.set_absent(name, value);
        }
        self.identify(&mut labels);
        for (name, value) in scope {
            labels.set(name.as_str(), value.as_str());
        }
        labels
    }

    fn identify<'p>(&'p self, labels: &mut LabelSet<'p>) {
        for (name, value) in [("job", &self.job), ("instance", &self.instance)] {
            if !value.is_empty() {
                labels.set(name, value.as_str());
            }
        }
    }

    /// The labels of `target_info`, which describes a resource that says more of itself than who it
    /// is. `None` when it does not, or does not say who it is.
    pub(super) fn target_labels(&self, translation: &Translation) -> Option<LabelSet<'_>> {
        let says_more = self.attributes.pairs.iter().any(|(key, _)| !IDENTIFYING.contains(key));
        if !says_more || (self.job.is_empty() && self.instance.is_empty()) {
            return None;
        }
        let skip: &[&str] =
            if translation.keep_identifying_resource_attributes { &[] } else { &IDENTIFYING };
        let mut labels = LabelSet::default();
        labels.add(translation, &self.attributes, skip);
        self.identify(&mut labels);
        Some(labels)
    }
}

/// Who made some metrics.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope<'a> {
    name: Cow<'a, str>,
    version: Cow<'a, str>,
    pub(super) schema_url: Cow<'a, str>,
    attributes: Attributes<'a>,
}

impl<'a> Scope<'a> {
    pub(super) fn read(&mut self, mut message: Reader<'a>) -> Result<(), DecodeError> {
        const NAME: u32 = tag(1, BYTES);
        const VERSION: u32 = tag(2, BYTES);
        const ATTRIBUTES: u32 = tag(3, BYTES);
        while let Some(found) = message.tag()? {
            match found {
                NAME => self.name = text(message.bytes()?),
                VERSION => self.version = text(message.bytes()?),
                ATTRIBUTES => self.attributes.read(message.bytes()?)?,
                _ => message.skip(found)?,
            }
        }
        Ok(())
    }

    /// The labels that a scope gives its series: none unless it is asked for and has a name.
    pub(super) fn into_labels(self, translation: &Translation) -> Vec<(String, String)> {
        if !translation.promote_scope_metadata || self.name.is_empty() {
            return Vec::new();
        }
        let attributes = self.attributes.pairs.into_iter().filter_map(|(key, value)| {
            Some((name::label(translation, &format!("otel_scope_{key}"))?, value.into_owned()))
        });
        let mut labels: Vec<(String, String)> = attributes.collect();
        for (name, value) in [
            ("otel_scope_name", self.name),
            ("otel_scope_version", self.version),
            ("otel_scope_schema_url", self.schema_url),
        ] {
            labels.push((name.to_owned(), value.into_owned()));
        }
        labels
    }
}
