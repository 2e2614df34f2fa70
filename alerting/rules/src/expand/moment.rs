//! Times and durations as templates see them.

use jiff::{Timestamp, Zoned, tz::TimeZone};
use template::{Object, Value};

/// Name of the type of durations.
pub(super) const DURATION: &str = "*time.Duration";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A point in time in UTC.
#[derive(Debug)]
struct Moment(Zoned);

/// The time of seconds since the epoch, in milliseconds.
pub(super) fn time(seconds: f64) -> Result<Value, String> {
    if !seconds.is_finite() {
        return Err("value is NaN or Inf".to_owned());
    }
    let nanos = seconds * 1e9;
    if nanos.abs() >= i64::MAX as f64 {
        return Err(format!("{seconds} is not a time: it is too far from 1970"));
    }
    let millis = (nanos as i64) / 1_000_000;
    let timestamp = Timestamp::from_millisecond(millis).map_err(|error| error.to_string())?;
    Ok(Value::object(Moment(timestamp.to_zoned(TimeZone::UTC))))
}

impl Object for Moment {
    fn type_name(&self) -> &'static str {
        "*time.Time"
    }

    fn text(&self) -> String {
        let Self(time) = self;
        let millis = time.subsec_nanosecond() / 1_000_000;
        let fraction = if millis == 0 {
            String::new()
        } else {
            format!(".{}", format!("{millis:03}").trim_end_matches('0'))
        };
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}{fraction} +0000 UTC",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second()
        )
    }

    fn field(&self, name: &str) -> Option<Value> {
        let Self(time) = self;
        let number = |value: i64| Some(Value::Int(value));
        let named = |names: &[&'static str], place: i8| {
            names.get(usize::try_from(place).ok()?).map(Value::string)
        };
        match name {
            "Unix" => number(time.timestamp().as_second()),
            "UnixMilli" => number(time.timestamp().as_millisecond()),
            "Year" => number(i64::from(time.year())),
            "Month" => named(&MONTHS, time.month() - 1),
            "Day" => number(i64::from(time.day())),
            "Hour" => number(i64::from(time.hour())),
            "Minute" => number(i64::from(time.minute())),
            "Second" => number(i64::from(time.second())),
            "YearDay" => number(i64::from(time.day_of_year())),
            "Weekday" => named(&WEEKDAYS, time.weekday().to_monday_zero_offset()),
            _ => None,
        }
    }
}

/// A length of time in nanoseconds.
#[derive(Debug)]
struct Length(i64);

/// The duration of a number of seconds, saturating.
pub(super) fn duration(seconds: f64) -> Value {
    Value::object(Length((seconds * 1e9) as i64))
}

impl Object for Length {
    fn type_name(&self) -> &'static str {
        DURATION
    }

    /// `1h2m3.5s`, `1.5ms`: the largest unit that is not zero comes first.
    fn text(&self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let second = 1_000_000_000;
        for (unit, length) in [("ns", 1), ("µs", 1000), ("ms", 1_000_000)] {
            if nanos > 0 && nanos < length * 1000 {
                return format!("{sign}{}{unit}", decimal(nanos, length));
            }
        }
        let (hours, minutes) = (nanos / (3600 * second), nanos / (60 * second) % 60);
        let seconds = decimal(nanos % (60 * second), second);
        match (hours, minutes) {
            (0, 0) => format!("{sign}{seconds}s"),
            (0, _) => format!("{sign}{minutes}m{seconds}s"),
            _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
        }
    }

    fn field(&self, name: &str) -> Option<Value> {
        let seconds = self.0 as f64 / 1e9;
        match name {
            "Hours" => Some(Value::Float(seconds / 3600.0)),
            "Minutes" => Some(Value::Float(seconds / 60.0)),
            "Seconds" => Some(Value::Float(seconds)),
            "Milliseconds" => Some(Value::Int(self.0 / 1_000_000)),
            _ => None,
        }
    }
}

/// `amount / unit` without zeros at the end; `unit` is a power of ten.
fn decimal(amount: u64, unit: u64) -> String {
    let (whole, rest) = (amount / unit, amount % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let digits = unit.ilog10() as usize;
    let fraction = format!("{rest:0digits$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}
