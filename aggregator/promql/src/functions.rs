//! The table of functions: names, argument types, results.

use crate::ast::ValueType::{self, Matrix, Scalar, String, Vector};

/// A function of the language.
#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    pub id: FunctionId,
    pub args: &'static [ValueType],
    /// How many more arguments of the last type there may be: the last is optional when positive;
    /// any number when negative.
    pub variadic: i32,
    pub returns: ValueType,
    pub experimental: bool,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// Finds a function by name.
pub fn find(name: &str) -> Option<&'static Function> {
    ALL.binary_search_by(|function| function.name.cmp(name)).ok().and_then(|at| ALL.get(at))
}

macro_rules! functions {
    ($($name:literal $id:ident [$($arg:ident),*] $variadic:literal $returns:ident $experimental:literal;)*) => {
        /// Every function, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FunctionId { $($id),* }

        /// All functions in order of name.
        pub static ALL: &[Function] = &[$(Function {
            name: $name,
            id: FunctionId::$id,
            args: &[$($arg),*],
            variadic: $variadic,
            returns: $returns,
            experimental: $experimental,
        }),*];
    };
}

functions! {
    "abs" Abs [Vector] 0 Vector false;
    "absent" Absent [Vector] 0 Vector false;
    "absent_over_time" AbsentOverTime [Matrix] 0 Vector false;
    "acos" Acos [Vector] 0 Vector false;
    "acosh" Acosh [Vector] 0 Vector false;
    "asin" Asin [Vector] 0 Vector false;
    "asinh" Asinh [Vector] 0 Vector false;
    "atan" Atan [Vector] 0 Vector false;
    "atanh" Atanh [Vector] 0 Vector false;
    "avg_over_time" AvgOverTime [Matrix] 0 Vector false;
    "ceil" Ceil [Vector] 0 Vector false;
    "changes" Changes [Matrix] 0 Vector false;
    "clamp" Clamp [Vector, Scalar, Scalar] 0 Vector false;
    "clamp_max" ClampMax [Vector, Scalar] 0 Vector false;
    "clamp_min" ClampMin [Vector, Scalar] 0 Vector false;
    "cos" Cos [Vector] 0 Vector false;
    "cosh" Cosh [Vector] 0 Vector false;
    "count_over_time" CountOverTime [Matrix] 0 Vector false;
    "day_of_month" DayOfMonth [Vector] 1 Vector false;
    "day_of_week" DayOfWeek [Vector] 1 Vector false;
    "day_of_year" DayOfYear [Vector] 1 Vector false;
    "days_in_month" DaysInMonth [Vector] 1 Vector false;
    "deg" Deg [Vector] 0 Vector false;
    "delta" Delta [Matrix] 0 Vector false;
    "deriv" Deriv [Matrix] 0 Vector false;
    "double_exponential_smoothing" DoubleExponentialSmoothing [Matrix, Scalar, Scalar] 0 Vector true;
    "end" End [] 0 Scalar true;
    "exp" Exp [Vector] 0 Vector false;
    "first_over_time" FirstOverTime [Matrix] 0 Vector false;
    "floor" Floor [Vector] 0 Vector false;
    "histogram_avg" HistogramAvg [Vector] 0 Vector false;
    "histogram_count" HistogramCount [Vector] 0 Vector false;
    "histogram_fraction" HistogramFraction [Scalar, Scalar, Vector] 0 Vector false;
    "histogram_quantile" HistogramQuantile [Scalar, Vector] 0 Vector false;
    "histogram_quantiles" HistogramQuantiles [Vector, String, Scalar, Scalar] 9 Vector true;
    "histogram_stddev" HistogramStddev [Vector] 0 Vector false;
    "histogram_stdvar" HistogramStdvar [Vector] 0 Vector false;
    "histogram_sum" HistogramSum [Vector] 0 Vector false;
    "hour" Hour [Vector] 1 Vector false;
    "idelta" Idelta [Matrix] 0 Vector false;
    "increase" Increase [Matrix] 0 Vector false;
    "info" Info [Vector, Vector] 1 Vector true;
    "irate" Irate [Matrix] 0 Vector false;
    "label_join" LabelJoin [Vector, String, String, String] -1 Vector false;
    "label_replace" LabelReplace [Vector, String, String, String, String] 0 Vector false;
    "last_over_time" LastOverTime [Matrix] 0 Vector false;
    "ln" Ln [Vector] 0 Vector false;
    "log10" Log10 [Vector] 0 Vector false;
    "log2" Log2 [Vector] 0 Vector false;
    "mad_over_time" MadOverTime [Matrix] 0 Vector true;
    "max_of" MaxOf [Scalar, Scalar] 0 Scalar true;
    "max_over_time" MaxOverTime [Matrix] 0 Vector false;
    "min_of" MinOf [Scalar, Scalar] 0 Scalar true;
    "min_over_time" MinOverTime [Matrix] 0 Vector false;
    "minute" Minute [Vector] 1 Vector false;
    "month" Month [Vector] 1 Vector false;
    "pi" Pi [] 0 Scalar false;
    "predict_linear" PredictLinear [Matrix, Scalar] 0 Vector false;
    "present_over_time" PresentOverTime [Matrix] 0 Vector false;
    "quantile_over_time" QuantileOverTime [Scalar, Matrix] 0 Vector false;
    "rad" Rad [Vector] 0 Vector false;
    "range" Range [] 0 Scalar true;
    "rate" Rate [Matrix] 0 Vector false;
    "resets" Resets [Matrix] 0 Vector false;
    "round" Round [Vector, Scalar] 1 Vector false;
    "scalar" Scalar [Vector] 0 Scalar false;
    "sgn" Sgn [Vector] 0 Vector false;
    "sin" Sin [Vector] 0 Vector false;
    "sinh" Sinh [Vector] 0 Vector false;
    "sort" Sort [Vector] 0 Vector false;
    "sort_by_label" SortByLabel [Vector, String] -1 Vector true;
    "sort_by_label_desc" SortByLabelDesc [Vector, String] -1 Vector true;
    "sort_desc" SortDesc [Vector] 0 Vector false;
    "sqrt" Sqrt [Vector] 0 Vector false;
    "start" Start [] 0 Scalar true;
    "start_timestamp" StartTimestamp [Vector] 0 Vector true;
    "stddev_over_time" StddevOverTime [Matrix] 0 Vector false;
    "stdvar_over_time" StdvarOverTime [Matrix] 0 Vector false;
    "step" Step [] 0 Scalar true;
    "sum_over_time" SumOverTime [Matrix] 0 Vector false;
    "tan" Tan [Vector] 0 Vector false;
    "tanh" Tanh [Vector] 0 Vector false;
    "time" Time [] 0 Scalar false;
    "timestamp" Timestamp [Vector] 0 Vector false;
    "ts_of_first_over_time" TsOfFirstOverTime [Matrix] 0 Vector true;
    "ts_of_last_over_time" TsOfLastOverTime [Matrix] 0 Vector true;
    "ts_of_max_over_time" TsOfMaxOverTime [Matrix] 0 Vector true;
    "ts_of_min_over_time" TsOfMinOverTime [Matrix] 0 Vector true;
    "vector" Vector [Scalar] 0 Vector false;
    "year" Year [Vector] 1 Vector false;
}

impl FunctionId {
    /// Whether the result can change from step to step although the arguments do not.
    pub fn depends_on_step(self) -> bool {
        matches!(
            self,
            Self::DaysInMonth
                | Self::DayOfMonth
                | Self::DayOfWeek
                | Self::DayOfYear
                | Self::End
                | Self::Hour
                | Self::Minute
                | Self::Month
                | Self::Year
                | Self::PredictLinear
                | Self::Range
                | Self::Start
                | Self::Step
                | Self::Time
                | Self::Timestamp
        )
    }
}
