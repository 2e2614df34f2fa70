//! A day of pods that come and go. Shared by a test and by the example `churn`.

use model::{
    tenant::TenantId,
    time::Timestamp,
    write::{Sample, WriteBatch},
};
use tsdb::store::Store;

/// A full hour.
const START: i64 = 1_700_006_400_000;
const TICK: i64 = 15_000;
const HOUR: i64 = 3_600_000;
/// Calls of maintenance between two ticks; a daemon makes one each second.
const MAINTAINED: i64 = 3;

/// How much there is of it: each of the pods has so many series and lives for an hour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) pods: usize,
    pub(crate) series: usize,
    pub(crate) hours: i64,
}

/// The most that a store had during an hour, by its own statistics.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Peak {
    pub(crate) series: u64,
    pub(crate) bytes: u64,
    pub(crate) wal_bytes: u64,
    pub(crate) blocks: u64,
}

/// Writes a tick of all pods. They do not end at the same time: in each tick of the hour it is the
/// turn of some of them.
fn tick(load: Load, at: i64, batch: &mut WriteBatch) -> Result<(), Box<dyn std::error::Error>> {
    let time = START + at * TICK;
    let ticks = HOUR / TICK;
    batch.clear();
    for pod in 0..load.pods {
        let turn = pod as i64 * ticks / load.pods as i64;
        let generation = (at + turn) / ticks;
        let name = format!("web-{pod}-{generation}");
        for series in 0..load.series {
            let metric = format!("container_metric_{series}_total");
            batch.begin_series(&mut [
                ("__name__", &metric),
                ("namespace", "shop"),
                ("pod", &name),
            ])?;
            let value = ((at + turn) % ticks * (series as i64 + 1)) as f64;
            batch.push_sample(Sample { time, value, start: 0 });
        }
    }
    Ok(())
}

impl Load {
    pub(crate) fn samples(&self) -> u64 {
        (self.hours * HOUR / TICK) as u64 * (self.pods * self.series) as u64
    }

    /// Writes it all, with maintenance, and returns the peaks of the hours.
    pub(crate) fn run(
        self,
        store: &Store,
        each_hour: &mut dyn FnMut(&Peak),
    ) -> Result<Vec<Peak>, Box<dyn std::error::Error>> {
        let tenant = TenantId::new("acme")?;
        let mut batch = WriteBatch::default();
        let mut peaks = Vec::new();
        for hour in 0..self.hours {
            let mut peak = Peak::default();
            for at in hour * HOUR / TICK..(hour + 1) * HOUR / TICK {
                tick(self, at, &mut batch)?;
                let time = START + at * TICK;
                let appended = store.append(&tenant, &batch, Timestamp(time))?;
                assert!(appended.rejected.is_empty(), "{:?}", appended.rejected);
                for call in 0..MAINTAINED {
                    let now = Timestamp(time + call * TICK / MAINTAINED);
                    let maintained = store.maintain(now);
                    assert!(maintained.errors.is_empty(), "{:?}", maintained.errors);
                }
                if at % 8 == 0 {
                    let stats = store.stats();
                    peak.series = peak.series.max(stats.series);
                    peak.bytes = peak.bytes.max(stats.head_sample_bytes + stats.head_index_bytes);
                    peak.wal_bytes = peak.wal_bytes.max(stats.wal_bytes);
                    peak.blocks = peak.blocks.max(stats.blocks);
                }
            }
            each_hour(&peak);
            peaks.push(peak);
        }
        Ok(peaks)
    }
}
