//! Values of pipelines, commands and operands.

use super::{Exec, STEP_BYTES};
use crate::{
    ast::{Command, Operand, Pipe, Term},
    builtins,
    error::Error,
    value::Value,
};

impl<'a> Exec<'a> {
    /// The value of a pipeline, which its variables get too.
    pub(super) fn pipe(&mut self, pipe: &'a Pipe, dot: &Value) -> Result<Value, Error> {
        let value = self.pipe_value(pipe, dot)?;
        for name in &pipe.variables {
            if pipe.assigns {
                self.assign(pipe.at, name, value.clone())?;
            } else {
                self.scope.push((name.clone(), value.clone()));
            }
        }
        Ok(value)
    }

    pub(super) fn assign(&mut self, at: usize, name: &str, value: Value) -> Result<(), Error> {
        match self.scope.iter_mut().rev().find(|(known, _)| known == name) {
            Some((_, place)) => {
                *place = value;
                Ok(())
            }
            None => self.fail(at, format!("undefined variable {name:?}")),
        }
    }

    /// The value of a pipeline alone.
    pub(super) fn pipe_value(&mut self, pipe: &'a Pipe, dot: &Value) -> Result<Value, Error> {
        let mut value = None;
        for command in &pipe.commands {
            value = Some(self.command(command, dot, value)?);
        }
        Ok(value.unwrap_or_default())
    }

    /// `last` is the value of the stage before, which becomes the last argument.
    fn command(
        &mut self,
        command: &'a Command,
        dot: &Value,
        last: Option<Value>,
    ) -> Result<Value, Error> {
        let Command { first, args } = command;
        self.spend(first.at, 1)?;
        if let (Term::Function(name), []) = (&first.term, first.fields.as_slice()) {
            return self.function(first.at, name, args, dot, last);
        }
        if args.is_empty() && last.is_none() {
            if matches!(first.term, Term::Nil) {
                return self.fail(first.at, "nil is not a command");
            }
            return self.operand(first, dot);
        }
        if first.fields.is_empty() {
            return self.fail(first.at, "can't give argument to non-function");
        }
        self.method(first, args, dot, last)
    }

    /// The value of an operand without arguments.
    pub(super) fn operand(&mut self, operand: &'a Operand, dot: &Value) -> Result<Value, Error> {
        self.spend(operand.at, 1)?;
        let value = self.term(operand, dot)?;
        self.fields(operand.at, value, &operand.fields)
    }

    /// The value of an operand before its fields.
    pub(super) fn term(&mut self, operand: &'a Operand, dot: &Value) -> Result<Value, Error> {
        match &operand.term {
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Ok(Value::Nil),
            Term::Constant(value) => Ok(value.clone()),
            Term::Variable(name) => {
                match self.scope.iter().rev().find(|(known, _)| known == name) {
                    Some((_, value)) => Ok(value.clone()),
                    None => self.fail(operand.at, format!("undefined variable {name:?}")),
                }
            }
            Term::Function(name) => self.function(operand.at, name, &[], dot, None),
            Term::Pipe(pipe) => self.nested(operand.at, |exec| exec.pipe(pipe, dot)),
        }
    }

    /// The values of arguments, in order.
    pub(super) fn arguments(
        &mut self,
        args: &'a [Operand],
        dot: &Value,
        last: Option<Value>,
    ) -> Result<Vec<Value>, Error> {
        let mut values = Vec::with_capacity(args.len() + 1);
        for arg in args {
            values.push(self.operand(arg, dot)?);
        }
        values.extend(last);
        Ok(values)
    }

    fn function(
        &mut self,
        at: usize,
        name: &str,
        args: &'a [Operand],
        dot: &Value,
        last: Option<Value>,
    ) -> Result<Value, Error> {
        if matches!(name, "and" | "or") {
            return self.junction(at, name, args, dot, last);
        }
        let values = self.arguments(args, dot, last)?;
        if name == "tmpl" && self.options.template_by_name {
            return self.template_by_name(at, &values);
        }
        // What a function reads of its arguments is work, even if its result is short.
        let weight = values.iter().map(|value| value.shape().weight);
        self.spend(at, weight.fold(0, usize::saturating_add) / STEP_BYTES)?;
        self.ask(at)?;
        let most = self.options.limits.output_bytes;
        let result = if self.functions.has(name) {
            self.functions.call(name, &values, most)
        } else {
            builtins::call(name, &values, most)
        };
        match result {
            Ok(value) => self.checked(at, name, value),
            Err(message) => self.fail(at, format!("error calling {name}: {message}")),
        }
    }

    /// A result of a function, if it is not too large.
    pub(super) fn checked(&mut self, at: usize, name: &str, value: Value) -> Result<Value, Error> {
        let shape = value.shape();
        let limits = self.options.limits;
        if shape.weight > limits.output_bytes || shape.depth > limits.depth {
            return self.limit(at, format!("result of {name} is too large"));
        }
        self.spend(at, shape.weight / STEP_BYTES)?;
        Ok(value)
    }

    /// `and` and `or`: arguments are evaluated until one decides.
    fn junction(
        &mut self,
        at: usize,
        name: &str,
        args: &'a [Operand],
        dot: &Value,
        last: Option<Value>,
    ) -> Result<Value, Error> {
        let decides = name == "or";
        let mut value = None;
        for arg in args {
            let found = self.operand(arg, dot)?;
            if found.is_true() == decides {
                return Ok(found);
            }
            value = Some(found);
        }
        match last.or(value) {
            Some(value) => Ok(value),
            None => {
                self.fail(at, format!("wrong number of args for {name}: want at least 1 got 0"))
            }
        }
    }

    /// `tmpl NAME DATA`: the output of another template as safe text.
    fn template_by_name(&mut self, at: usize, args: &[Value]) -> Result<Value, Error> {
        let [Value::String(name), data] = args else {
            return self.fail(at, "tmpl wants the name of a template and a value");
        };
        let outer = std::mem::take(&mut self.out);
        self.held += outer.len();
        let result = self.call_template(at, name, data);
        self.held -= outer.len();
        let inner = std::mem::replace(&mut self.out, outer);
        result?;
        self.checked(at, "tmpl", Value::Html(inner.into()))
    }
}
