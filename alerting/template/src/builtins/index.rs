//! `len`, `index` and `slice`. Strings are indexed by bytes.

use crate::{exec::items, value::Value};

pub(super) fn len(value: &Value) -> Result<i64, String> {
    let length = match value {
        Value::Nil => return Err("len of untyped nil".to_owned()),
        Value::String(text) | Value::Html(text) => text.len(),
        Value::Map(map) => map.len(),
        other => match items(other) {
            Some(items) => items.len(),
            None => return Err(format!("len of type {}", other.type_name())),
        },
    };
    Ok(i64::try_from(length).unwrap_or(i64::MAX))
}

const OF_NIL: &str = "index of untyped nil";

/// `index x 1 2` is `x[1][2]`.
pub(super) fn index(args: &[Value]) -> Result<Value, String> {
    let [value, keys @ ..] = args else {
        return Err("wrong number of args for index: want at least 1 got 0".to_owned());
    };
    if matches!(value, Value::Nil) {
        return Err(OF_NIL.to_owned());
    }
    let mut value = value.clone();
    for key in keys {
        value = at(&value, key)?;
    }
    Ok(value)
}

fn at(value: &Value, key: &Value) -> Result<Value, String> {
    match value {
        Value::Nil => Err(OF_NIL.to_owned()),
        Value::Map(map) => match key.as_str() {
            Some(key) => Ok(map.get(key).unwrap_or(map.zero()).clone()),
            None => Err(format!("value has type {}; should be string", key.type_name())),
        },
        Value::String(text) | Value::Html(text) => {
            let bytes = text.as_bytes();
            let byte = bytes.get(place(key, bytes.len(), false)?);
            Ok(byte.map_or(Value::Nil, |byte| Value::Int(i64::from(*byte))))
        }
        other => match items(other) {
            Some(items) => {
                let place = place(key, items.len(), false)?;
                Ok(items.get(place).cloned().unwrap_or_default())
            }
            None => Err(format!("can't index item of type {}", other.type_name())),
        },
    }
}

/// An index into something of `length`; as a bound of a slice it may be the length itself.
fn place(key: &Value, length: usize, bound: bool) -> Result<usize, String> {
    let index = match key {
        Value::Int(index) => *index,
        Value::Nil => return Err("cannot index slice/array with nil".to_owned()),
        other => {
            return Err(format!("cannot index slice/array with type {}", other.type_name()));
        }
    };
    usize::try_from(index)
        .ok()
        .filter(|place| *place < length || (bound && *place == length))
        .ok_or_else(|| format!("index out of range: {index}"))
}

/// `slice x 1 2` is `x[1:2]`.
pub(super) fn slice(args: &[Value]) -> Result<Value, String> {
    let [value, bounds @ ..] = args else {
        return Err("wrong number of args for slice: want at least 1 got 0".to_owned());
    };
    if bounds.len() > 3 {
        return Err(format!("too many slice indexes: {}", bounds.len()));
    }
    let list = match value {
        Value::Nil => return Err("slice of untyped nil".to_owned()),
        Value::String(_) | Value::Html(_) if bounds.len() == 3 => {
            return Err("cannot 3-index slice a string".to_owned());
        }
        Value::String(text) | Value::Html(text) => {
            let (start, end) = range(bounds, text.len())?;
            let bytes = text.as_bytes().get(start..end).unwrap_or_default();
            return Ok(String::from_utf8_lossy(bytes).into_owned().into());
        }
        other => {
            items(other).ok_or_else(|| format!("can't slice item of type {}", other.type_name()))?
        }
    };
    let (start, end) = range(bounds, list.len())?;
    Ok(Value::list(list.get(start..end).unwrap_or_default().to_vec()))
}

fn range(bounds: &[Value], length: usize) -> Result<(usize, usize), String> {
    let mut places = [0, length, length];
    for (slot, bound) in places.iter_mut().zip(bounds) {
        *slot = place(bound, length, true)?;
    }
    let [start, end, capacity] = places;
    for (low, high) in [(start, end), (end, capacity)] {
        if low > high {
            return Err(format!("invalid slice index: {low} > {high}"));
        }
    }
    Ok((start, end))
}
