//! Pipelines, commands and operands.

use super::Parser;
use crate::{
    ast::{Command, Operand, Pipe, Term},
    error::Error,
    lexer::Kind,
};

impl Parser<'_> {
    /// A pipeline up to and including `end`, which is `}}` or `)`.
    pub(super) fn pipeline(&mut self, context: &str, end: &Kind) -> Result<Pipe, Error> {
        self.skip_space();
        let at = self.at();
        let (variables, assigns) = self.declarations(context)?;
        let mut commands: Vec<Command> = Vec::new();
        loop {
            self.skip_space();
            if self.accept(end) {
                break;
            }
            if matches!(self.kind(), Kind::End | Kind::Close | Kind::RightParen | Kind::Pipe) {
                return Err(self.unexpected(context));
            }
            let stage = commands.len() + 1;
            let place = self.at();
            let command = self.command(end)?;
            if stage > 1 && !is_executable(&command.first) {
                let message = format!("non executable command in pipeline stage {stage}");
                return Err(self.error(place, message));
            }
            commands.push(command);
        }
        if commands.is_empty() {
            return Err(self.error(self.at(), format!("missing value for {context}")));
        }
        Ok(Pipe { at, variables, assigns, commands })
    }

    /// `$a :=`, `$a, $b :=` or the same with `=`; the variables are in scope from here on.
    fn declarations(&mut self, context: &str) -> Result<(Vec<String>, bool), Error> {
        let start = self.next;
        let mut names = Vec::new();
        while let Kind::Variable(name) = self.kind().clone() {
            let at = self.at();
            self.next += 1;
            self.skip_space();
            names.push((at, name));
            if matches!(self.kind(), Kind::Declare | Kind::Assign) {
                let assigns = self.take() == Kind::Assign;
                let names: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
                // Whether a variable that is assigned exists is known only when it runs.
                self.variables.extend(names.iter().cloned());
                return Ok((names, assigns));
            }
            if !(self.accept(&Kind::Comma) && context == "range") {
                break;
            }
            if names.len() == 2 {
                return Err(self.error(at, "too many declarations in range"));
            }
            self.skip_space();
            if !matches!(self.kind(), Kind::Variable(_)) {
                return Err(self.error(self.at(), "range can only initialize variables"));
            }
        }
        self.next = start;
        Ok((Vec::new(), false))
    }

    fn undefined(&self, at: usize, name: &str) -> Error {
        self.error(at, format!("undefined variable {name:?}"))
    }

    /// Operands up to a pipe, which is taken, or to the end, which is not.
    fn command(&mut self, end: &Kind) -> Result<Command, Error> {
        let mut operands = Vec::new();
        loop {
            self.skip_space();
            if self.accept(&Kind::Pipe) {
                break;
            }
            if self.kind() == end {
                break;
            }
            operands.push(self.operand()?);
            match self.kind() {
                Kind::Space | Kind::Pipe => {}
                kind if kind == end => {}
                _ => return Err(self.unexpected("operand")),
            }
        }
        let mut operands = operands.into_iter();
        match operands.next() {
            Some(first) => Ok(Command { first, args: operands.collect() }),
            None => Err(self.error(self.at(), "empty command")),
        }
    }

    /// A term with the fields behind it.
    fn operand(&mut self) -> Result<Operand, Error> {
        let at = self.at();
        let mut fields = Vec::new();
        let term = match self.take() {
            Kind::Name(name) => self.function(at, name)?,
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Constant(constant) => Term::Constant(constant.0),
            Kind::Variable(name) if self.variables.contains(&name) => Term::Variable(name),
            Kind::Variable(name) => return Err(self.undefined(at, &name)),
            Kind::Field(name) => {
                fields.push(name);
                Term::Dot
            }
            Kind::LeftParen => {
                let pipe = self.nested(|parser| {
                    parser.pipeline("parenthesized pipeline", &Kind::RightParen)
                })?;
                Term::Pipe(Box::new(pipe))
            }
            _ => {
                self.next -= 1;
                return Err(self.unexpected("operand"));
            }
        };
        let plain = matches!(term, Term::Nil | Term::Constant(_))
            || (matches!(term, Term::Dot) && fields.is_empty());
        while let Kind::Field(name) = self.kind().clone() {
            if plain {
                return Err(self.error(self.at(), format!("unexpected .{name} after this value")));
            }
            self.next += 1;
            fields.push(name);
        }
        Ok(Operand { at, term, fields })
    }

    fn function(&self, at: usize, name: String) -> Result<Term, Error> {
        let by_name = name == "tmpl" && self.known.options.template_by_name;
        if by_name || crate::builtins::is_builtin(&name) || self.known.functions.has(&name) {
            return Ok(Term::Function(name));
        }
        Err(self.error(at, format!("function {name:?} not defined")))
    }
}

/// Whether an operand can take the value of the stage before it.
fn is_executable(operand: &Operand) -> bool {
    !operand.fields.is_empty() || !matches!(operand.term, Term::Constant(_) | Term::Dot | Term::Nil)
}
