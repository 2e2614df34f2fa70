//! Fields and methods: `.a.b arg`.

use super::Exec;
use crate::{ast::Operand, error::Error, options::MissingKey, value::Value};

impl<'a> Exec<'a> {
    /// Follows fields from a value.
    pub(super) fn fields(
        &mut self,
        at: usize,
        value: Value,
        fields: &[String],
    ) -> Result<Value, Error> {
        let mut value = value;
        for name in fields {
            self.spend(at, 1)?;
            value = self.field(at, &value, name)?;
        }
        Ok(value)
    }

    fn field(&mut self, at: usize, value: &Value, name: &str) -> Result<Value, Error> {
        let missing_key = self.options.missing_key;
        match value {
            Value::Nil if missing_key == MissingKey::Error => {
                self.fail(at, format!("nil data; no entry for key {name:?}"))
            }
            Value::Nil => Ok(Value::Nil),
            Value::Map(map) => match (map.get(name), missing_key) {
                (Some(found), _) => Ok(found.clone()),
                (None, MissingKey::NoValue) => Ok(Value::Nil),
                (None, MissingKey::Zero) => Ok(map.zero().clone()),
                (None, MissingKey::Error) => {
                    self.fail(at, format!("map has no entry for key {name:?}"))
                }
            },
            Value::Object(object) => match object.field(name) {
                Some(found) => self.checked(at, name, found),
                None => self.no_field(at, name, object.type_name()),
            },
            other => self.no_field(at, name, other.type_name()),
        }
    }

    fn no_field<T>(&self, at: usize, name: &str, kind: &str) -> Result<T, Error> {
        self.fail(at, format!("can't evaluate field {name} in type {kind}"))
    }

    /// The last field of an operand as a method with arguments.
    pub(super) fn method(
        &mut self,
        operand: &'a Operand,
        args: &'a [Operand],
        dot: &Value,
        last: Option<Value>,
    ) -> Result<Value, Error> {
        let at = operand.at;
        let receiver = self.term(operand, dot)?;
        let Some((name, path)) = operand.fields.split_last() else {
            return self.fail(at, "can't give argument to non-function");
        };
        let receiver = self.fields(at, receiver, path)?;
        let values = self.arguments(args, dot, last)?;
        let result = match &receiver {
            Value::Object(object) => object.call(name, &values),
            _ => None,
        };
        match result {
            Some(Ok(value)) => self.checked(at, name, value),
            Some(Err(message)) => self.fail(at, format!("error calling {name}: {message}")),
            None => {
                self.fail(at, format!("{name} has arguments but cannot be invoked as function"))
            }
        }
    }
}
