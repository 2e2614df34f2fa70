//! The engine: evaluates expressions over a store.

use std::time::Duration;

use model::{
    query::Queryable,
    time::{Timestamp, millis_of},
};

use crate::{
    ast::{Expr, ValueType},
    error::{EvalError, execution, invalid},
    exec::{Exec, Settings, grid::Grid},
    plan::{self, Node, Times},
    stack,
    text::quote::Quoted,
    value::{Answer, Value},
};

/// How queries are evaluated. One engine serves any number of queries at a time.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// How old the value of an instant selector may be.
    pub lookback: Duration,
    /// Step of subqueries that do not say.
    pub subquery_step: Duration,
    /// Most samples that one query may hold at a time; histograms count by their size.
    pub max_samples: u64,
    /// Most series that one selector may find.
    pub max_series: u64,
    /// Most steps of a query or subquery.
    pub max_steps: u64,
    /// Threads per query; 1 evaluates on the caller's thread alone.
    pub parallelism: usize,
    /// Metric names are removed from results at the end, so that functions still see them.
    pub delayed_name_removal: bool,
    /// Counters that say when they started are reset then, and count from zero.
    pub start_timestamps: bool,
    /// Metrics say what they are by `__type__`, not by the suffix of their name.
    pub type_and_unit_labels: bool,
}

/// The defaults of Prometheus, on one thread.
impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lookback: Duration::from_secs(300),
            subquery_step: Duration::from_secs(60),
            max_samples: 50_000_000,
            max_series: 1_000_000,
            max_steps: 100_000,
            parallelism: 1,
            delayed_name_removal: false,
            start_timestamps: false,
            type_and_unit_labels: false,
        }
    }
}

/// What belongs to one query alone.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Asked many times per millisecond, from several threads: whether to give up.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
    /// Instead of the engine's lookback.
    pub lookback: Option<Duration>,
    /// Lower than the engine's limit, if given.
    pub max_samples: Option<u64>,
    /// Lower than the engine's limit, if given.
    pub max_series: Option<u64>,
}

impl Context<'_> {
    /// Never cancelled, with the engine's limits.
    pub fn unlimited() -> Self {
        Self { cancelled: &|| false, lookback: None, max_samples: None, max_series: None }
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("lookback", &self.lookback)
            .field("max_samples", &self.max_samples)
            .field("max_series", &self.max_series)
            .finish_non_exhaustive()
    }
}

/// Evaluates queries.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    pub options: EngineOptions,
}

impl Engine {
    pub fn new(options: EngineOptions) -> Self {
        Self { options }
    }

    /// The value of an expression at one time. Vectors keep the order of the expression.
    pub fn instant(
        &self,
        expr: &Expr,
        time: Timestamp,
        store: &dyn Queryable,
        context: &Context<'_>,
    ) -> Result<Answer, EvalError> {
        let times = Times { start: time.0, end: time.0, step: 0 };
        let grid = Grid { start: time.0, step: 1, count: 1 };
        self.run(expr, times, store, context, |exec, node| exec.instant_value(node, grid))
    }

    /// The values of an expression from `start` to `end`, both inclusive.
    pub fn range(
        &self,
        expr: &Expr,
        start: Timestamp,
        end: Timestamp,
        step: Duration,
        store: &dyn Queryable,
        context: &Context<'_>,
    ) -> Result<Answer, EvalError> {
        let found = expr.value_type();
        if !matches!(found, ValueType::Scalar | ValueType::Vector) {
            let found = Quoted(found.as_str());
            return invalid(format!(
                "invalid expression type {found} for range query, must be Scalar or instant Vector"
            ));
        }
        let step = millis_of(step);
        if step <= 0 {
            return invalid("zero or negative query resolution step widths are not accepted");
        }
        let grid = Grid::between(start.0, end.0, step);
        if grid.count as u64 > self.options.max_steps {
            return Err(EvalError::Limit { what: "steps", limit: self.options.max_steps });
        }
        let times = Times { start: start.0, end: end.0, step };
        self.run(expr, times, store, context, |exec, node| exec.range_value(node, grid))
    }

    fn run(
        &self,
        expr: &Expr,
        times: Times,
        store: &dyn Queryable,
        context: &Context<'_>,
        evaluate: impl FnOnce(&Exec<'_>, &Node) -> Result<Value, EvalError> + Send,
    ) -> Result<Answer, EvalError> {
        let options = &self.options;
        let settings = Settings {
            lookback: millis_of(context.lookback.unwrap_or(options.lookback)),
            subquery_step: millis_of(options.subquery_step).max(1),
            max_steps: options.max_steps,
            max_series: options.max_series.min(context.max_series.unwrap_or(u64::MAX)),
            parallelism: options.parallelism.max(1),
            delayed_name_removal: options.delayed_name_removal,
            start_timestamps: options.start_timestamps,
            type_and_unit_labels: options.type_and_unit_labels,
        };
        let max_samples = options.max_samples.min(context.max_samples.unwrap_or(u64::MAX));
        let exec = Exec::new(store, settings, context.cancelled, max_samples);
        exec.check()?;
        let value = stack::with_room(expr.height(), || {
            let node = plan::build(expr, times)?;
            evaluate(&exec, &node)
        });
        match value {
            Some(value) => Ok(exec.finish(value?)),
            None => execution("no memory for an expression of this height"),
        }
    }
}
