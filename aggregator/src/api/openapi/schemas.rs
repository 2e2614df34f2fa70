//! The shapes of what goes in and what comes out, in JSON Schema.

use serde_json::{Map, Value, json};

mod ours;
mod prometheus;
mod states;

/// A mention of a schema.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// What every answer with data is wrapped in.
pub(super) fn envelope(data: &Value) -> Value {
    object(
        &["status", "data"],
        json!({
            "status": {"const": "success"},
            "data": data,
            "warnings": reference("Texts"),
            "infos": reference("Texts"),
        }),
    )
}

/// All schemas by name.
pub(super) fn all() -> Map<String, Value> {
    prometheus::schemas()
        .into_iter()
        .chain(states::schemas())
        .chain(ours::schemas())
        .map(|(n, s)| (n.to_owned(), s))
        .collect()
}

/// An object with these properties and no others.
fn object(required: &[&str], properties: Value) -> Value {
    let mut out = json!({"type": "object", "required": required, "additionalProperties": false});
    out["properties"] = properties;
    out
}

/// As before, and every property is there.
fn whole(properties: Value) -> Value {
    let names: Vec<String> =
        properties.as_object().into_iter().flat_map(|all| all.keys().cloned()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    object(&names, properties)
}

fn list(items: Value) -> Value {
    let mut out = json!({"type": "array"});
    out["items"] = items;
    out
}

/// An object whose property names are free.
fn map(values: Value) -> Value {
    let mut out = json!({"type": "object"});
    out["additionalProperties"] = values;
    out
}

fn tuple(items: &[Value]) -> Value {
    json!({"type": "array", "prefixItems": items, "minItems": items.len(), "maxItems": items.len()})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn integer() -> Value {
    json!({"type": "integer"})
}

fn number() -> Value {
    json!({"type": "number"})
}

fn flag() -> Value {
    json!({"type": "boolean"})
}
