//! Queries by the grammar: every function, aggregation and operator.

use disk::sim::Random;
use promql::{
    ast::ValueType,
    functions::{self, Function, FunctionId},
};

use super::{Dialect, pick};

const DEPTH_MAX: u64 = 5;
/// Operands that need `matching`.
const OPERATORS: [&str; 17] = [
    "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", "<", "<=", ">", ">=", "and", "or", "unless",
    "</",
];
const EXTENDED: [FunctionId; 5] = [
    FunctionId::Rate,
    FunctionId::Increase,
    FunctionId::Delta,
    FunctionId::Resets,
    FunctionId::Changes,
];
/// Not experimental, but younger than what the old dialect knows.
const YOUNG: [FunctionId; 5] = [
    FunctionId::FirstOverTime,
    FunctionId::HistogramAvg,
    FunctionId::HistogramStddev,
    FunctionId::HistogramStdvar,
    // It took native histograms only.
    FunctionId::HistogramFraction,
];

/// A query, mostly of a vector.
pub(crate) fn query(dialect: Dialect, random: &mut Random) -> String {
    let depth = 1 + random.below(DEPTH_MAX) as u32;
    let mut queries = Queries { random, dialect };
    let wanted = match queries.random.index(30) {
        0 | 1 => ValueType::Scalar,
        2 => ValueType::Matrix,
        3 => ValueType::String,
        _ => ValueType::Vector,
    };
    queries.expr(wanted, depth)
}

pub(super) struct Queries<'a> {
    pub(super) random: &'a mut Random,
    pub(super) dialect: Dialect,
}

impl Queries<'_> {
    pub(super) fn one_in(&mut self, times: u64) -> bool {
        self.random.one_in(times)
    }

    pub(super) fn pick(&mut self, choices: &[&'static str]) -> &'static str {
        pick(self.random, choices)
    }

    /// Whether to do something wrong here.
    pub(super) fn mistaken(&mut self) -> bool {
        self.dialect.mistakes > 0 && self.random.one_in(self.dialect.mistakes)
    }

    fn expr(&mut self, wanted: ValueType, depth: u32) -> String {
        let types = [ValueType::Scalar, ValueType::Vector, ValueType::Matrix, ValueType::String];
        let wanted = if self.mistaken() { pick(self.random, &types) } else { wanted };
        let text = match wanted {
            ValueType::Scalar => self.scalar(depth),
            ValueType::Vector => self.vector(depth),
            ValueType::Matrix => self.matrix(depth),
            ValueType::String => {
                self.pick(&["\"x\"", "'y'", "`z`", "\"\\u00fc\\n\"", "\"\""]).to_owned()
            }
        };
        // Strings and ranges in parentheses came with version 3.
        let plain = matches!(wanted, ValueType::Scalar | ValueType::Vector);
        let enclosed = self.one_in(25) && (self.dialect.modern || plain);
        if enclosed { format!("({text})") } else { text }
    }

    fn scalar(&mut self, depth: u32) -> String {
        const NUMBERS: [&str; 14] = [
            "0", "1", "2", "0.5", "-1", "0.9", "10", "NaN", "Inf", "-Inf", "1e3", "0x1f", "-0",
            "300",
        ];
        if depth == 0 || self.one_in(2) {
            if self.dialect.modern && self.one_in(8) {
                return self.pick(&["1m", "1h30m", "5ms"]).to_owned();
            }
            return self.pick(&NUMBERS).to_owned();
        }
        if self.one_in(3) {
            let op = self.pick(&["+", "-", "*", "/", "%", "^", "atan2", "== bool", "<= bool"]);
            let (left, right) = (self.scalar(depth - 1), self.scalar(depth - 1));
            return format!("({left} {op} {right})");
        }
        if self.one_in(10) {
            return format!("-({})", self.scalar(depth - 1));
        }
        self.call(ValueType::Scalar, depth)
    }

    fn vector(&mut self, depth: u32) -> String {
        if depth == 0 || self.one_in(8) {
            let (selector, modifiers) = (self.selector(), self.modifiers());
            let smoothed = if self.dialect.modern && self.one_in(30) { " smoothed" } else { "" };
            return selector + smoothed + &modifiers;
        }
        match self.random.index(10) {
            0..4 => self.call(ValueType::Vector, depth),
            4..7 => self.aggregation(depth),
            7 | 8 => self.operation(depth),
            _ => format!("-({})", self.expr(ValueType::Vector, depth - 1)),
        }
    }

    fn selector(&mut self) -> String {
        // Those with native histograms come last.
        const NAMES: [&str; 16] = [
            "a",
            "a",
            "a",
            "b_total",
            "b_total",
            "c",
            "d_bucket",
            "d_bucket",
            "target_info",
            "missing",
            "{__name__=~\"a|c\"}",
            "{__name__=~\"[a-d].*\",x!=\"\"}",
            "h",
            "h",
            "m",
            "{__name__=~\"h|m\"}",
        ];
        const MATCHERS: [&str; 11] = [
            "x=\"1\"",
            "x!=\"1\"",
            "y=~\"1|b\"",
            "y!~\"1.*\"",
            "job=\"\"",
            "job=~\".+\"",
            "x=~\".*\"",
            "le=\"+Inf\"",
            "zz!=\"\"",
            "x=\"2\",y=\"b\"",
            "y!=\"\",y=~`.`",
        ];
        if self.mistaken() {
            return self
                .pick(&["{}", "a{x=~\"(\"}", "{x=\"\"}", "a{__name__=\"b\"}", "a{x}"])
                .into();
        }
        let name = self.pick(&NAMES[..if self.dialect.histograms { 16 } else { 12 }]);
        if self.one_in(3) && !name.starts_with('{') {
            return format!("{name}{{{}}}", self.pick(&MATCHERS));
        }
        if self.dialect.modern && self.one_in(20) {
            return "{\"a\", x=~\"1|2\"}".to_owned();
        }
        name.to_owned()
    }

    fn matrix(&mut self, depth: u32) -> String {
        self.windows(depth, false)
    }

    fn windows(&mut self, depth: u32, extended: bool) -> String {
        if depth == 0 || self.one_in(2) {
            let (selector, duration) = (self.selector(), self.duration());
            let extension = if extended || self.mistaken() { self.extension() } else { "" };
            return format!("{selector}[{duration}]{extension}{}", self.modifiers());
        }
        let inner = self.expr(ValueType::Vector, depth - 1);
        format!("({inner})[{}]{}", self.stretch(), self.modifiers())
    }

    fn call(&mut self, returns: ValueType, depth: u32) -> String {
        let known = |function: &&Function| {
            let young = function.experimental || YOUNG.contains(&function.id);
            function.returns == returns && (self.dialect.modern || !young)
        };
        let functions: Vec<&Function> = functions::ALL.iter().filter(known).collect();
        let function = pick(self.random, &functions);
        let args = self.args(function, depth - 1);
        format!("{}({})", function.name, args.join(", "))
    }

    fn args(&mut self, function: &Function, depth: u32) -> Vec<String> {
        if self.mistaken() {
            return (0..self.random.index(4))
                .map(|_| self.expr(ValueType::Vector, depth))
                .collect();
        }
        let vector = |queries: &mut Self| queries.expr(ValueType::Vector, depth);
        let factor = ["0.5", "0.1", "0.9", "0.3", "1", "0"];
        let owned = |text: &str| text.to_owned();
        match function.id {
            FunctionId::LabelReplace => {
                let (value, to) = (vector(self), self.pick(&["\"x\"", "\"z\"", "\"__name__\""]));
                let with = self.pick(&["\"$1\"", "\"k$1-${n}\"", "\"\"", "\"q\"", "\"$0\""]);
                let from = self.pick(&["\"x\"", "\"y\"", "\"zz\"", "\"__name__\""]);
                let regex =
                    self.pick(&["\"(.*)\"", "\"(?P<n>.)\"", "\"\"", "\"1\"", "\"[^1]*(.)?\""]);
                vec![value, owned(to), owned(with), owned(from), owned(regex)]
            }
            FunctionId::LabelJoin => {
                let (value, to) = (vector(self), self.pick(&["\"x\"", "\"z\"", "\"__name__\""]));
                vec![value, owned(to), owned("\"-\""), owned("\"x\""), owned("\"y\"")]
            }
            FunctionId::Info => {
                let second =
                    ["{version=~\".+\"}", "{}", "{__name__=~\".+_info\"}", "{version=\"\"}"];
                let mut args = vec![vector(self)];
                if self.one_in(2) {
                    args.push(owned(self.pick(&second)));
                }
                args
            }
            FunctionId::DoubleExponentialSmoothing => {
                let window = self.windows(depth, false);
                vec![window, owned(self.pick(&factor)), owned(self.pick(&factor))]
            }
            FunctionId::HistogramQuantiles => {
                let value = self.observed(depth);
                vec![value, owned("\"q\""), owned(self.pick(&factor)), owned(self.pick(&factor))]
            }
            FunctionId::HistogramQuantile => vec![self.scalar(depth.min(1)), self.observed(depth)],
            FunctionId::HistogramFraction => {
                let (low, high) = (self.scalar(depth.min(1)), self.scalar(depth.min(1)));
                vec![low, high, self.observed(depth)]
            }
            id if EXTENDED.contains(&id) => vec![self.windows(depth, true)],
            _ => self.typical(function, depth),
        }
    }

    /// Arguments as the table of functions asks for.
    fn typical(&mut self, function: &Function, depth: u32) -> Vec<String> {
        let last = function.args.last().copied().unwrap_or(ValueType::Scalar);
        let mut types = function.args.to_vec();
        match function.variadic {
            0 => {}
            ..0 => types.extend((0..self.random.index(3)).map(|_| last)),
            1.. if self.one_in(2) => drop(types.pop()),
            1.. => {}
        }
        types.into_iter().map(|wanted| self.expr(wanted, depth)).collect()
    }

    /// Something that is likely to have buckets.
    fn observed(&mut self, depth: u32) -> String {
        let native = self.dialect.histograms;
        match self.random.index(6) {
            0 => "d_bucket".to_owned(),
            1 => format!("sum by (le) (rate(d_bucket[{}]))", self.duration()),
            2 if native => "h".to_owned(),
            3 if native => format!("sum(rate(h[{}]))", self.duration()),
            _ => self.expr(ValueType::Vector, depth),
        }
    }

    fn labels(&mut self) -> String {
        let mut labels = Vec::new();
        for label in ["x", "y", "job", "le", "__name__", "zz"] {
            if self.one_in(4) {
                labels.push(label);
            }
        }
        labels.join(", ")
    }

    fn aggregation(&mut self, depth: u32) -> String {
        const PLAIN: [&str; 9] =
            ["sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "sum"];
        const WITH_PARAMETER: [&str; 6] =
            ["topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio"];
        let grouping = match self.random.index(3) {
            0 => String::new(),
            1 => format!(" by ({})", self.labels()),
            _ => format!(" without ({})", self.labels()),
        };
        let name = if self.one_in(3) {
            let end = if self.dialect.modern { WITH_PARAMETER.len() } else { 4 };
            self.pick(&WITH_PARAMETER[..end])
        } else {
            self.pick(&PLAIN)
        };
        let vector = self.expr(ValueType::Vector, depth - 1);
        let arguments = match name {
            // Before version 3 the label had to come after those of the grouping.
            "count_values" if !self.dialect.modern => format!("(\"zzz\", {vector})"),
            "count_values" => {
                format!("(\"{}\", {vector})", self.pick(&["v", "x", "y", "__name__"]))
            }
            "limit_ratio" => format!("({}, {vector})", self.pick(&["0.5", "-0.5", "1", "0", "2"])),
            "topk" | "bottomk" | "limitk" if !self.one_in(6) => {
                format!("({}, {vector})", self.pick(&["1", "2", "3", "0", "-1", "1.9"]))
            }
            "topk" | "bottomk" | "quantile" | "limitk" => {
                format!("({}, {vector})", self.expr(ValueType::Scalar, depth - 1))
            }
            _ => format!("({vector})"),
        };
        if self.one_in(2) {
            format!("{name}{grouping} {arguments}")
        } else {
            format!("{name} {arguments}{grouping}")
        }
    }

    fn operation(&mut self, depth: u32) -> String {
        let op = self.pick(if self.dialect.modern { &OPERATORS } else { &OPERATORS[..16] });
        let op = if op == "</" && self.one_in(2) { ">/" } else { op };
        let set = matches!(op, "and" | "or" | "unless");
        let bool = op.starts_with(['=', '!', '<', '>']) && !op.contains('/') && self.one_in(3);
        let bool = if bool || self.mistaken() { " bool" } else { "" };
        let left = self.operand(op, depth);
        if !set && self.one_in(3) || op.len() == 2 && op.contains('/') {
            let right = self.expr(ValueType::Scalar, depth - 1);
            let swap = self.one_in(2) && !op.contains('/');
            let (left, right) = if swap { (right, left) } else { (left, right) };
            return format!("({left}) {op}{bool} ({right})");
        }
        let right = self.operand(op, depth);
        let mut matching = String::new();
        if self.one_in(2) {
            let how = self.pick(&["on", "ignoring"]);
            matching += &format!(" {how} ({})", self.labels());
            if (!set && self.one_in(3)) || self.mistaken() {
                let group = self.pick(&["group_left", "group_right"]);
                let include = self.pick(&["", "", " ()", " (y)", " (job)"]);
                matching += &format!(" {group}{include}");
            }
        }
        if self.dialect.modern && (!set && self.one_in(8) || self.mistaken()) {
            matching += self.pick(&[
                " fill (0)",
                " fill_left (1)",
                " fill_right (-2)",
                " fill_left (1) fill_right (NaN)",
            ]);
        }
        if self.one_in(6) {
            return format!("{left} {op}{bool}{matching} {right}");
        }
        format!("({left}) {op}{bool}{matching} ({right})")
    }

    /// Before version 3 `atan2` kept names, so there its operands have none.
    fn operand(&mut self, op: &str, depth: u32) -> String {
        let operand = self.expr(ValueType::Vector, depth - 1);
        if op == "atan2" && !self.dialect.modern { format!("abs({operand})") } else { operand }
    }
}
