//! Type checks, once the syntax is known to be right.

use model::labels::METRIC_NAME;

use super::{ParseError, internal_name};
use crate::{
    ast::{Aggregate, AggregateOp, Binary, Call, Cardinality, Expr, ValueType, VectorSelector},
    functions::FunctionId,
    span::Span,
    text::quote::Quoted,
};

/// Finds the first error in order of evaluation.
pub(super) fn check(expr: &Expr, query: &str) -> Result<(), ParseError> {
    Checker { query }.expr(expr)
}

struct Checker<'a> {
    query: &'a str,
}

fn error<T>(span: Span, message: impl Into<String>) -> Result<T, ParseError> {
    Err(ParseError::new(span, message))
}

impl Checker<'_> {
    fn expr(&self, expr: &Expr) -> Result<(), ParseError> {
        match expr {
            Expr::Number(_) | Expr::String(_) => Ok(()),
            Expr::Selector(selector) => check_selector(selector, false),
            Expr::Matrix(matrix) => check_selector(&matrix.selector, false),
            Expr::Paren(paren) => self.expr(&paren.expr),
            Expr::Subquery(subquery) => {
                self.expr(&subquery.expr)?;
                let found = subquery.expr.value_type();
                if found == ValueType::Vector {
                    return Ok(());
                }
                let found = internal_name(found);
                let message =
                    format!("subquery is only allowed on instant vector, got {found} instead");
                error(subquery.span, message)
            }
            Expr::Unary(unary) => {
                self.expr(&unary.expr)?;
                let found = unary.expr.value_type();
                if matches!(found, ValueType::Scalar | ValueType::Vector) {
                    return Ok(());
                }
                let found = Quoted(found.as_str());
                error(
                    unary.span,
                    format!(
                        "unary expression only allowed on expressions of type scalar or instant vector, got {found}"
                    ),
                )
            }
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Binary(binary) => self.binary(binary, expr.span()),
            Expr::Call(call) => self.call(call),
        }
    }

    fn expect(&self, expr: &Expr, wanted: ValueType, context: &str) -> Result<(), ParseError> {
        self.expr(expr)?;
        expect_type(expr, wanted, context)
    }

    fn aggregate(&self, aggregate: &Aggregate) -> Result<(), ParseError> {
        self.expect(&aggregate.expr, ValueType::Vector, "aggregation expression")?;
        let Some(param) = &aggregate.param else { return Ok(()) };
        let wanted = match aggregate.op {
            AggregateOp::CountValues => ValueType::String,
            _ => ValueType::Scalar,
        };
        self.expect(param, wanted, "aggregation parameter")
    }

    fn binary(&self, binary: &Binary, span: Span) -> Result<(), ParseError> {
        self.expr(&binary.lhs)?;
        self.expr(&binary.rhs)?;
        let (op, matching) = (binary.op, &binary.matching);
        let (left, right) = (binary.lhs.value_type(), binary.rhs.value_type());
        if binary.return_bool && !op.is_comparison() {
            let message = "bool modifier can only be used on comparison operators";
            return error(self.operator_span(binary), message);
        }
        let scalars = left == ValueType::Scalar && right == ValueType::Scalar;
        if scalars && op.is_comparison() && !binary.return_bool {
            let message = "comparisons between scalars must use BOOL modifier";
            return error(self.operator_span(binary), message);
        }
        if matching.on
            && let Some(both) =
                matching.labels.iter().find(|label| matching.include.contains(label))
        {
            let message =
                format!("label {} must not occur in ON and GROUP clause at once", Quoted(both));
            return error(self.operator_span(binary), message);
        }
        for (side, found) in [(&binary.lhs, left), (&binary.rhs, right)] {
            if !matches!(found, ValueType::Scalar | ValueType::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                return error(side.span(), message);
            }
        }
        if left != ValueType::Vector || right != ValueType::Vector {
            if !matching.labels.is_empty() {
                return error(span, "vector matching only allowed between instant vectors");
            }
            if !matching.fill.is_empty() {
                let message = "filling in missing series only allowed between instant vectors";
                return error(span, message);
            }
        } else if op.is_set() {
            if matches!(matching.cardinality, Cardinality::ManyToOne | Cardinality::OneToMany) {
                let op = Quoted(op.as_str());
                return error(span, format!("no grouping allowed for {op} operation"));
            }
            if !matching.fill.is_empty() {
                return error(span, "filling in missing series not allowed for set operators");
            }
        }
        if op.is_set() && (left == ValueType::Scalar || right == ValueType::Scalar) {
            let op = Quoted(op.as_str());
            let message = format!("set operator {op} not allowed in binary scalar expression");
            return error(span, message);
        }
        Ok(())
    }

    /// The place of the operator between its sides.
    fn operator_span(&self, binary: &Binary) -> Span {
        let left = binary.lhs.span();
        let between = self.query.get(left.end as usize..).unwrap_or_default();
        let skipped = between.len() - between.trim_start().len();
        let start = left.end as usize + skipped;
        let before = self.query.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Span {
            start: narrow(start),
            end: binary.rhs.span().start,
            line: narrow(before.matches('\n').count() + 1),
            column: narrow(start - line_start + 1),
        }
    }

    fn call(&self, call: &Call) -> Result<(), ParseError> {
        let function = call.function;
        let (name, given) = (Quoted(function.name), call.args.len());
        let types = function.args;
        let least = types.len() - usize::from(function.variadic != 0);
        let most = usize::try_from(function.variadic).map_or(usize::MAX, |more| least + more);
        let count_error = if function.variadic == 0 && given != types.len() {
            Some(format!("expected {} argument(s) in call to {name}, got {given}", types.len()))
        } else if given < least {
            Some(format!("expected at least {least} argument(s) in call to {name}, got {given}"))
        } else if function.variadic != 0 && given > most {
            Some(format!("expected at most {most} argument(s) in call to {name}, got {given}"))
        } else {
            None
        };
        if let Some(message) = count_error {
            return error(call.span, message);
        }
        let context = format!("call to function {name}");
        for (number, arg) in call.args.iter().enumerate() {
            let info = function.id == FunctionId::Info && number == 1;
            if info {
                check_info_selector(arg, call.span, &context)?;
                continue;
            }
            let Some(wanted) = types.get(number).or(types.last()) else { continue };
            self.expect(arg, *wanted, &context)?;
        }
        Ok(())
    }
}

fn expect_type(expr: &Expr, wanted: ValueType, context: &str) -> Result<(), ParseError> {
    let found = expr.value_type();
    if found == wanted {
        return Ok(());
    }
    let (wanted, found) = (wanted.as_str(), found.as_str());
    error(expr.span(), format!("expected type {wanted} in {context}, got {found}"))
}

/// The second argument of `info` names labels only.
fn check_info_selector(arg: &Expr, call: Span, context: &str) -> Result<(), ParseError> {
    let found = arg.value_type();
    if found != ValueType::Vector {
        let (wanted, found) = (ValueType::Vector.as_str(), found.as_str());
        return error(call, format!("expected type {wanted} in {context}, got {found}"));
    }
    match arg {
        Expr::Selector(selector) if !selector.name.is_empty() => {
            error(arg.span(), "expected label selectors only, got vector selector instead")
        }
        Expr::Selector(selector) => check_selector(selector, true),
        _ => error(arg.span(), "expected label selectors only"),
    }
}

/// A selector must not select everything by mistake.
fn check_selector(selector: &VectorSelector, may_be_empty: bool) -> Result<(), ParseError> {
    if !selector.name.is_empty() {
        let others = selector.matchers.split_last().map_or(&[][..], |(_, others)| others);
        if let Some(second) = others.iter().find(|matcher| matcher.name() == METRIC_NAME) {
            let (first, second) = (Quoted(&selector.name), Quoted(second.value()));
            let message = format!("metric name must not be set twice: {first} or {second}");
            return error(selector.span, message);
        }
        return Ok(());
    }
    if !may_be_empty && selector.matchers.iter().all(model::matcher::Matcher::matches_empty) {
        let message = "vector selector must contain at least one non-empty matcher";
        return error(selector.span, message);
    }
    Ok(())
}
