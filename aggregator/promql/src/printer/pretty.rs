//! Prints long expressions over several lines, indented by their nesting.

use crate::ast::Expr;

use super::{AggregateHead, Left, Operator, SubquerySuffix, sign};

/// Expressions that fit into so many characters stay on one line.
const LINE_MAX: usize = 100;

/// The query as a person would lay it out.
pub fn format_query(expr: &Expr) -> String {
    let mut text = String::new();
    print(expr, 0, &mut text);
    text
}

fn indent(level: usize, out: &mut String) {
    for _ in 0..level {
        out.push_str("  ");
    }
}

fn print(expr: &Expr, level: usize, out: &mut String) {
    let line = expr.to_string();
    if line.len() <= LINE_MAX {
        // So it is in Prometheus: a subquery begins its line.
        if !matches!(expr, Expr::Subquery(_)) {
            indent(level, out);
        }
        out.push_str(&line);
        return;
    }
    match expr {
        Expr::Number(_) | Expr::String(_) | Expr::Selector(_) | Expr::Matrix(_) => {
            indent(level, out);
            out.push_str(&line);
        }
        Expr::Subquery(node) => {
            print(&node.expr, level, out);
            out.push_str(&SubquerySuffix(node).to_string());
        }
        Expr::Paren(node) => {
            indent(level, out);
            enclose("", &[&*node.expr], level, out);
        }
        Expr::Unary(node) => {
            indent(level, out);
            out.push(sign(node.negative));
            let mut inner = String::new();
            print(&node.expr, level, &mut inner);
            out.push_str(inner.trim_start());
        }
        Expr::Binary(node) => {
            match &node.lhs {
                Expr::Number(_) => {
                    indent(level + 1, out);
                    out.push_str(&Left(node).to_string());
                }
                left => print(left, level + 1, out),
            }
            out.push('\n');
            indent(level, out);
            out.push_str(&Operator(node).to_string());
            out.push('\n');
            print(&node.rhs, level + 1, out);
        }
        Expr::Aggregate(node) => {
            indent(level, out);
            let args: Vec<&Expr> = node.param.iter().chain([&node.expr]).collect();
            enclose(&AggregateHead(node).to_string(), &args, level, out);
        }
        Expr::Call(node) => {
            indent(level, out);
            enclose(node.function.name, &node.args.iter().collect::<Vec<_>>(), level, out);
        }
    }
}

/// A name and arguments, each on lines of their own.
fn enclose(name: &str, args: &[&Expr], level: usize, out: &mut String) {
    out.push_str(name);
    out.push_str("(\n");
    for (number, arg) in args.iter().enumerate() {
        if number > 0 {
            out.push_str(",\n");
        }
        print(arg, level + 1, out);
    }
    out.push('\n');
    indent(level, out);
    out.push(')');
}
