//! Running totals of requests, by tenant and kind, within bounds that no tenant can break.
//!
//! A recorder is for one thread, or one lock that is taken for a batch of entries: noting one
//! request costs about as much as hashing its key. Each tenant may have so many kinds of request;
//! what comes beyond is counted in one further kind, whose parts are all [`OTHER`], and in
//! `tidewatch_requests_other_total`; `tidewatch_requests_other_kinds` estimates how many kinds these
//! would have been. A kind that stays quiet for long is ended with staleness
//! markers and makes room.

pub(crate) mod kind;
mod save;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use model::{
    columns::stale_nan,
    labels::{Labels, METRIC_NAME},
    metadata::{Metadata, MetricType},
    tenant::TenantId,
    time::Timestamp,
    write::WriteBatch,
};

use crate::{
    distinct::Distinct,
    entry::{Entry, method_class},
    latency::Pool,
    recorder::kind::{Kind, Parts},
    series::{Line, Point},
};

/// The value of every part of the kind that holds a tenant's excess.
pub const OTHER: &str = "other";
/// Parts of a key are cut to this many bytes.
pub const PART_BYTES_MAX: usize = 128;
/// Labels that are set here and cannot be common ones.
const RESERVED: [&str; 9] = [
    METRIC_NAME,
    "app",
    "component",
    "instance",
    "le",
    "method",
    "response_code",
    "response_code_class",
    "route",
];

/// Bounds and labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Labels for every series (`node`, `reporter`); names that the recorder sets itself are
    /// refused.
    pub common: Vec<(String, String)>,
    pub tenants_max: usize,
    /// Kinds of one tenant, without the one for its excess.
    pub kinds_max: usize,
    /// A kind without a request for so long is ended.
    pub idle: Duration,
    /// Whether to write classic buckets beside the native histogram.
    pub classic: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            common: Vec::new(),
            tenants_max: 4096,
            kinds_max: 1000,
            idle: Duration::from_secs(3600),
            classic: true,
        }
    }
}

/// Common labels that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOptions {
    #[error(transparent)]
    Labels(#[from] model::labels::InvalidLabels),
    #[error("label {name:?} is set by the recorder itself")]
    Reserved { name: String },
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    Counted,
    /// Counted in the tenant's kind for its excess.
    Other,
    /// The tenant's name is not valid, or there are too many tenants: counted in [`Stats`] only.
    Dropped,
}

/// Totals over the recorder's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub counted: u64,
    pub other: u64,
    pub dropped_invalid_tenant: u64,
    pub dropped_tenants_max: u64,
}

/// What a write put into a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub series: usize,
    /// Kinds that were ended.
    pub ended: usize,
}

/// Counts requests; see the module.
#[derive(Debug)]
pub struct Recorder {
    options: Options,
    tenants: Vec<Tenant>,
    by_name: HashMap<TenantId, usize>,
    pool: Pool,
    key: Vec<u8>,
    /// When totals were last written: what is new since then started at zero at that moment.
    flushed: Option<Timestamp>,
    stats: Stats,
}

#[derive(Debug)]
struct Tenant {
    id: TenantId,
    kinds: Vec<Kind>,
    by_key: HashMap<Box<[u8]>, usize>,
    excess: Option<Box<Excess>>,
}

/// What came beyond a tenant's bound.
#[derive(Debug)]
struct Excess {
    kind: Kind,
    count: u64,
    distinct: Distinct,
}

impl Recorder {
    pub fn new(mut options: Options) -> Result<Self, InvalidOptions> {
        if let Some((name, _)) =
            options.common.iter().find(|(name, _)| RESERVED.contains(&name.as_str()))
        {
            return Err(InvalidOptions::Reserved { name: name.clone() });
        }
        let sorted = Labels::new(options.common.iter().map(|(name, value)| (name, value)))?;
        options.common =
            sorted.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Self {
            options,
            tenants: Vec::new(),
            by_name: HashMap::new(),
            pool: Pool::default(),
            key: Vec::new(),
            flushed: None,
            stats: Stats::default(),
        })
    }

    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Tenants with at least one request, in order of their first.
    pub fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        self.tenants.iter().map(|tenant| &tenant.id)
    }

    /// Counts one request.
    pub fn record(&mut self, entry: &Entry<'_>) -> Recorded {
        let Some(index) = self.tenant(entry.tenant) else { return Recorded::Dropped };
        let Self { options, tenants, pool, key, flushed, stats, .. } = self;
        let Some(tenant) = tenants.get_mut(index) else { return Recorded::Dropped };
        let parts = Parts {
            app: cut(entry.app),
            component: cut(entry.component),
            instance: cut(entry.instance),
            route: if entry.connection { "" } else { cut(entry.route) },
            method: if entry.connection { "" } else { method_class(entry.method) },
        };
        parts.write_key(key);
        let found = tenant.by_key.get(key.as_slice()).copied();
        let index = match found {
            Some(index) => index,
            None if tenant.kinds.len() < options.kinds_max => {
                tenant.kinds.push(Kind::new(&parts, *flushed));
                tenant.by_key.insert(key.as_slice().into(), tenant.kinds.len() - 1);
                tenant.kinds.len() - 1
            }
            None => {
                let new = || Excess::new(Kind::new(&Parts::OTHER, *flushed));
                let excess = tenant.excess.get_or_insert_with(|| Box::new(new()));
                excess.kind.record(entry, pool);
                excess.count += 1;
                excess.distinct.insert(key);
                stats.other += 1;
                return Recorded::Other;
            }
        };
        if let Some(kind) = tenant.kinds.get_mut(index) {
            kind.record(entry, pool);
        }
        stats.counted += 1;
        Recorded::Counted
    }

    /// The place of a tenant, made when it is new.
    fn tenant(&mut self, name: &str) -> Option<usize> {
        if let Some(index) = self.by_name.get(name) {
            return Some(*index);
        }
        let Ok(id) = TenantId::new(name) else {
            self.stats.dropped_invalid_tenant += 1;
            return None;
        };
        if self.tenants.len() >= self.options.tenants_max {
            self.stats.dropped_tenants_max += 1;
            return None;
        }
        self.tenants.push(Tenant {
            id: id.clone(),
            kinds: Vec::new(),
            by_key: HashMap::new(),
            excess: None,
        });
        self.by_name.insert(id, self.tenants.len() - 1);
        Some(self.tenants.len() - 1)
    }

    /// Writes all totals as of `now`, each tenant's into its batch, made when there is none.
    pub fn flush(
        &mut self,
        now: Timestamp,
        batches: &mut BTreeMap<TenantId, WriteBatch>,
    ) -> Written {
        let mut written = Written::default();
        let Self { options, tenants, pool, .. } = self;
        for tenant in tenants {
            if !batches.contains_key(&tenant.id) {
                batches.insert(tenant.id.clone(), WriteBatch::default());
            }
            if let Some(batch) = batches.get_mut(&tenant.id) {
                tenant.write(options, pool, now, batch, &mut written);
            }
        }
        self.flushed = Some(now);
        self.forget_empty_tenants();
        written
    }

    /// A tenant without any kind left makes room for another.
    fn forget_empty_tenants(&mut self) {
        if !self.tenants.iter().any(Tenant::is_empty) {
            return;
        }
        self.tenants.retain(|tenant| !tenant.is_empty());
        self.by_name.clear();
        let places = self.tenants.iter().enumerate();
        self.by_name.extend(places.map(|(index, tenant)| (tenant.id.clone(), index)));
    }
}

impl Tenant {
    fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.excess.is_none()
    }

    fn write(
        &mut self,
        options: &Options,
        pool: &mut Pool,
        now: Timestamp,
        batch: &mut WriteBatch,
        written: &mut Written,
    ) {
        let before = batch.series_count();
        for kind in &mut self.kinds {
            kind.write(options, pool, now, batch);
        }
        if let Some(excess) = &mut self.excess {
            excess.kind.write(options, pool, now, batch);
            excess.write_count(options, |value| Point::plain(now, value), batch);
        }
        written.ended += self.end_idle(options, now, batch);
        written.series += batch.series_count() - before;
    }

    /// Ends what had no request for long. Returns how many kinds.
    fn end_idle(&mut self, options: &Options, now: Timestamp, batch: &mut WriteBatch) -> usize {
        let before = self.kinds.len();
        self.kinds.retain(|kind| {
            let idle = kind.is_idle(now, options.idle);
            if idle {
                kind.write_stale(options, now, batch);
            }
            !idle
        });
        let mut ended = before - self.kinds.len();
        if ended > 0 {
            self.by_key.clear();
            let mut key = Vec::new();
            for (index, kind) in self.kinds.iter().enumerate() {
                kind.parts().write_key(&mut key);
                self.by_key.insert(key.as_slice().into(), index);
            }
        }
        let idle = |excess: &mut Box<Excess>| excess.kind.is_idle(now, options.idle);
        if let Some(excess) = self.excess.take_if(idle) {
            excess.kind.write_stale(options, now, batch);
            excess.write_count(options, |_| Point::plain(now, stale_nan()), batch);
            ended += 1;
        }
        ended
    }
}

impl Excess {
    fn new(kind: Kind) -> Self {
        Self { kind, count: 0, distinct: Distinct::default() }
    }

    fn write_count(&self, options: &Options, point: impl Fn(f64) -> Point, batch: &mut WriteBatch) {
        let mut line = Line::new(&options.common, []);
        line.sample(batch, OTHER_TOTAL, [], point(self.count as f64));
        line.sample(batch, OTHER_KINDS, [], point(self.distinct.estimate()));
    }
}

const OTHER_TOTAL: &str = "tidewatch_requests_other_total";
const OTHER_KINDS: &str = "tidewatch_requests_other_kinds";

/// At most [`PART_BYTES_MAX`] bytes, cut between characters.
fn cut(part: &str) -> &str {
    if part.len() <= PART_BYTES_MAX {
        return part;
    }
    let end = (0..=PART_BYTES_MAX).rev().find(|end| part.is_char_boundary(*end)).unwrap_or(0);
    part.get(..end).unwrap_or_default()
}

/// What each metric means, for a batch's metadata.
pub fn metadata() -> impl Iterator<Item = (&'static str, Metadata)> {
    use MetricType::{Counter, Gauge, Histogram};
    [
        ("istio_requests_total", Counter, "Requests by status code."),
        ("istio_request_duration_milliseconds", Histogram, "Time to serve requests."),
        ("istio_request_bytes_sum", Counter, "Bytes of request bodies."),
        ("istio_request_bytes_count", Counter, "Requests whose bytes are known."),
        ("istio_response_bytes_sum", Counter, "Bytes of response bodies."),
        ("istio_response_bytes_count", Counter, "Responses whose bytes are known."),
        ("istio_tcp_connections_closed_total", Counter, "Connections that ended."),
        ("istio_tcp_received_bytes_total", Counter, "Bytes received on connections."),
        ("istio_tcp_sent_bytes_total", Counter, "Bytes sent on connections."),
        (OTHER_KINDS, Gauge, "Kinds of request that are counted as app \"other\", estimated."),
        (OTHER_TOTAL, Counter, "Requests counted as app \"other\" for there are too many kinds."),
    ]
    .into_iter()
    .map(|(name, kind, help)| (name, Metadata { kind, help: help.to_owned(), unit: String::new() }))
}

#[cfg(test)]
mod tests;
