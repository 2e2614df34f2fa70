//! Templates in the labels and annotations of alerts.

mod functions;
mod humanize;
mod moment;
mod replace;
mod sample;
mod strings;

use template::{Known, MissingKey, Options, Templates, Value};

use crate::evaluate::Answers;
use functions::Prometheus;
use model::{labels::Labels, time::Timestamp};
use promql::VectorElement;

/// The variables that every template has.
pub(crate) const VARIABLES: [&str; 4] = ["$labels", "$externalLabels", "$externalURL", "$value"];

/// What templates see beside the alert.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    pub external_labels: Vec<(String, String)>,
    /// Where the pages are that `externalURL` and `pathPrefix` lead to.
    pub external_url: String,
}

/// Missing labels are empty strings.
pub(crate) fn options() -> Options {
    Options { missing_key: MissingKey::Zero, ..Options::default() }
}

/// Parses a template of an alert.
pub(crate) fn parse(name: &str, text: &str) -> Result<Templates, template::Error> {
    let nothing = Prometheus::without_data();
    let known = Known { functions: &nothing, variables: &VARIABLES, options: &options() };
    let mut templates = Templates::new();
    templates.add(name, text, &known)?;
    Ok(templates)
}

/// Everything that the templates of one element of an alert's result share.
pub(crate) struct Expander<'a> {
    functions: Prometheus<'a>,
    data: Value,
    variables: [(&'static str, Value); 4],
}

impl<'a> Expander<'a> {
    pub(crate) fn new(
        element: &VectorElement,
        environment: &'a Environment,
        source: &'a dyn Answers,
        at: Timestamp,
    ) -> Self {
        let external = environment.external_labels.iter();
        let values = [
            labels(&element.labels),
            Value::string_map(external.map(|(name, value)| (name.as_str(), value))),
            Value::string(&environment.external_url),
            sample::value(&element.value),
        ];
        let data = Value::object(sample::Record {
            fields: ["Labels", "ExternalLabels", "ExternalURL", "Value"]
                .into_iter()
                .zip(values.iter().cloned())
                .collect(),
        });
        let mut values = values.into_iter();
        let variables = VARIABLES.map(|name| (name, values.next().unwrap_or_default()));
        Self { functions: Prometheus::new(environment, source, at), data, variables }
    }

    /// What a template prints; its error, where it fails.
    pub(crate) fn expand(&self, name: &str, templates: &Templates) -> String {
        templates
            .render(name, &self.data, &self.variables, &self.functions, &options())
            .unwrap_or_else(|error| format!("<error expanding template: {error}>"))
    }
}

/// Labels as a map of strings.
fn labels(labels: &Labels) -> Value {
    Value::string_map(labels.iter())
}
