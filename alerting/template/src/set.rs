//! A set of templates that may call each other.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    ast::Nodes,
    error::{Error, ErrorKind, Source},
    exec, lexer,
    options::{Functions, Known, Options},
    parser,
    value::Value,
};

/// One template with the text it comes from.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) source: Arc<Source>,
    pub(crate) nodes: Nodes,
}

/// Templates by name.
#[derive(Debug, Default)]
pub struct Templates {
    trees: BTreeMap<String, Tree>,
}

impl Templates {
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses a text as the template `name`, together with the templates that it defines. A later
    /// definition replaces an earlier one, unless it is empty. After an error nothing has changed.
    pub fn add(&mut self, name: &str, text: &str, known: &Known<'_>) -> Result<(), Error> {
        let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
        let allowed = known.options.limits.text_bytes;
        if text.len() > allowed {
            let message = format!("text has {} bytes, allowed are {allowed}", text.len());
            return Err(source.error(0, ErrorKind::Limit, message));
        }
        let tokens = lexer::tokens(&source)?;
        for (name, nodes) in parser::parse(&source, tokens, known)? {
            let empty = parser::is_empty(&nodes);
            if empty && self.trees.contains_key(&name) {
                continue;
            }
            self.trees.insert(name, Tree { source: Arc::clone(&source), nodes });
        }
        Ok(())
    }

    /// Names of all templates, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.trees.keys().map(String::as_str)
    }

    /// Runs a template. `variables` are those it was parsed with, in any order.
    pub fn render(
        &self,
        name: &str,
        data: &Value,
        variables: &[(&str, Value)],
        functions: &dyn Functions,
        options: &Options,
    ) -> Result<String, Error> {
        exec::run(self, name, data, variables, functions, options)
    }

    pub(crate) fn tree(&self, name: &str) -> Option<&Tree> {
        self.trees.get(name)
    }
}
