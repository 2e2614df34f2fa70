//! Our grammar against that of the `promql-parser` crate.

use promql::{
    Expr, ParseOptions,
    adapter::{self, AdapterError},
    ast::{At, DurationExpr, Modifiers},
    parse,
};
use proptest::prelude::*;

use crate::{queries::query, scripts};

/// Takes away what the other grammar does not keep: signs that do nothing, and whether a number was
/// written as a duration.
fn plain(expr: Expr) -> Expr {
    match expr {
        Expr::Number(mut number) => {
            number.duration = false;
            Expr::Number(number)
        }
        Expr::Selector(mut selector) => {
            plain_modifiers(&mut selector.modifiers);
            Expr::Selector(selector)
        }
        Expr::Matrix(mut matrix) => {
            plain_modifiers(&mut matrix.selector.modifiers);
            plain_duration(&mut matrix.range);
            Expr::Matrix(matrix)
        }
        Expr::Subquery(mut subquery) => {
            *subquery.expr = plain(*subquery.expr);
            plain_modifiers(&mut subquery.modifiers);
            plain_duration(&mut subquery.range);
            subquery.step.iter_mut().for_each(plain_duration);
            Expr::Subquery(subquery)
        }
        Expr::Paren(mut paren) => {
            *paren.expr = plain(*paren.expr);
            Expr::Paren(paren)
        }
        Expr::Unary(unary) if !unary.negative => plain(*unary.expr),
        Expr::Unary(mut unary) => {
            *unary.expr = plain(*unary.expr);
            Expr::Unary(unary)
        }
        Expr::Binary(mut binary) => {
            binary.lhs = plain(binary.lhs);
            binary.rhs = plain(binary.rhs);
            Expr::Binary(binary)
        }
        Expr::Aggregate(mut aggregate) => {
            aggregate.expr = plain(aggregate.expr);
            aggregate.param = aggregate.param.map(plain);
            Expr::Aggregate(aggregate)
        }
        Expr::Call(mut call) => {
            call.args = call.args.into_iter().map(plain).collect();
            Expr::Call(call)
        }
        other @ Expr::String(_) => other,
    }
}

fn plain_modifiers(modifiers: &mut Modifiers) {
    modifiers.offset.iter_mut().for_each(plain_duration);
}

fn plain_duration(duration: &mut DurationExpr) {
    if let DurationExpr::Number(number) = duration {
        number.duration = true;
    }
}

/// Whether a query uses what the other grammar does not know.
fn is_beyond(expr: &Expr) -> bool {
    let mut beyond = false;
    expr.visit(&mut |expr| {
        let (modifiers, durations) = match expr {
            Expr::Selector(selector) => (Some(&selector.modifiers), Vec::new()),
            Expr::Matrix(matrix) => (Some(&matrix.selector.modifiers), vec![&matrix.range]),
            Expr::Subquery(subquery) => {
                let durations = subquery.step.iter().chain([&subquery.range]).collect();
                (Some(&subquery.modifiers), durations)
            }
            _ => (None, Vec::new()),
        };
        let offset = modifiers.and_then(|modifiers| modifiers.offset.as_ref());
        beyond |= durations
            .into_iter()
            .chain(offset)
            .any(|duration| !matches!(duration, DurationExpr::Number(_)));
        beyond |= modifiers
            .is_some_and(|m| matches!(m.at, Some(At::Time(time)) if time < -9_000_000_000_000_000));
    });
    beyond
}

/// Compares both; true when both took the query.
fn agree(query: &str) -> bool {
    let own = parse(query, &ParseOptions::default());
    match (own, adapter::parse(query)) {
        (Ok(own), Ok(other)) => {
            assert_eq!(plain(own), plain(other), "{query}");
            true
        }
        (Ok(own), Err(AdapterError::NoCounterpart(what))) => {
            panic!("{query} is {own}, which cannot be told for {what}")
        }
        _ => false,
    }
}

#[test]
fn script_queries_mean_the_same() {
    let queries = scripts::queries();
    let both = queries.iter().filter(|query| agree(query)).count();
    let beyond = queries
        .iter()
        .filter_map(|query| parse(query, &ParseOptions::default()).ok())
        .filter(is_beyond)
        .count();
    eprintln!("{} queries, {both} both, {beyond} beyond", queries.len());
    for query in &queries {
        let own = parse(query, &ParseOptions::default());
        let other = adapter::parse(query);
        match (own, other) {
            (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
            (Ok(o), Err(e)) if !is_beyond(&o) => eprintln!("OWN ONLY {query}: {e}"),
            (Ok(_), Err(_)) => {}
            (Err(e), Ok(_)) => eprintln!("OTHER ONLY {query}: {e}"),
        }
    }
}

proptest! {
    #[test]
    fn random_queries_mean_the_same(query in query()) {
        prop_assert!(agree(&query), "{} {:?}", query, adapter::parse(&query));
    }
}
