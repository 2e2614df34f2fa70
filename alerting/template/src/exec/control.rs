//! `if`, `with` and `range`.

use super::{Exec, Flow};
use crate::{
    ast::{Nodes, Pipe},
    error::Error,
    value::Value,
};

impl<'a> Exec<'a> {
    /// The first branch that is true; `with` makes its value the dot.
    pub(super) fn choose(
        &mut self,
        branches: &'a [(Pipe, Nodes)],
        otherwise: &'a Nodes,
        dot: &Value,
        with: bool,
    ) -> Result<Flow, Error> {
        let at = branches.first().map_or(0, |(pipe, _)| pipe.at);
        let scope = self.scope.len();
        let flow = self.nested(at, |exec| {
            for (pipe, nodes) in branches {
                let value = exec.pipe(pipe, dot)?;
                if value.is_true() {
                    return exec.nodes(nodes, if with { &value } else { dot });
                }
            }
            exec.nodes(otherwise, dot)
        })?;
        self.scope.truncate(scope);
        Ok(flow)
    }

    pub(super) fn range(
        &mut self,
        pipe: &'a Pipe,
        body: &'a Nodes,
        otherwise: &'a Nodes,
        dot: &Value,
    ) -> Result<Flow, Error> {
        let scope = self.scope.len();
        let result = self.nested(pipe.at, |exec| {
            let value = exec.pipe(pipe, dot)?;
            let ran = exec.iterate(pipe, body, &value)?;
            if ran { Ok(Flow::Next) } else { exec.nodes(otherwise, dot) }
        });
        self.scope.truncate(scope);
        result
    }

    /// Whether there was anything to iterate over.
    fn iterate(&mut self, pipe: &'a Pipe, body: &'a Nodes, value: &Value) -> Result<bool, Error> {
        match value {
            Value::Nil => Ok(false),
            Value::Int(_) if pipe.variables.len() > 1 => {
                self.fail(pipe.at, "can't use an int to iterate over more than one variable")
            }
            Value::Int(count) => {
                for number in 0..*count {
                    let number = Value::Int(number);
                    if !self.once(pipe, body, number.clone(), &number)? {
                        break;
                    }
                }
                Ok(*count > 0)
            }
            Value::Map(map) => {
                for (key, item) in map.iter() {
                    if !self.once(pipe, body, Value::string(key), item)? {
                        break;
                    }
                }
                Ok(!map.is_empty())
            }
            other => {
                let Some(items) = items(other) else {
                    let kind = other.type_name();
                    return self.fail(pipe.at, format!("range can't iterate over a {kind}"));
                };
                for (index, item) in (0..).zip(items.iter()) {
                    if !self.once(pipe, body, Value::Int(index), item)? {
                        break;
                    }
                }
                Ok(!items.is_empty())
            }
        }
    }

    /// Runs the body for one item. Whether to go on.
    fn once(
        &mut self,
        pipe: &'a Pipe,
        body: &'a Nodes,
        key: Value,
        item: &Value,
    ) -> Result<bool, Error> {
        let scope = self.scope.len();
        self.spend(pipe.at, 1)?;
        self.bind(pipe, key, item)?;
        let flow = self.nodes(body, item)?;
        self.scope.truncate(scope);
        Ok(flow != Flow::Break)
    }

    /// Gives the variables of a `range`, which exist by now, their values: the item, or key and item.
    fn bind(&mut self, pipe: &Pipe, key: Value, item: &Value) -> Result<(), Error> {
        let values = match pipe.variables.as_slice() {
            [] => return Ok(()),
            [one] => vec![(one, item.clone())],
            [first, second, ..] => vec![(first, key), (second, item.clone())],
        };
        for (name, value) in values {
            self.assign(pipe.at, name, value)?;
        }
        Ok(())
    }
}

/// The items of a list or of an object that is one.
pub(crate) fn items(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::List(list) => Some(list.items().to_vec()),
        Value::Object(object) => object.items(),
        _ => None,
    }
}
