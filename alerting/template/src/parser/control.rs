//! `if`, `with`, `range`, `define`, `block`, `template`, `break` and `continue`.

use super::{Parser, Stop};
use crate::{
    ast::{Node, Nodes, Pipe},
    error::Error,
    lexer::{Keyword, Kind},
};

impl Parser<'_> {
    /// An action that begins with a keyword, which has been taken.
    pub(super) fn control(&mut self, at: usize, keyword: Keyword) -> Result<Node, Error> {
        self.nested(|parser| match keyword {
            Keyword::If => {
                let (branches, otherwise) = parser.branches(at, "if", Keyword::If)?;
                Ok(Node::If { branches, otherwise })
            }
            Keyword::With => {
                let (branches, otherwise) = parser.branches(at, "with", Keyword::With)?;
                Ok(Node::With { branches, otherwise })
            }
            Keyword::Range => parser.range(at),
            Keyword::Template => parser.template(at),
            Keyword::Block => parser.block(at),
            Keyword::Break => parser.jump(at, "break", Node::Break),
            Keyword::Continue => parser.jump(at, "continue", Node::Continue),
            Keyword::Define | Keyword::Else | Keyword::End => {
                Err(parser.error(at, "unexpected keyword"))
            }
        })
    }

    fn jump(&mut self, at: usize, word: &str, node: Node) -> Result<Node, Error> {
        if self.ranges == 0 {
            return Err(self.error(at, format!("{{{{{word}}}}} outside {{{{range}}}}")));
        }
        self.close(word)?;
        Ok(node)
    }

    /// `PIPE}} nodes {{else if PIPE}} nodes {{else}} nodes {{end}}`
    fn branches(
        &mut self,
        at: usize,
        word: &str,
        keyword: Keyword,
    ) -> Result<(Vec<(Pipe, Nodes)>, Nodes), Error> {
        let scope = self.variables.len();
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        loop {
            let pipe = self.pipeline(word, &Kind::Close)?;
            let (nodes, stop) = self.body(at, word)?;
            branches.push((pipe, nodes));
            if stop == Stop::End {
                break;
            }
            self.skip_space();
            if self.accept(&Kind::Keyword(keyword)) {
                continue;
            }
            otherwise = self.otherwise(at, word)?;
            break;
        }
        self.variables.truncate(scope);
        Ok((branches, otherwise))
    }

    fn range(&mut self, at: usize) -> Result<Node, Error> {
        let scope = self.variables.len();
        let pipe = self.pipeline("range", &Kind::Close)?;
        self.ranges += 1;
        let body = self.body(at, "range");
        self.ranges -= 1;
        let (body, stop) = body?;
        let otherwise = match stop {
            Stop::Else => self.otherwise(at, "range")?,
            Stop::End => Vec::new(),
        };
        self.variables.truncate(scope);
        Ok(Node::Range { pipe, body, otherwise })
    }

    /// Nodes up to `{{else` or `{{end}}`, which there must be. What they declare stays known until
    /// the end of the whole, as in Go.
    fn body(&mut self, at: usize, word: &str) -> Result<(Nodes, Stop), Error> {
        let (nodes, stop) = self.nodes(false)?;
        match stop {
            Some((_, stop)) => Ok((nodes, stop)),
            None => {
                let message = format!("{{{{{word}}}}} is never closed: {{{{end}}}} is missing");
                Err(self.error(at, message))
            }
        }
    }

    /// What follows a plain `{{else`.
    fn otherwise(&mut self, at: usize, word: &str) -> Result<Nodes, Error> {
        self.close("else")?;
        let (nodes, stop) = self.body(at, word)?;
        if stop == Stop::End {
            return Ok(nodes);
        }
        Err(self.error(
            self.at(),
            format!("expected {{{{end}}}} of {{{{{word}}}}}, found {{{{else}}}}"),
        ))
    }

    fn name(&mut self, word: &str) -> Result<String, Error> {
        self.skip_space();
        if let Kind::Constant(constant) = self.kind()
            && let Some(name) = constant.0.as_str()
        {
            let name = name.to_owned();
            self.next += 1;
            return Ok(name);
        }
        Err(self.unexpected(&format!("{word} clause: its name must be a string")))
    }

    fn template(&mut self, at: usize) -> Result<Node, Error> {
        let name = self.name("template")?;
        self.skip_space();
        let pipe = if self.accept(&Kind::Close) {
            None
        } else {
            Some(self.pipeline("template clause", &Kind::Close)?)
        };
        Ok(Node::Template { at, name, pipe })
    }

    /// `define` and `template` in one.
    fn block(&mut self, at: usize) -> Result<Node, Error> {
        let name = self.name("block")?;
        let pipe = self.pipeline("block clause", &Kind::Close)?;
        self.definition(at, "block", name.clone())?;
        Ok(Node::Template { at, name, pipe: Some(pipe) })
    }

    pub(super) fn define(&mut self, at: usize) -> Result<(), Error> {
        let name = self.name("define")?;
        self.close("define clause")?;
        self.nested(|parser| parser.definition(at, "define", name))
    }

    /// The body of a definition, which sees no variables but `$`.
    fn definition(&mut self, at: usize, word: &str, name: String) -> Result<(), Error> {
        let outer = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let ranges = std::mem::take(&mut self.ranges);
        let body = self.body(at, word);
        self.variables = outer;
        self.ranges = ranges;
        let (nodes, stop) = body?;
        if stop == Stop::Else {
            return Err(self.error(at, format!("unexpected {{{{else}}}} in {{{{{word}}}}}")));
        }
        let known = self.defined.iter().position(|(other, _)| *other == name);
        match known {
            Some(place) if super::is_empty(&nodes) => drop(self.defined.get(place)),
            Some(place) if self.defined.get(place).is_some_and(|(_, old)| super::is_empty(old)) => {
                self.defined.remove(place);
                self.defined.push((name, nodes));
            }
            Some(_) => {
                return Err(self.error(at, format!("multiple definition of template {name:?}")));
            }
            None => self.defined.push((name, nodes)),
        }
        Ok(())
    }
}
