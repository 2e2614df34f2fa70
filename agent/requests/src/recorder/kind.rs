//! One kind of request: its counts by code, its latencies by code class, its bytes.

use std::{sync::Arc, time::Duration};

use model::{columns::stale_nan, histogram::Histogram, time::Timestamp, write::WriteBatch};
use serde::{Deserialize, Serialize};

use crate::{
    entry::{CodeClass, Entry, method_class},
    latency::{Latency, Pool, SavedLatency},
    recorder::{OTHER, Options},
    series::{Line, Point},
};

/// Status codes counted apart; further ones count as code `other`.
const CODES_MAX: usize = 32;
/// Stands in no UTF-8 text, so no two keys look alike.
const KEY_END: u8 = 0xff;

/// What makes a kind of request: all but the code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    pub(super) app: &'a str,
    pub(super) component: &'a str,
    pub(super) instance: &'a str,
    pub(super) route: &'a str,
    pub(super) method: &'static str,
}

impl Parts<'_> {
    /// The kind that holds a tenant's excess.
    pub(super) const OTHER: Self =
        Self { app: OTHER, component: OTHER, instance: OTHER, route: OTHER, method: OTHER };

    /// The key under which a kind is found, written over what `key` held.
    pub(super) fn write_key(&self, key: &mut Vec<u8>) {
        key.clear();
        for part in [self.app, self.component, self.instance, self.route, self.method] {
            key.extend_from_slice(part.as_bytes());
            key.push(KEY_END);
        }
    }
}

/// Counters since `start`.
#[derive(Debug)]
pub(super) struct Kind {
    app: Box<str>,
    component: Box<str>,
    instance: Box<str>,
    route: Box<str>,
    method: &'static str,
    /// When all stood at zero, if known.
    start: Option<Timestamp>,
    codes: Vec<Code>,
    other_codes: u64,
    latencies: [Option<Box<Latency>>; CodeClass::COUNT],
    request_bytes: Size,
    response_bytes: Size,
    /// Connections, and the bytes received and sent on them.
    connections: [u64; 3],
    /// Whether anything was recorded since the last write.
    touched: bool,
    /// The last write after something was recorded.
    active: Option<Timestamp>,
}

#[derive(Debug)]
struct Code {
    number: u16,
    label: Box<str>,
    count: u64,
}

impl Kind {
    pub(super) fn new(parts: &Parts<'_>, start: Option<Timestamp>) -> Self {
        Self {
            app: parts.app.into(),
            component: parts.component.into(),
            instance: parts.instance.into(),
            route: parts.route.into(),
            method: parts.method,
            start,
            codes: Vec::new(),
            other_codes: 0,
            latencies: Default::default(),
            request_bytes: Size::default(),
            response_bytes: Size::default(),
            connections: [0; 3],
            touched: false,
            active: None,
        }
    }

    pub(super) fn parts(&self) -> Parts<'_> {
        Parts {
            app: &self.app,
            component: &self.component,
            instance: &self.instance,
            route: &self.route,
            method: self.method,
        }
    }

    pub(super) fn record(&mut self, entry: &Entry<'_>, pool: &mut Pool) {
        self.touched = true;
        if entry.connection {
            let bytes = [entry.request_bytes, entry.response_bytes].map(Option::unwrap_or_default);
            for (total, more) in self.connections.iter_mut().zip([1, bytes[0], bytes[1]]) {
                *total = total.saturating_add(more);
            }
            return;
        }
        let class = CodeClass::of(entry.code);
        self.count(if class == CodeClass::None { 0 } else { entry.code });
        if let Some(micros) = entry.duration_micros
            && let Some(latency) = self.latencies.get_mut(class as usize)
        {
            latency.get_or_insert_default().record(micros, pool);
        }
        self.request_bytes.add(entry.request_bytes);
        self.response_bytes.add(entry.response_bytes);
    }

    fn count(&mut self, number: u16) {
        if let Some(code) = self.codes.iter_mut().find(|code| code.number == number) {
            code.count += 1;
        } else if self.codes.len() < CODES_MAX {
            self.codes.push(Code { number, label: number.to_string().into(), count: 1 });
        } else {
            self.other_codes += 1;
        }
    }

    pub(super) fn is_idle(&self, now: Timestamp, idle: Duration) -> bool {
        self.active.is_some_and(|active| now.since(active) >= idle)
    }

    /// Appends all series as of `now`.
    pub(super) fn write(
        &mut self,
        options: &Options,
        pool: &mut Pool,
        now: Timestamp,
        batch: &mut WriteBatch,
    ) {
        if std::mem::take(&mut self.touched) {
            self.active = Some(now);
        }
        for latency in self.latencies.iter_mut().flatten() {
            latency.settle(pool);
        }
        let start = self.start;
        self.each(options, batch, |value| Point { time: now, start, value }, None);
    }

    /// Ends all series.
    pub(super) fn write_stale(&self, options: &Options, now: Timestamp, batch: &mut WriteBatch) {
        let stale = Arc::new(Histogram { sum: stale_nan(), ..Histogram::default() });
        self.each(options, batch, |_| Point::plain(now, stale_nan()), Some(&stale));
    }

    /// Goes through all series, whatever is written to them: values, or the marks of their end.
    fn each(
        &self,
        options: &Options,
        batch: &mut WriteBatch,
        point: impl Fn(f64) -> Point,
        histogram: Option<&Arc<Histogram>>,
    ) {
        let Parts { app, component, instance, route, method } = self.parts();
        let own = [
            ("app", app),
            ("component", component),
            ("instance", instance),
            ("method", method),
            ("route", route),
        ];
        let mut line = Line::new(&options.common, own);
        for code in &self.codes {
            let label = [("response_code", &*code.label)];
            line.sample(batch, "istio_requests_total", label, point(code.count as f64));
        }
        if self.other_codes > 0 {
            let label = [("response_code", OTHER)];
            line.sample(batch, "istio_requests_total", label, point(self.other_codes as f64));
        }
        for (latency, class) in self.latencies.iter().zip(CodeClass::ALL) {
            let Some(latency) = latency else { continue };
            let class = ("response_code_class", class.name());
            let native = histogram.cloned().unwrap_or_else(|| latency.histogram());
            line.histogram(batch, DURATION, [class], point(0.0), native);
            if options.classic {
                classic(&mut line, latency, class, batch, &point);
            }
        }
        for (sum, count, size) in [
            ("istio_request_bytes_sum", "istio_request_bytes_count", self.request_bytes),
            ("istio_response_bytes_sum", "istio_response_bytes_count", self.response_bytes),
        ] {
            if size.count > 0 {
                line.sample(batch, sum, [], point(size.bytes as f64));
                line.sample(batch, count, [], point(size.count as f64));
            }
        }
        if self.connections != [0; 3] {
            for (metric, total) in CONNECTIONS.into_iter().zip(self.connections) {
                line.sample(batch, metric, [], point(total as f64));
            }
        }
    }
}

const CONNECTIONS: [&str; 3] = [
    "istio_tcp_connections_closed_total",
    "istio_tcp_received_bytes_total",
    "istio_tcp_sent_bytes_total",
];
const DURATION: &str = "istio_request_duration_milliseconds";

/// The classic form of one latency histogram.
fn classic(
    line: &mut Line<'_>,
    latency: &Latency,
    class: (&'static str, &'static str),
    batch: &mut WriteBatch,
    point: &impl Fn(f64) -> Point,
) {
    for (bound, count) in latency.classic().cumulative() {
        let labels = [("le", bound), class];
        line.sample(
            batch,
            "istio_request_duration_milliseconds_bucket",
            labels,
            point(count as f64),
        );
    }
    let (sum, count) = (latency.sum_millis(), latency.count() as f64);
    line.sample(batch, "istio_request_duration_milliseconds_sum", [class], point(sum));
    line.sample(batch, "istio_request_duration_milliseconds_count", [class], point(count));
}

/// Bytes of the requests that stated them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Size {
    bytes: u64,
    count: u64,
}

impl Size {
    fn add(&mut self, bytes: Option<u64>) {
        if let Some(bytes) = bytes {
            self.bytes = self.bytes.saturating_add(bytes);
            self.count += 1;
        }
    }
}

/// A [`Kind`] between two runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedKind {
    /// App, component, instance, route and method.
    parts: [String; 5],
    start: Option<i64>,
    active: Option<i64>,
    codes: Vec<(u16, u64)>,
    other_codes: u64,
    latencies: [Option<SavedLatency>; CodeClass::COUNT],
    request_bytes: Size,
    response_bytes: Size,
    connections: [u64; 3],
}

impl Kind {
    /// As of the last write.
    pub(super) fn save(&self) -> SavedKind {
        let Parts { app, component, instance, route, method } = self.parts();
        SavedKind {
            parts: [app, component, instance, route, method].map(str::to_owned),
            start: self.start.map(Timestamp::millis),
            active: self.active.map(Timestamp::millis),
            codes: self.codes.iter().map(|code| (code.number, code.count)).collect(),
            other_codes: self.other_codes,
            latencies: self
                .latencies
                .each_ref()
                .map(|latency| latency.as_deref().map(Latency::save)),
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            connections: self.connections,
        }
    }

    /// `None` for what [`Self::save`] never gives.
    pub(super) fn load(saved: SavedKind) -> Option<Self> {
        let [app, component, instance, route, method] = &saved.parts;
        let method = match method.as_str() {
            "" => "",
            OTHER => OTHER,
            method => method_class(method),
        };
        let parts = Parts { app, component, instance, route, method };
        if saved.codes.len() > CODES_MAX {
            return None;
        }
        let mut kind = Self::new(&parts, saved.start.map(Timestamp));
        let code =
            |(number, count): (u16, u64)| Code { number, label: number.to_string().into(), count };
        kind.codes = saved.codes.into_iter().map(code).collect();
        for (latency, saved) in kind.latencies.iter_mut().zip(saved.latencies) {
            if let Some(saved) = saved {
                *latency = Some(Box::new(Latency::load(saved)?));
            }
        }
        kind.other_codes = saved.other_codes;
        kind.request_bytes = saved.request_bytes;
        kind.response_bytes = saved.response_bytes;
        kind.connections = saved.connections;
        kind.active = saved.active.map(Timestamp);
        Some(kind)
    }
}
