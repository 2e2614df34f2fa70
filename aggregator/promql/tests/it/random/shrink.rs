//! Makes a case that fails smaller.

use promql::{Expr, ParseOptions, ast::Modifiers, parse};

use super::Case;

/// Most attempts to make a case smaller.
const ATTEMPTS_MAX: usize = 400;

/// The smallest case found that still fails.
pub(crate) fn shrink(mut case: Case, fails: &mut dyn FnMut(&Case) -> bool) -> Case {
    let mut attempts = 0;
    let mut smaller = true;
    while smaller && attempts < ATTEMPTS_MAX {
        smaller = false;
        for candidate in candidates(&case) {
            attempts += 1;
            if attempts < ATTEMPTS_MAX && fails(&candidate) {
                case = candidate;
                smaller = true;
                break;
            }
        }
    }
    case
}

fn candidates(case: &Case) -> Vec<Case> {
    let mut candidates = Vec::new();
    if let Ok(expr) = parse(&case.query, &ParseOptions::default()) {
        for simpler in simpler(&expr) {
            let query = simpler.to_string();
            if query.len() < case.query.len() {
                candidates.push(Case { query, ..case.clone() });
            }
        }
    }
    if case.data.len() > 1 {
        let half = case.data.len() / 2;
        candidates.push(Case { data: case.data[half..].to_vec(), ..case.clone() });
        candidates.push(Case { data: case.data[..half].to_vec(), ..case.clone() });
    }
    for at in 0..case.data.len() {
        let mut fewer = case.clone();
        fewer.data.remove(at);
        candidates.push(fewer);
    }
    if case.steps > 0 {
        candidates.push(Case { steps: case.steps / 2, ..case.clone() });
        let start = case.start + case.step;
        candidates.push(Case { steps: case.steps - 1, start, ..case.clone() });
    }
    for (at, series) in case.data.iter().enumerate() {
        let half = series.samples.len() / 2;
        if half > 0 {
            for keep in [0..half, half..series.samples.len()] {
                let mut fewer = case.clone();
                fewer.data[at].samples = series.samples[keep].to_vec();
                candidates.push(fewer);
            }
        }
    }
    candidates
}

/// Every tree that has one node less.
fn simpler(expr: &Expr) -> Vec<Expr> {
    let mut nodes = 0;
    expr.visit(&mut |_| nodes += 1);
    let mut found = Vec::new();
    for at in 0..nodes {
        for choice in 0.. {
            let mut tree = expr.clone();
            let mut number = at;
            let Some(node) = nth(&mut tree, &mut number) else { break };
            let Some(replacement) = replacement(node, choice) else { break };
            *node = replacement;
            if tree != *expr {
                found.push(tree);
            }
        }
    }
    found
}

fn replacement(node: &Expr, choice: usize) -> Option<Expr> {
    let mut node = node.clone();
    let plain = match &mut node {
        Expr::Selector(selector) => Some(&mut selector.modifiers),
        Expr::Matrix(matrix) => Some(&mut matrix.selector.modifiers),
        Expr::Subquery(subquery) => Some(&mut subquery.modifiers),
        _ => None,
    };
    if let Some(modifiers) = plain.filter(|_| choice == 0) {
        *modifiers = Modifiers::default();
        return Some(node);
    }
    let choice = if matches!(node, Expr::Subquery(_)) { choice.checked_sub(1)? } else { choice };
    let mut below = children(&mut node);
    (choice < below.len()).then(|| below.swap_remove(choice).clone())
}

fn children(expr: &mut Expr) -> Vec<&mut Expr> {
    match expr {
        Expr::Number(_) | Expr::String(_) | Expr::Selector(_) | Expr::Matrix(_) => Vec::new(),
        Expr::Subquery(node) => vec![&mut node.expr],
        Expr::Paren(node) => vec![&mut node.expr],
        Expr::Unary(node) => vec![&mut node.expr],
        Expr::Binary(node) => vec![&mut node.lhs, &mut node.rhs],
        Expr::Aggregate(node) => std::iter::once(&mut node.expr).chain(&mut node.param).collect(),
        Expr::Call(node) => node.args.iter_mut().collect(),
    }
}

/// The node of a number, outermost first.
fn nth<'a>(expr: &'a mut Expr, number: &mut usize) -> Option<&'a mut Expr> {
    if *number == 0 {
        return Some(expr);
    }
    *number -= 1;
    children(expr).into_iter().find_map(|child| nth(child, number))
}
