//! The syntax tree of a template.

use crate::value::Value;

/// Nodes in order.
pub(crate) type Nodes = Vec<Node>;

#[derive(Debug)]
pub(crate) enum Node {
    Text(String),
    Action(Pipe),
    /// The first branch whose pipeline is true, else `otherwise`.
    If {
        branches: Vec<(Pipe, Nodes)>,
        otherwise: Nodes,
    },
    With {
        branches: Vec<(Pipe, Nodes)>,
        otherwise: Nodes,
    },
    Range {
        pipe: Pipe,
        body: Nodes,
        otherwise: Nodes,
    },
    /// Runs another template over the pipeline's value.
    Template {
        at: usize,
        name: String,
        pipe: Option<Pipe>,
    },
    Break,
    Continue,
}

/// `$a, $b := command | command`
#[derive(Debug)]
pub(crate) struct Pipe {
    /// Byte in the text.
    pub(crate) at: usize,
    pub(crate) variables: Vec<String>,
    /// `=` rather than `:=`.
    pub(crate) assigns: bool,
    pub(crate) commands: Vec<Command>,
}

/// A function or value with arguments; never empty.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) first: Operand,
    pub(crate) args: Vec<Operand>,
}

#[derive(Debug)]
pub(crate) struct Operand {
    pub(crate) at: usize,
    pub(crate) term: Term,
    /// `.a.b` behind the term.
    pub(crate) fields: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum Term {
    Dot,
    Nil,
    Constant(Value),
    /// With its `$`.
    Variable(String),
    Function(String),
    Pipe(Box<Pipe>),
}
