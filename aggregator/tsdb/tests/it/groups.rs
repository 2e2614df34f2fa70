//! Groups of series and their frames: what is stored, refused and noticed.

use std::collections::BTreeMap;

use codec::frame;
use disk::sim::SimDisk;
use model::{labels::Labels, time::Timestamp, write::WriteBatch};
use tsdb::{
    limits::Limits,
    outcome::{Appended, AppendedAll, RejectReason},
    store::{GroupHandle, Registered, Store, Write},
    view::TenantSet,
};

use super::tools::{NOW, append, batch, open, samples, tenant, try_read};

/// More frames than a window holds, by a third.
const FRAMES: i64 = 160;

fn register(store: &Store, name: &str, pods: &[&str]) -> Registered {
    let labels = |pod: &&str| Labels::new([("__name__", "m"), ("pod", *pod)]).unwrap();
    let labels: Vec<Labels> = pods.iter().map(labels).collect();
    let packed: Vec<&[u8]> = labels.iter().map(Labels::as_bytes).collect();
    store.register_group(&tenant(name), &packed, Timestamp(NOW)).unwrap()
}

/// The writer's side of a group.
struct Sender {
    group: GroupHandle,
    row: Vec<u64>,
}

impl Sender {
    fn new(store: &Store, name: &str, pods: &[&str]) -> Self {
        let registered = register(store, name, pods);
        assert_eq!(registered.appended.rejected, []);
        Self { group: registered.group.unwrap(), row: vec![0; pods.len()] }
    }

    fn payload(&mut self, values: &[f64]) -> Vec<u8> {
        let next: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
        let mut payload = Vec::new();
        frame::encode(&self.row, &next, &mut payload);
        self.row = next;
        payload
    }

    fn send(&mut self, store: &Store, time: i64, values: &[f64]) -> Appended {
        let payload = self.payload(values);
        self.resend(store, time, &payload)
    }

    fn resend(&self, store: &Store, time: i64, payload: &[u8]) -> Appended {
        let write = Write::Frame { group: &self.group, time, payload };
        store.append_all(&[write], Timestamp(NOW)).unwrap().appended
    }
}

fn stored(count: u64) -> Appended {
    Appended { samples: count, ..Appended::default() }
}

fn reasons(appended: &Appended) -> Vec<(RejectReason, u64)> {
    appended.rejected.iter().map(|rejected| (rejected.reason, rejected.count)).collect()
}

/// A counter, a constant and what is only now and then another.
fn values(at: i64) -> [f64; 3] {
    [at as f64, 42.0, (at / 7) as f64 * 0.1]
}

fn expected(column: usize) -> Vec<(i64, f64)> {
    (0..FRAMES).map(|at| (NOW - FRAMES + at, values(at)[column])).collect()
}

#[test]
fn frames_are_read_like_samples() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    let mut sender = Sender::new(&store, "acme", &["a", "b", "c"]);
    let compare = |store: &Store, frames: usize| {
        let found = try_read(store, TenantSet::One(tenant("acme")), &[]).unwrap();
        let wanted: BTreeMap<String, Vec<(i64, f64)>> = ["a", "b", "c"]
            .iter()
            .enumerate()
            .map(|(at, pod)| (format!("m{{pod=\"{pod}\"}}"), expected(at)[..frames].to_vec()))
            .collect();
        assert_eq!(found, wanted, "after {frames} frames");
    };
    for at in 0..FRAMES {
        assert_eq!(sender.send(&store, NOW - FRAMES + at, &values(at)), stored(3));
        if at == 70 {
            store.flush().unwrap();
        }
        if [0, 1, 60, 70, 119, 120].contains(&at) {
            compare(&store, at as usize + 1);
        }
    }
    compare(&store, FRAMES as usize);
    let stats = store.stats();
    assert_eq!((stats.series, stats.samples_appended), (3, 3 * FRAMES as u64));
    drop(store);
    disk.restart();
    let store = open(&disk);
    compare(&store, FRAMES as usize);
    store.flush().unwrap();
    compare(&store, FRAMES as usize);
}

#[test]
fn frames_that_come_twice_or_never_are_noticed() {
    let store = open(&SimDisk::new(1));
    let mut sender = Sender::new(&store, "acme", &["a", "b"]);
    sender.send(&store, NOW, &[1.0, 1.0]);
    let second = sender.payload(&[2.0, 1.0]);
    for _ in 0..3 {
        assert_eq!(sender.resend(&store, NOW + 1, &second), stored(2));
    }
    let lost = sender.payload(&[3.0, 1.0]);
    let answer = sender.send(&store, NOW + 3, &[4.0, 1.0]);
    assert!(answer.is_group_unknown());
    assert_eq!(reasons(&answer), [(RejectReason::UnknownGroup, 2)]);
    assert_eq!(sender.resend(&store, NOW + 2, &lost), stored(2), "what follows is as good as ever");
    let mut key = Vec::new();
    frame::encode_key(&[9.0f64.to_bits(), 0], &mut key);
    assert_eq!(sender.resend(&store, NOW + 4, &key), stored(2));
    for broken in [&key[..key.len() - 1], &[], &[0xff; 9]] {
        assert!(sender.resend(&store, NOW + 5, broken).is_group_unknown());
    }
    let wanted = [(NOW, 1.0), (NOW + 1, 2.0), (NOW + 2, 3.0), (NOW + 4, 9.0)];
    assert_eq!(samples(&store, "acme", "a"), wanted);
    assert_eq!(store.stats().tenants[0].rejected, 2 + 2 + 1 + 1);
}

#[test]
fn limits_cost_a_group_only_its_excess() {
    let store = open(&SimDisk::new(1));
    let limits = Limits { active_series: 2, label_bytes_per_series: 40, ..Limits::default() };
    store.set_limits(&tenant("small"), limits.clone());
    let long = "x".repeat(40);
    let registered = register(&store, "small", &["a", &long, "b", "c", "a"]);
    assert_eq!(registered.appended.series_created, 2);
    let refused = [(RejectReason::Labels, 2), (RejectReason::SeriesLimit, 1)];
    assert_eq!(reasons(&registered.appended), refused);
    let mut sender = Sender { group: registered.group.unwrap(), row: vec![0; 5] };
    for at in 0..3 {
        let answer = sender.send(&store, NOW + at, &[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!((answer.samples, reasons(&answer)), (2, refused.to_vec()));
    }
    store.set_limits(&tenant("small"), Limits { samples_per_second: 0.7, ..limits });
    let answer = sender.send(&store, NOW + 3, &[1.0; 5]);
    assert_eq!(answer.samples, 1, "seven in ten seconds, of which six were used");
    assert!(reasons(&answer).contains(&(RejectReason::SampleRate, 1)));
    assert_eq!(samples(&store, "small", "a").len(), 4);
    assert_eq!(samples(&store, "small", "b").last(), Some(&(NOW + 2, 3.0)));
    let many = vec!["a"; 65_537];
    let registered = register(&store, "other", &many);
    assert!(registered.group.is_none());
    assert_eq!(reasons(&registered.appended), [(RejectReason::SeriesLimit, 65_537)]);
}

#[test]
fn times_out_of_bounds_are_refused_and_cost_no_later_frame() {
    let store = open(&SimDisk::new(1));
    let mut sender = Sender::new(&store, "acme", &["a", "b"]);
    let (old, ahead) = (NOW - 16 * 24 * 3_600_000, NOW + 600_001);
    for (time, reason) in [
        (old, Some(RejectReason::TooOld)),
        (NOW, None),
        (ahead, Some(RejectReason::TooFarInFuture)),
    ] {
        let answer = sender.send(&store, time, &[time as f64, 1.0]);
        assert_eq!(
            reasons(&answer),
            reason.map(|reason| (reason, 2)).into_iter().collect::<Vec<_>>()
        );
    }
    assert_eq!(sender.send(&store, NOW + 1, &[7.0, 1.0]), stored(2));
    assert_eq!(samples(&store, "acme", "a"), [(NOW, NOW as f64), (NOW + 1, 7.0)]);
}

#[test]
fn what_else_comes_to_a_member_is_treated_like_any_sample() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    let mut sender = Sender::new(&store, "acme", &["a", "b"]);
    assert_eq!(sender.send(&store, NOW + 10, &[1.0, 1.0]), stored(2));
    // Late, the same, another at the same time, later.
    let others =
        batch(&[("a", NOW, 0.5), ("a", NOW + 10, 1.0), ("a", NOW + 10, 9.0), ("a", NOW + 30, 3.0)]);
    let answer = store.append(&tenant("acme"), &others, Timestamp(NOW)).unwrap();
    assert_eq!(
        (answer.samples, reasons(&answer)),
        (3, vec![(RejectReason::DuplicateTimestamp, 1)])
    );
    assert_eq!(sender.send(&store, NOW + 20, &[2.0, 1.0]), stored(2));
    let answer = sender.send(&store, NOW + 30, &[4.0, 1.0]);
    assert_eq!(
        (answer.samples, reasons(&answer)),
        (1, vec![(RejectReason::DuplicateTimestamp, 1)])
    );
    for at in 4..200 {
        assert_eq!(sender.send(&store, NOW + at * 10, &[at as f64, 1.0]), stored(2));
        if at % 70 == 0 {
            append(&store, "acme", &[("b", NOW + at * 10 + 5, 0.0)]);
        }
    }
    let mut second = Sender::new(&store, "acme", &["b", "a"]);
    assert_eq!(second.send(&store, NOW + 2000, &[1.0, 5.0]), stored(2));
    assert_eq!(sender.send(&store, NOW + 2010, &[6.0, 1.0]), stored(2));
    let mut wanted = vec![(NOW, 0.5), (NOW + 10, 1.0), (NOW + 20, 2.0), (NOW + 30, 3.0)];
    wanted.extend((4..200).map(|at| (NOW + at * 10, at as f64)));
    wanted.extend([(NOW + 2000, 5.0), (NOW + 2010, 6.0)]);
    assert_eq!(samples(&store, "acme", "a"), wanted);
    drop(store);
    disk.restart();
    let store = open(&disk);
    assert_eq!(samples(&store, "acme", "a"), wanted);
    assert_eq!(samples(&store, "acme", "b").len(), 2 + 197 + 2 + 2);
}

#[test]
fn a_first_frame_that_is_late_is_taken_sample_by_sample() {
    let store = open(&SimDisk::new(1));
    append(&store, "acme", &[("a", NOW + 10, 1.0)]);
    for time in [NOW, NOW + 10] {
        let mut sender = Sender::new(&store, "acme", &["a", "b"]);
        let answer = sender.send(&store, time, &[9.0, 2.0]);
        let refused = u64::from(time == NOW + 10);
        assert_eq!((answer.samples, answer.rejected_count()), (2 - refused, refused));
    }
    assert_eq!(samples(&store, "acme", "a"), [(NOW, 9.0), (NOW + 10, 1.0)]);
    assert_eq!(samples(&store, "acme", "b"), [(NOW, 2.0), (NOW + 10, 2.0)]);
}

#[test]
fn a_handle_is_good_as_long_as_its_group() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    let mut senders: Vec<Sender> =
        ["acme", "beta", "core"].map(|name| Sender::new(&store, name, &["a"])).into();
    senders.iter_mut().for_each(|sender| assert_eq!(sender.send(&store, NOW, &[1.0]), stored(1)));
    assert!(store.drop_group(&senders[0].group));
    assert!(!store.drop_group(&senders[0].group));
    store.delete_tenant(&tenant("beta")).unwrap();
    store.maintain(Timestamp(NOW + 890_000));
    assert_eq!(senders[2].send(&store, NOW + 1, &[2.0]), stored(1));
    store.maintain(Timestamp(NOW + 2_000_000));
    for sender in &mut senders {
        assert!(sender.send(&store, NOW + 2, &[3.0]).is_group_unknown());
    }
    assert_eq!(samples(&store, "acme", "a"), [(NOW, 1.0)]);
    assert_eq!(samples(&store, "beta", "a"), []);
    assert_eq!(samples(&store, "core", "a"), [(NOW, 1.0), (NOW + 1, 2.0)]);
    let mut again = Sender::new(&store, "acme", &["a"]);
    assert_eq!(again.send(&store, NOW + 5, &[5.0]), stored(1));
    drop(store);
    let store = open(&disk);
    assert!(again.send(&store, NOW + 6, &[6.0]).is_group_unknown());
    assert_eq!(samples(&store, "acme", "a"), [(NOW, 1.0), (NOW + 5, 5.0)]);
}

#[test]
fn a_request_takes_one_sync() {
    let store = open(&SimDisk::new(1));
    let (acme, beta) = (tenant("acme"), tenant("beta"));
    let mut sender = Sender::new(&store, "acme", &["a", "b"]);
    let payloads = [sender.payload(&[1.0, 2.0]), sender.payload(&[1.0, 3.0])];
    let (one, two): (WriteBatch, WriteBatch) =
        (batch(&[("x", NOW, 1.0)]), batch(&[("y", NOW, 2.0), ("z", NOW, 3.0)]));
    let before = store.stats().wal_syncs;
    let answers = store
        .append_all(
            &[
                Write::Batch { tenant: &acme, batch: &one },
                Write::Frame { group: &sender.group, time: NOW, payload: &payloads[0] },
                Write::Batch { tenant: &beta, batch: &two },
                Write::Frame { group: &sender.group, time: NOW + 1, payload: &payloads[1] },
            ],
            Timestamp(NOW),
        )
        .unwrap();
    assert_eq!(store.stats().wal_syncs, before + 1);
    let appended = Appended { samples: 7, series_created: 3, ..Appended::default() };
    assert_eq!(answers, AppendedAll { appended, ..AppendedAll::default() });
    assert_eq!(samples(&store, "acme", "b"), [(NOW, 2.0), (NOW + 1, 3.0)]);
    assert_eq!(store.append_all(&[], Timestamp(NOW)).unwrap(), AppendedAll::default());
}

#[test]
fn of_many_parts_those_are_named_that_were_not_stored_whole() {
    let store = open(&SimDisk::new(1));
    let mut here = Sender::new(&store, "acme", &["a", "b"]);
    let mut gone = Sender::new(&store, "acme", &["c"]);
    assert!(store.drop_group(&gone.group));
    let (one, other) = (batch(&[("x", NOW, 1.0)]), batch(&[("x", NOW, 2.0), ("y", NOW, 1.0)]));
    let (first, second, lost) =
        (here.payload(&[1.0; 2]), here.payload(&[2.0; 2]), gone.payload(&[1.0]));
    let (acme, group) = (tenant("acme"), &here.group);
    let writes = [
        Write::Batch { tenant: &acme, batch: &one },
        Write::Frame { group: &gone.group, time: NOW, payload: &lost },
        Write::Batch { tenant: &acme, batch: &other },
        Write::Frame { group, time: NOW, payload: &first },
        Write::Frame { group, time: NOW + 1_000_000, payload: &second },
        Write::Frame { group: &gone.group, time: NOW, payload: &lost },
    ];
    let all = store.append_all(&writes, Timestamp(NOW)).unwrap();
    assert_eq!((all.unknown_groups, all.refused), (vec![1, 5], vec![2, 4]));
    assert_eq!(all.appended.samples, 4);
    let refused = [
        (RejectReason::UnknownGroup, 2),
        (RejectReason::DuplicateTimestamp, 1),
        (RejectReason::TooFarInFuture, 2),
    ];
    assert_eq!(reasons(&all.appended), refused);
    assert_eq!(store.stats().samples_appended, 4);
}

#[test]
fn a_frame_s_sample_that_comes_again_beside_its_exemplar_changes_nothing() {
    let store = open(&SimDisk::new(1));
    let mut sender = Sender::new(&store, "acme", &["a", "b"]);
    for at in 0..FRAMES {
        assert_eq!(sender.send(&store, NOW + at, &[at as f64, 1.0]), stored(2));
        append(&store, "acme", &[("a", NOW + at, at as f64)]);
    }
    let other = batch(&[("b", NOW + FRAMES - 1, 2.0)]);
    let other = store.append(&tenant("acme"), &other, Timestamp(NOW)).unwrap();
    assert_eq!(reasons(&other), [(RejectReason::DuplicateTimestamp, 1)]);
    let wanted: Vec<(i64, f64)> = (0..FRAMES).map(|at| (NOW + at, at as f64)).collect();
    assert_eq!(samples(&store, "acme", "a"), wanted);
}

#[test]
fn bytes_beyond_the_rate_are_refused_with_all_their_samples() {
    let store = open(&SimDisk::new(1));
    let limits = Limits { bytes_per_second: 5.0, ..Limits::default() };
    store.set_limits(&tenant("small"), limits);
    append(&store, "small", &[("a", NOW, 1.0), ("b", NOW, 1.0)]);
    let more = batch(&[("a", NOW + 1, 2.0), ("c", NOW + 1, 2.0)]);
    let answer = store.append(&tenant("small"), &more, Timestamp(NOW)).unwrap();
    assert_eq!(reasons(&answer), [(RejectReason::ByteRate, 2)]);
    assert_eq!(store.stats().series, 2, "nothing of the new one could be stored");
    let later = Timestamp(NOW + 60_000);
    assert_eq!(store.append(&tenant("small"), &more, later).unwrap().samples, 2);
    let mut sender = Sender::new(&store, "small", &["a", "b"]);
    let answer = sender.send(&store, NOW + 2, &[3.0, 3.0]);
    assert_eq!(reasons(&answer), [(RejectReason::ByteRate, 2)]);
    store.set_limits(&tenant("small"), Limits::default());
    assert_eq!(sender.send(&store, NOW + 3, &[4.0, 3.0]).samples, 2, "sender and store keep step");
    let wanted = [(NOW, 1.0), (NOW + 1, 2.0), (NOW + 3, 4.0)];
    assert_eq!(samples(&store, "small", "a"), wanted);
}

#[test]
fn who_was_refused_for_a_moment_is_asked_to_register_again() {
    let store = open(&SimDisk::new(1));
    let limits = Limits { active_series: 1, ..Limits::default() };
    store.set_limits(&tenant("small"), limits);
    let registered = register(&store, "small", &["a", "b"]);
    let mut sender = Sender { group: registered.group.unwrap(), row: vec![0; 2] };
    let refused = [(RejectReason::SeriesLimit, 1)];
    assert_eq!(reasons(&sender.send(&store, NOW, &[1.0, 1.0])), refused);
    store.set_limits(&tenant("small"), Limits::default());
    let payload = sender.payload(&[2.0, 2.0]);
    let write = Write::Frame { group: &sender.group, time: NOW + 1, payload: &payload };
    let soon = store.append_all(&[write], Timestamp(NOW + 60_000)).unwrap().appended;
    assert_eq!(reasons(&soon), refused);
    let payload = sender.payload(&[3.0, 3.0]);
    let write = Write::Frame { group: &sender.group, time: NOW + 2, payload: &payload };
    let later = store.append_all(&[write], Timestamp(NOW + 300_000)).unwrap().appended;
    assert!(later.is_group_unknown());
    let mut sender = Sender::new(&store, "small", &["a", "b"]);
    assert_eq!(sender.send(&store, NOW + 2, &[3.0, 3.0]), stored(2));
}

#[test]
fn nothing_is_kept_of_a_group_without_members() {
    let store = open(&SimDisk::new(1));
    store.set_limits(&tenant("small"), Limits { labels_per_series: 1, ..Limits::default() });
    let registered = register(&store, "small", &["a", "b"]);
    let mut sender = Sender { group: registered.group.unwrap(), row: vec![0; 2] };
    let before = store.stats().wal_bytes;
    for at in 0..10 {
        let answer = sender.send(&store, NOW + at, &[at as f64, 1.0]);
        assert_eq!(reasons(&answer), [(RejectReason::Labels, 2)]);
    }
    let after = store.stats().wal_bytes;
    assert!(after - before < 200, "only the tenant's name is in the log: {before} to {after}");
}
