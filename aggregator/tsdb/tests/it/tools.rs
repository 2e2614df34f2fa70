//! What the tests share: small batches, and readings in plain text.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use disk::{Disk, sim::SimDisk};
use model::{
    columns::Columns,
    matcher::Matcher,
    query::{Hints, QueryError, Queryable, Selection},
    tenant::TenantId,
    time::Timestamp,
    write::{Sample, WriteBatch},
};
use tsdb::{options::Options, store::Store, view::TenantSet};

pub(crate) const DIR: &str = "/data";
/// A full hour, which is the start of a window of every length used here.
pub(crate) const NOW: i64 = 1_700_006_400_000;

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

pub(crate) fn open_with(disk: &SimDisk, options: Options) -> Store {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Store::open(disk, Path::new(DIR), options, &|_| {}).unwrap().0
}

pub(crate) fn open(disk: &SimDisk) -> Store {
    open_with(disk, Options::default())
}

/// A batch of the metric `m` with one sample for each (pod, time, value).
pub(crate) fn batch(samples: &[(&str, i64, f64)]) -> WriteBatch {
    let mut batch = WriteBatch::default();
    for (pod, time, value) in samples {
        batch.begin_series(&mut [("__name__", "m"), ("pod", pod)]).unwrap();
        batch.push_sample(Sample { time: *time, value: *value, start: 0 });
    }
    batch
}

pub(crate) fn append(store: &Store, name: &str, samples: &[(&str, i64, f64)]) {
    let appended = store.append(&tenant(name), &batch(samples), Timestamp(NOW)).unwrap();
    assert_eq!(appended.rejected, []);
}

/// The series that match, with their samples.
pub(crate) fn try_read(
    store: &Store,
    tenants: TenantSet,
    matchers: &[Matcher],
) -> Result<BTreeMap<String, Vec<(i64, f64)>>, QueryError> {
    let (start, end) = (Timestamp::MIN, Timestamp::MAX);
    let selection = Selection { matchers, start, end, hints: Hints::default() };
    let mut found = BTreeMap::new();
    for handle in store.view(tenants).select(&selection)? {
        let mut columns = Columns::default();
        handle.decode(&mut columns)?;
        let samples = columns.times.iter().copied().zip(columns.values.iter().copied()).collect();
        found.insert(handle.labels().to_string(), samples);
    }
    Ok(found)
}

/// The samples of one tenant's series of a pod.
pub(crate) fn samples(store: &Store, name: &str, pod: &str) -> Vec<(i64, f64)> {
    let found = try_read(store, TenantSet::One(tenant(name)), &[Matcher::equal("pod", pod)]);
    found.unwrap().into_values().next().unwrap_or_default()
}
