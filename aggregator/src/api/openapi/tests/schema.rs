//! As much of JSON Schema as the document uses, to compare values with it. A keyword that is not known
//! here is an error, so that nothing is left out unseen.

use serde_json::Value;

/// Says where a value is not as its schema has it.
pub(super) fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let keywords = schema.as_object().ok_or_else(|| format!("no schema: {schema}"))?;
    for (keyword, wanted) in keywords {
        let holds = match keyword.as_str() {
            "description" | "format" => true,
            "$ref" => {
                let pointer =
                    wanted.as_str().and_then(|text| text.strip_prefix('#')).unwrap_or("?");
                let schema = document.pointer(pointer).ok_or_else(|| format!("no {wanted}"))?;
                check(document, schema, value)?;
                true
            }
            "type" => is_of(value, wanted.as_str().unwrap_or_default()),
            "const" => value == wanted,
            "enum" => wanted.as_array().is_some_and(|all| all.contains(value)),
            "oneOf" => {
                let all = wanted.as_array().map_or(&[][..], Vec::as_slice);
                all.iter().filter(|one| check(document, one, value).is_ok()).count() == 1
            }
            "minimum" => value.as_f64() >= wanted.as_f64(),
            "maximum" => value.as_f64() <= wanted.as_f64(),
            "minItems" => {
                value.as_array().is_some_and(|all| all.len() as u64 >= wanted.as_u64().unwrap())
            }
            "maxItems" => {
                value.as_array().is_some_and(|all| all.len() as u64 <= wanted.as_u64().unwrap())
            }
            "required" => {
                let has = |name: &Value| value.get(name.as_str().unwrap_or_default()).is_some();
                wanted.as_array().is_some_and(|names| names.iter().all(has))
            }
            "items" | "prefixItems" => {
                for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                    let schema = if keyword == "items" { Some(wanted) } else { wanted.get(at) };
                    if let Some(schema) = schema {
                        check(document, schema, item)
                            .map_err(|error| format!("[{at}]: {error}"))?;
                    }
                }
                true
            }
            "properties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    if let Some(schema) = wanted.get(name) {
                        check(document, schema, field)
                            .map_err(|error| format!("{name}: {error}"))?;
                    }
                }
                true
            }
            "additionalProperties" => additional(document, keywords, wanted, value)?,
            other => return Err(format!("the keyword {other} is not known here")),
        };
        if !holds {
            return Err(format!("{value} is not {keyword} {wanted}"));
        }
    }
    Ok(())
}

fn additional(
    document: &Value,
    keywords: &serde_json::Map<String, Value>,
    wanted: &Value,
    value: &Value,
) -> Result<bool, String> {
    let known = |name: &str| keywords.get("properties").is_some_and(|all| all.get(name).is_some());
    for (name, field) in value.as_object().into_iter().flatten().filter(|(name, _)| !known(name)) {
        if wanted == &Value::Bool(false) {
            return Err(format!("{name} is not described"));
        }
        check(document, wanted, field).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(true)
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => false,
    }
}
