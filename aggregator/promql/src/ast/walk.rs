//! Walks over trees.

use model::matcher::Matcher;

use super::Expr;

impl Expr {
    /// Calls `visit` for this expression and all below, outermost first.
    pub fn visit<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::Number(_) | Self::String(_) | Self::Selector(_) | Self::Matrix(_) => {}
            Self::Subquery(node) => node.expr.visit(visit),
            Self::Paren(node) => node.expr.visit(visit),
            Self::Unary(node) => node.expr.visit(visit),
            Self::Binary(node) => {
                node.lhs.visit(visit);
                node.rhs.visit(visit);
            }
            Self::Aggregate(node) => {
                node.expr.visit(visit);
                if let Some(param) = &node.param {
                    param.visit(visit);
                }
            }
            Self::Call(node) => node.args.iter().for_each(|arg| arg.visit(visit)),
        }
    }

    /// The selectors of the expression, as `/series` would take them.
    pub fn selectors(&self) -> Vec<&[Matcher]> {
        let mut found = Vec::new();
        self.visit(&mut |expr| match expr {
            Self::Selector(selector) => found.push(selector.matchers.as_slice()),
            Self::Matrix(matrix) => found.push(matrix.selector.matchers.as_slice()),
            _ => {}
        });
        found
    }

    /// Levels of the tree, without those of durations.
    pub(crate) fn height(&self) -> usize {
        let below = match self {
            Self::Number(_) | Self::String(_) | Self::Selector(_) | Self::Matrix(_) => 0,
            Self::Subquery(node) => node.expr.height(),
            Self::Paren(node) => node.expr.height(),
            Self::Unary(node) => node.expr.height(),
            Self::Binary(node) => node.lhs.height().max(node.rhs.height()),
            Self::Aggregate(node) => {
                node.expr.height().max(node.param.as_ref().map_or(0, Self::height))
            }
            Self::Call(node) => node.args.iter().map(Self::height).max().unwrap_or(0),
        };
        1 + below
    }
}
