//! Runs templates.

mod chain;
mod control;
mod pipeline;

pub(crate) use control::items;

use crate::{
    ast::{Node, Nodes},
    error::{Error, ErrorKind, Source},
    format,
    options::{Functions, Options},
    set::{Templates, Tree},
    value::Value,
};
use std::sync::Arc;

/// Bytes of a function's result that count as one step.
const STEP_BYTES: usize = 16;

/// Steps after which is asked at the latest whether there is time to go on.
const STEPS_PER_ASK: u64 = 256;

/// Runs the template `name`.
pub(crate) fn run(
    set: &Templates,
    name: &str,
    data: &Value,
    variables: &[(&str, Value)],
    functions: &dyn Functions,
    options: &Options,
) -> Result<String, Error> {
    let Some(tree) = set.tree(name) else {
        let source = Arc::new(Source { name: name.to_owned(), text: String::new() });
        return Err(source.error(0, ErrorKind::Execution, "there is no template of this name"));
    };
    let mut scope = vec![("$".to_owned(), data.clone())];
    scope.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let mut exec = Exec {
        set,
        source: &tree.source,
        functions,
        options,
        scope,
        out: String::new(),
        held: 0,
        steps: 0,
        ask_at: 0,
        depth: 0,
    };
    exec.nodes(&tree.nodes, data)?;
    Ok(exec.out)
}

struct Exec<'a> {
    set: &'a Templates,
    /// The text that is running.
    source: &'a Arc<Source>,
    functions: &'a dyn Functions,
    options: &'a Options,
    /// Variables, innermost last.
    scope: Vec<(String, Value)>,
    out: String,
    /// Bytes of the outputs that wait for a template that runs by its computed name: each level
    /// has one, and all together are limited.
    held: usize,
    steps: u64,
    /// From which step on to ask whether to go on.
    ask_at: u64,
    depth: u32,
}

/// What a list of nodes asks of the `range` around it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl<'a> Exec<'a> {
    fn fail<T>(&self, at: usize, message: impl Into<String>) -> Result<T, Error> {
        Err(self.source.error(at, ErrorKind::Execution, message))
    }

    fn limit<T>(&self, at: usize, message: String) -> Result<T, Error> {
        Err(self.source.error(at, ErrorKind::Limit, message))
    }

    fn spend(&mut self, at: usize, steps: usize) -> Result<(), Error> {
        self.steps = self.steps.saturating_add(steps as u64);
        let most = self.options.limits.steps;
        if self.steps > most {
            return self.limit(at, format!("template takes more than {most} steps"));
        }
        if self.steps < self.ask_at {
            return Ok(());
        }
        self.ask(at)
    }

    /// Ends the run where there is no time to go on.
    fn ask(&mut self, at: usize) -> Result<(), Error> {
        self.ask_at = self.steps.saturating_add(STEPS_PER_ASK);
        self.functions.go_on().or_else(|message| self.limit(at, message))
    }

    /// Runs `walk` one level deeper.
    fn nested<T>(
        &mut self,
        at: usize,
        walk: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let most = self.options.limits.depth;
        if self.depth >= most {
            return self
                .limit(at, format!("template runs deeper than {most}: does it call itself?"));
        }
        self.depth += 1;
        let result = walk(self);
        self.depth -= 1;
        result
    }

    fn write(&mut self, at: usize, text: &str) -> Result<(), Error> {
        let most = self.options.limits.output_bytes;
        if self.held + self.out.len() + text.len() > most {
            return self.limit(at, format!("output is longer than {most} bytes"));
        }
        self.out.push_str(text);
        Ok(())
    }

    fn nodes(&mut self, nodes: &'a Nodes, dot: &Value) -> Result<Flow, Error> {
        for node in nodes {
            self.spend(0, 1)?;
            let flow = match node {
                Node::Text(text) => {
                    self.write(0, text)?;
                    Flow::Next
                }
                Node::Action(pipe) => {
                    let value = self.pipe(pipe, dot)?;
                    if pipe.variables.is_empty() {
                        self.print(pipe.at, &value)?;
                    }
                    Flow::Next
                }
                Node::If { branches, otherwise } => self.choose(branches, otherwise, dot, false)?,
                Node::With { branches, otherwise } => {
                    self.choose(branches, otherwise, dot, true)?
                }
                Node::Range { pipe, body, otherwise } => self.range(pipe, body, otherwise, dot)?,
                Node::Template { at, name, pipe } => {
                    let data = match pipe {
                        Some(pipe) => self.pipe(pipe, dot)?,
                        None => Value::Nil,
                    };
                    self.call_template(*at, name, &data)?;
                    Flow::Next
                }
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, at: usize, value: &Value) -> Result<(), Error> {
        match value {
            Value::Nil => self.write(at, "<no value>"),
            Value::String(text) | Value::Html(text) => self.write(at, text),
            other => {
                self.spend(at, other.shape().weight / STEP_BYTES)?;
                self.write(at, &format::display_within(other, self.options.limits.output_bytes))
            }
        }
    }

    /// Runs another template of the set into the same output.
    fn call_template(&mut self, at: usize, name: &str, data: &Value) -> Result<(), Error> {
        let Some(Tree { source, nodes }) = self.set.tree(name) else {
            return self.fail(at, format!("template {name:?} not defined"));
        };
        self.nested(at, |exec| {
            let scope = std::mem::replace(&mut exec.scope, vec![("$".to_owned(), data.clone())]);
            let caller = std::mem::replace(&mut exec.source, source);
            let result = exec.nodes(nodes, data);
            exec.scope = scope;
            exec.source = caller;
            result.map(|_| ())
        })
    }
}
