//! Frames of groups: samples per second of wall and of processor time, and memory.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use codec::frame;
use model::{labels::Labels, tenant::TenantId, time::Timestamp};
use tsdb::store::{GroupHandle, Store, Write};

use super::{Generator, START, cpu_seconds, labels, open, resident_bytes};

type Failure = Box<dyn std::error::Error>;

/// Samples of one request, as many agents' frames that a gateway has put together.
const REQUEST_SAMPLES: usize = 50_000;

pub(crate) fn measure(
    dir: &Path,
    series: usize,
    group_size: usize,
    ticks: usize,
    threads: usize,
) -> Result<(), Failure> {
    let store = open(dir)?;
    let mut generator = Generator::new(series);
    let mut before = vec![0u64; series];
    let mut after = before.clone();
    let resident = resident_bytes();
    let begun = cpu_seconds();
    let groups = register(&store, "acme", series, group_size)?;
    let registered = cpu_seconds() - begun;
    let per_request = (REQUEST_SAMPLES / group_size).max(1);
    let (mut wall, mut cpu, mut bytes) = (0.0, 0.0, 0);
    let mut most = (0.0, 0.0);
    for tick in 0..ticks {
        generator.tick();
        for (bits, value) in after.iter_mut().zip(&generator.values) {
            *bits = value.to_bits();
        }
        let encode = |(before, after): (&[u64], &[u64])| {
            let mut payload = Vec::new();
            if tick == 0 {
                frame::encode_key(after, &mut payload);
            } else {
                frame::encode(before, after, &mut payload);
            }
            payload
        };
        let rows = before.chunks(group_size).zip(after.chunks(group_size));
        let payloads: Vec<Vec<u8>> = rows.map(encode).collect();
        bytes += payloads.iter().map(Vec::len).sum::<usize>();
        std::mem::swap(&mut before, &mut after);
        let time = START + tick as i64 * 1000;
        let writes: Vec<Write<'_>> = groups
            .iter()
            .zip(&payloads)
            .map(|(group, payload)| Write::Frame { group, time, payload })
            .collect();
        let (begun, cpu_begun) = (Instant::now(), cpu_seconds());
        send(&store, &writes, per_request, threads, time);
        if tick > 0 {
            wall += begun.elapsed().as_secs_f64();
            cpu += cpu_seconds() - cpu_begun;
        }
        drop(writes);
        drop(payloads);
        if tick % 120 == 118 {
            let stats = store.stats();
            let counted = stats.head_sample_bytes + stats.head_index_bytes;
            most = (resident_bytes().saturating_sub(resident) as f64, counted as f64);
        }
    }
    let samples = (series * ticks.saturating_sub(1)) as f64;
    let stats = store.stats();
    let per = |bytes: f64| bytes / series as f64;
    println!(
        "{{\"name\":\"frames\",\"series\":{series},\"group\":{group_size},\"ticks\":{ticks},\"threads\":{threads},\
         \"registered_per_cpu_s\":{:.0},\"samples_per_s\":{:.0},\"samples_per_cpu_s\":{:.0},\
         \"samples_bytes_per_series\":{:.0},\"index_bytes_per_series\":{:.0},\
         \"most_resident_bytes_per_series\":{:.0},\"most_counted_bytes_per_series\":{:.0},\
         \"wire_bytes_per_sample\":{:.2},\"wal_bytes_per_sample\":{:.2},\"syncs\":{}}}",
        series as f64 / registered,
        samples / wall,
        samples / cpu,
        per(stats.head_sample_bytes as f64),
        per(stats.head_index_bytes as f64),
        per(most.0),
        per(most.1),
        bytes as f64 / (series * ticks) as f64,
        stats.wal_bytes as f64 / (series * ticks) as f64,
        stats.wal_syncs,
    );
    Ok(())
}

/// Many tenants with one small group each, after its first frame.
pub(crate) fn tenants(dir: &Path, tenants: usize, series: usize) -> Result<(), Failure> {
    let store = open(dir)?;
    let row: Vec<u64> = (0..series).map(|number| (number as f64).to_bits()).collect();
    let mut payload = Vec::new();
    frame::encode_key(&row, &mut payload);
    let before = resident_bytes();
    for tenant in 0..tenants {
        let groups = register(&store, &format!("tenant-{tenant}"), series, series)?;
        let write = |group| Write::Frame { group, time: START, payload: &payload };
        let writes: Vec<Write<'_>> = groups.iter().map(write).collect();
        send(&store, &writes, 1, 1, START);
    }
    let resident = resident_bytes().saturating_sub(before);
    let stats = store.stats();
    let per = |bytes: f64| bytes / (tenants * series) as f64;
    println!(
        "{{\"name\":\"tenants-frames\",\"tenants\":{tenants},\"series\":{series},\
         \"samples_bytes_per_series\":{:.0},\"index_bytes_per_series\":{:.0},\
         \"resident_bytes_per_series\":{:.0}}}",
        per(stats.head_sample_bytes as f64),
        per(stats.head_index_bytes as f64),
        per(resident as f64),
    );
    Ok(())
}

fn register(
    store: &Store,
    tenant: &str,
    series: usize,
    group_size: usize,
) -> Result<Vec<GroupHandle>, Failure> {
    let tenant = TenantId::new(tenant)?;
    let mut groups = Vec::new();
    for first in (0..series).step_by(group_size) {
        let members = first..(first + group_size).min(series);
        let sets: Vec<Labels> = members
            .map(|number| {
                let labels = labels(number);
                Labels::new(labels.iter().map(|(name, value)| (*name, value.as_str())))
            })
            .collect::<Result<_, _>>()?;
        let packed: Vec<&[u8]> = sets.iter().map(Labels::as_bytes).collect();
        // A little later each time, so that the limit of new series per second lets all in.
        let now = Timestamp(START - 600_000 + first as i64 / 500);
        let registered = store.register_group(&tenant, &packed, now)?;
        assert!(registered.appended.rejected.is_empty(), "{:?}", registered.appended.rejected);
        groups.push(registered.group.ok_or("too many groups")?);
    }
    Ok(groups)
}

fn send(store: &Store, writes: &[Write<'_>], per_request: usize, threads: usize, time: i64) {
    let requests: Vec<&[Write<'_>]> = writes.chunks(per_request).collect();
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(request) =
                    requests.get(next.fetch_add(1, Ordering::Relaxed) as usize)
                {
                    let done = store.append_all(request, Timestamp(time));
                    let stored = done.as_ref().is_ok_and(|all| all.appended.rejected.is_empty());
                    assert!(stored, "a request failed: {done:?}");
                }
            });
        }
    });
}
