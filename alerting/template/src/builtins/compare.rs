//! `eq`, `ne`, `lt`, `le`, `gt` and `ge`: values of one kind compare, others do not.

use std::cmp::Ordering;

use crate::value::Value;

const INCOMPATIBLE: &str = "incompatible types for comparison";

/// Whether the first argument equals any of the others.
pub(super) fn eq(args: &[Value]) -> Result<bool, String> {
    let Some((first, others)) = args.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Err("missing argument for comparison".to_owned());
    };
    for other in others {
        if equal(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn equal(a: &Value, b: &Value) -> Result<bool, String> {
    match (a, b) {
        (Value::Nil, Value::Nil) => Ok(true),
        (Value::Nil, _) | (_, Value::Nil) => Ok(false),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Int(a), Value::Int(b)) => Ok(a == b),
        (Value::Float(a), Value::Float(b)) => Ok(a == b),
        _ => match (a.as_str(), b.as_str()) {
            (Some(a), Some(b)) => Ok(a == b),
            _ if std::mem::discriminant(a) == std::mem::discriminant(b) => {
                Err(format!("non-comparable types {}, {}", a.type_name(), b.type_name()))
            }
            _ => Err(format!("{INCOMPATIBLE}: {} and {}", a.type_name(), b.type_name())),
        },
    }
}

/// `None` where a NaN is compared.
fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, String> {
    for value in [a, b] {
        if !matches!(
            value,
            Value::Int(_) | Value::Float(_) | Value::String(_) | Value::Html(_) | Value::Bool(_)
        ) {
            return Err(format!("invalid type for comparison: {}", value.type_name()));
        }
    }
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Ok(Some(a.cmp(b))),
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b)),
        (Value::Bool(_), Value::Bool(_)) => Err("invalid type for comparison: bool".to_owned()),
        _ => match (a.as_str(), b.as_str()) {
            (Some(a), Some(b)) => Ok(Some(a.cmp(b))),
            _ => {
                let hint = match (a, b) {
                    (Value::Float(_), Value::Int(whole)) | (Value::Int(whole), Value::Float(_)) => {
                        format!("; write {whole}.0 to compare with a float")
                    }
                    _ => String::new(),
                };
                let (a, b) = (a.type_name(), b.type_name());
                Err(format!("{INCOMPATIBLE}: {a} and {b}{hint}"))
            }
        },
    }
}

pub(super) fn lt(a: &Value, b: &Value) -> Result<bool, String> {
    Ok(order(a, b)? == Some(Ordering::Less))
}

pub(super) fn le(a: &Value, b: &Value) -> Result<bool, String> {
    Ok(order(a, b)?.is_some_and(Ordering::is_le))
}

/// Not less or equal, as Go defines it: true where a NaN is compared.
pub(super) fn gt(a: &Value, b: &Value) -> Result<bool, String> {
    le(a, b).map(|le| !le)
}

/// Not less, as Go defines it: true where a NaN is compared.
pub(super) fn ge(a: &Value, b: &Value) -> Result<bool, String> {
    lt(a, b).map(|lt| !lt)
}
