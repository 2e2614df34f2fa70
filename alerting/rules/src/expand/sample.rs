//! Samples and records as templates see them.

use std::sync::Arc;

use model::histogram::Histogram;
use promql::{HistogramText, Sample, VectorElement};
use template::{Object, Value, format};

/// A thing with named fields.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) fields: Vec<(&'static str, Value)>,
}

impl Object for Record {
    fn type_name(&self) -> &'static str {
        "struct"
    }

    fn text(&self) -> String {
        let fields: Vec<String> =
            self.fields.iter().map(|(_, value)| format::display(value)).collect();
        format!("{{{}}}", fields.join(" "))
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }
}

#[derive(Debug)]
struct HistogramValue(Arc<Histogram>);

impl Object for HistogramValue {
    fn type_name(&self) -> &'static str {
        "histogram"
    }

    fn text(&self) -> String {
        HistogramText(&self.0).to_string()
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Count" => Some(Value::Float(self.0.count)),
            "Sum" => Some(Value::Float(self.0.sum)),
            "ZeroCount" => Some(Value::Float(self.0.zero_count)),
            "Schema" => Some(Value::Int(i64::from(self.0.schema))),
            _ => None,
        }
    }
}

/// A float or a histogram.
pub(super) fn value(sample: &Sample) -> Value {
    match sample {
        Sample::Float(value) => Value::Float(*value),
        Sample::Histogram(histogram) => Value::object(HistogramValue(Arc::clone(histogram))),
    }
}

/// One element of a result of `query`.
pub(super) fn element(element: &VectorElement) -> Value {
    Value::object(Record {
        fields: vec![("Labels", super::labels(&element.labels)), ("Value", value(&element.value))],
    })
}

/// A label of an element, empty where there is none.
pub(super) fn label(element: &Value, name: &str) -> Result<Value, String> {
    let Value::Object(object) = element else { return Err(not_a_sample(element)) };
    match object.field("Labels") {
        Some(Value::Map(labels)) => Ok(labels.get(name).unwrap_or(labels.zero()).clone()),
        _ => Err(not_a_sample(element)),
    }
}

pub(super) fn not_a_sample(found: &Value) -> String {
    format!("wrong type for value; expected a sample; got {}", found.type_name())
}
