//! What a store takes, refuses, shows and forgets.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use disk::{Disk, sim::SimDisk};
use model::{
    exemplar::Exemplar,
    histogram::{Histogram, Span},
    labels::Labels,
    matcher::{MatchOp, Matcher},
    metadata::{Metadata, MetricType},
    query::{Hints, Queryable, Selection},
    time::Timestamp,
    write::{HistogramSample, Sample, WriteBatch},
};
use tsdb::{
    limits::Limits,
    options::Options,
    outcome::{AppendError, Appended, OpenError, RejectReason, StoreError},
    store::Store,
    view::TenantSet,
};

use super::tools::{DIR, NOW, append, batch, open, open_with, samples, tenant, try_read};

fn reasons(appended: &Appended) -> Vec<(RejectReason, u64)> {
    appended.rejected.iter().map(|rejected| (rejected.reason, rejected.count)).collect()
}

#[test]
fn samples_are_refused_one_by_one_and_with_their_reason() {
    let store = open(&SimDisk::new(1));
    let day = 24 * 3_600_000;
    let mut first = batch(&[
        ("a", NOW, 1.0),
        ("a", NOW, 1.0),
        ("a", NOW, 2.0),
        ("a", NOW + 600_000, 3.0),
        ("a", NOW + 600_001, 4.0),
        ("b", NOW - 15 * day, 5.0),
        ("b", NOW - 15 * day - 1, 6.0),
        ("c", NOW - 16 * day, 7.0),
    ]);
    first.begin_series(&mut []).unwrap();
    first.push_sample(Sample { time: NOW, value: 1.0, start: 0 });
    let appended = store.append(&tenant("acme"), &first, Timestamp(NOW)).unwrap();
    assert_eq!(
        (appended.samples, appended.series_created),
        (4, 2),
        "a repetition counts as stored"
    );
    assert_eq!(
        reasons(&appended),
        [
            (RejectReason::TooOld, 2),
            (RejectReason::Labels, 1),
            (RejectReason::DuplicateTimestamp, 1),
            (RejectReason::TooFarInFuture, 1),
        ]
    );
    assert_eq!(appended.rejected[0].example, "m{pod=\"c\"}: older than retention");
    assert_eq!(samples(&store, "acme", "a"), [(NOW, 1.0), (NOW + 600_000, 3.0)]);
    assert_eq!(samples(&store, "acme", "b"), [(NOW - 15 * day, 5.0)]);
    let stats = store.stats();
    assert_eq!((stats.series, stats.samples_appended), (2, 4));
    assert!(stats.rejected.contains(&(RejectReason::TooOld, 2)));
    assert_eq!(stats.tenants[0].rejected, 5);
}

#[test]
fn limits_cost_a_tenant_only_its_excess() {
    let store = open(&SimDisk::new(1));
    let limits = Limits {
        active_series: 2,
        samples_per_second: 1.0,
        labels_per_series: 2,
        label_bytes_per_series: 40,
        ..Limits::default()
    };
    store.set_limits(&tenant("small"), limits);
    let sent = batch(&[("a", NOW, 1.0), ("b", NOW, 1.0), ("c", NOW, 1.0)]);
    let appended = store.append(&tenant("small"), &sent, Timestamp(NOW)).unwrap();
    assert_eq!(reasons(&appended), [(RejectReason::SeriesLimit, 1)]);
    assert!(!RejectReason::SeriesLimit.is_temporary());
    let long = "x".repeat(40);
    let appended =
        store.append(&tenant("small"), &batch(&[(&long, NOW, 1.0)]), Timestamp(NOW)).unwrap();
    assert_eq!(reasons(&appended), [(RejectReason::Labels, 1)]);
    let many: Vec<(&str, i64, f64)> = (1..20).map(|at| ("a", NOW + at, 1.0)).collect();
    let appended = store.append(&tenant("small"), &batch(&many), Timestamp(NOW)).unwrap();
    assert_eq!(appended.samples, 8, "ten seconds' worth, of which two were used");
    assert_eq!(reasons(&appended), [(RejectReason::SampleRate, 11)]);
    assert!(RejectReason::SampleRate.is_temporary());
    let appended = store.append(&tenant("small"), &batch(&many), Timestamp(NOW + 5000)).unwrap();
    assert_eq!(appended.samples, 5);
    let appended = store.append(&tenant("other"), &sent, Timestamp(NOW)).unwrap();
    assert_eq!(reasons(&appended), [], "another tenant is not concerned");
    store.set_limits(&tenant("slow"), Limits { new_series_per_second: 0.1, ..Limits::default() });
    let appended = store.append(&tenant("slow"), &sent, Timestamp(NOW)).unwrap();
    assert_eq!(reasons(&appended), [(RejectReason::SeriesRate, 2)]);
}

#[test]
fn there_is_a_limit_of_tenants() {
    let store = open_with(&SimDisk::new(1), Options { tenants_max: 1, ..Options::default() });
    append(&store, "first", &[("a", NOW, 1.0)]);
    let sent = batch(&[("a", NOW, 1.0)]);
    let appended = store.append(&tenant("second"), &sent, Timestamp(NOW)).unwrap();
    assert_eq!(reasons(&appended), [(RejectReason::TenantLimit, 1)]);
}

#[test]
fn a_view_reaches_its_tenants_and_no_other() {
    let store = open(&SimDisk::new(1));
    for (number, name) in (1i32..).zip(["acme", "beta", "core"]) {
        append(&store, name, &[("a", NOW, f64::from(number)), (name, NOW, 0.0)]);
    }
    for _ in 0..2 {
        let read = |tenants, matchers: &[Matcher]| try_read(&store, tenants, matchers).unwrap();
        let keys = |tenants, matchers: &[Matcher]| -> Vec<String> {
            read(tenants, matchers).into_keys().collect()
        };
        let one = TenantSet::One(tenant("beta"));
        assert_eq!(keys(one.clone(), &[]), [r#"m{pod="a"}"#, r#"m{pod="beta"}"#]);
        let strange = Matcher::equal("tenant", "acme");
        assert_eq!(
            keys(one.clone(), std::slice::from_ref(&strange)),
            [""; 0],
            "a label like others"
        );
        let named = [Matcher::equal("pod", "a")];
        assert_eq!(
            keys(TenantSet::All, &named),
            ["acme", "beta", "core"].map(|name| format!(r#"m{{pod="a", tenant="{name}"}}"#))
        );
        let two: BTreeSet<_> = ["acme", "core", "gone"].map(tenant).into();
        let matcher = Matcher::new("tenant", MatchOp::NotRegex, "a.*").unwrap();
        assert_eq!(
            keys(TenantSet::Many(two.clone()), &[matcher]),
            [r#"m{pod="a", tenant="core"}"#, r#"m{pod="core", tenant="core"}"#]
        );
        let selection = Selection {
            matchers: &[],
            start: Timestamp(NOW),
            end: Timestamp(NOW),
            hints: Hints::default(),
        };
        let view = store.view(TenantSet::Many(two));
        assert_eq!(view.label_names(&selection).unwrap(), ["__name__", "pod", "tenant"]);
        assert_eq!(view.label_values("tenant", &selection).unwrap(), ["acme", "core"]);
        assert_eq!(view.label_values("pod", &selection).unwrap(), ["a", "acme", "core"]);
        assert_eq!(view.series(&selection).unwrap().len(), 4);
        let view = store.view(one);
        assert_eq!(view.label_names(&selection).unwrap(), ["__name__", "pod"]);
        assert_eq!(view.label_values("tenant", &selection).unwrap(), [""; 0]);
        let matchers = [Matcher::equal("pod", "a")];
        let narrow = Selection { matchers: &matchers, ..selection.clone() };
        assert_eq!(view.label_values("pod", &narrow).unwrap(), ["a"]);
        let later = Selection { start: Timestamp(NOW + 1), end: Timestamp::MAX, ..selection };
        assert_eq!(view.series(&later).unwrap(), []);
        // The same from blocks.
        store.flush().unwrap();
    }
}

#[test]
fn descriptions_and_exemplars_outlive_flushes_and_openings() {
    let disk = SimDisk::new(1);
    let metadata =
        Metadata { kind: MetricType::Counter, help: "Things.".to_owned(), unit: "1".to_owned() };
    let labels = Labels::new([("trace_id", "abc")]).unwrap();
    let exemplar = Exemplar { labels, value: 0.25, time: Timestamp(NOW) };
    let store = open(&disk);
    let mut sent = batch(&[("a", NOW, 1.0)]);
    sent.push_exemplar(exemplar.clone());
    sent.push_metadata("m".to_owned(), metadata.clone());
    sent.push_metadata(
        "long".to_owned(),
        Metadata { help: "x".repeat(5000), ..Metadata::default() },
    );
    let appended = store.append(&tenant("acme"), &sent, Timestamp(NOW)).unwrap();
    assert_eq!((appended.exemplars, appended.metadata_dropped), (1, 1));
    let again = store.append(&tenant("acme"), &sent, Timestamp(NOW)).unwrap();
    assert_eq!(again.exemplars, 1);
    let mut store = store;
    for round in 0..3 {
        if round > 0 {
            store.flush().unwrap();
            drop(store);
            store = open(&disk);
        }
        let selection = Selection {
            matchers: &[Matcher::equal("pod", "a")],
            start: Timestamp(NOW),
            end: Timestamp(NOW),
            hints: Hints::default(),
        };
        let found = store.view(TenantSet::One(tenant("acme"))).exemplars(&selection).unwrap();
        let labels = Labels::new([("__name__", "m"), ("pod", "a")]).unwrap();
        assert_eq!(found, [(labels, vec![exemplar.clone()])], "round {round}");
        let known = store.metadata(&TenantSet::All, None, 0);
        assert_eq!(
            known.into_iter().collect::<Vec<_>>(),
            [("m".to_owned(), vec![metadata.clone()])]
        );
        assert!(store.metadata(&TenantSet::One(tenant("beta")), None, 0).is_empty());
        assert!(store.metadata(&TenantSet::All, Some("x"), 0).is_empty());
    }
}

#[test]
fn histograms_and_starts_are_stored_as_they_are() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    let value = Arc::new(Histogram {
        count: 4.0,
        sum: 1.5,
        positive_spans: vec![Span { offset: 0, length: 2 }],
        positive_buckets: vec![1.0, 3.0],
        ..Histogram::default()
    });
    let broken = Arc::new(Histogram { schema: 99, ..Histogram::default() });
    let mut sent = WriteBatch::default();
    sent.begin_series(&mut [("__name__", "m"), ("pod", "a")]).unwrap();
    sent.push_histogram(HistogramSample { time: NOW, value: Arc::clone(&value), start: NOW - 9 });
    sent.push_histogram(HistogramSample { time: NOW + 1, value: broken, start: 0 });
    sent.push_sample(Sample { time: NOW + 2, value: 7.0, start: NOW - 9 });
    let appended = store.append(&tenant("acme"), &sent, Timestamp(NOW)).unwrap();
    assert_eq!((appended.samples, appended.histograms), (1, 1));
    assert_eq!(reasons(&appended), [(RejectReason::InvalidHistogram, 1)]);
    drop(store);
    let store = open(&disk);
    store.flush().unwrap();
    let selection = Selection {
        matchers: &[],
        start: Timestamp::MIN,
        end: Timestamp::MAX,
        hints: Hints::default(),
    };
    let set = store.view(TenantSet::One(tenant("acme"))).select(&selection).unwrap();
    let mut columns = model::columns::Columns::default();
    set[0].decode(&mut columns).unwrap();
    assert_eq!(columns.times, [NOW, NOW + 2]);
    assert_eq!(columns.histogram(0), Some(&value));
    assert_eq!(columns.starts, [NOW - 9, NOW - 9]);
}

#[test]
fn a_directory_is_used_by_one_at_a_time() {
    let sim = SimDisk::new(1);
    let store = open(&sim);
    let view = store.view(TenantSet::All);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let try_open = || Store::open(Arc::clone(&disk), Path::new(DIR), Options::default(), &|_| {});
    let error = try_open().unwrap_err();
    assert!(matches!(&error, OpenError::Locked { dir } if dir == Path::new(DIR)));
    assert_eq!(error.to_string(), "/data is in use by another process");
    drop(store);
    try_open().unwrap_err();
    drop(view);
    let (store, _) = try_open().unwrap();
    store.close();
    let refused = store.append(&tenant("acme"), &batch(&[]), Timestamp(NOW));
    assert!(matches!(refused, Err(AppendError::Closed)));
}

#[test]
fn series_that_fall_silent_make_room_and_old_blocks_go() {
    let options = Options {
        retention: Duration::from_secs(6 * 3600),
        limits: Limits { active_series: 2, ..Limits::default() },
        ..Options::default()
    };
    let store = open_with(&SimDisk::new(1), options);
    append(&store, "acme", &[("a", NOW, 1.0), ("b", NOW, 1.0)]);
    let at = |hours: i64| Timestamp(NOW + hours * 3_600_000);
    store.maintain(at(0));
    let later = batch(&[("c", at(1).0, 1.0)]);
    assert_eq!(store.append(&tenant("acme"), &later, at(1)).unwrap().rejected_count(), 1);
    let stats = store.maintain(at(1));
    assert_eq!((stats.flushed_samples, stats.series_dropped), (2, 2), "{stats:?}");
    assert_eq!(store.stats().wal_bytes, 0);
    assert_eq!(store.append(&tenant("acme"), &later, at(1)).unwrap().rejected_count(), 0);
    assert_eq!(samples(&store, "acme", "a"), [(NOW, 1.0)], "still there, in a block");
    assert_eq!(store.maintain(at(7)).blocks_expired, 1);
    assert_eq!(samples(&store, "acme", "a"), []);
    assert_eq!(samples(&store, "acme", "c"), [(at(1).0, 1.0)]);
}

#[test]
fn a_clock_that_jumps_ahead_costs_no_more_than_a_day() {
    let store = open(&SimDisk::new(1));
    let day = 24 * 3_600_000;
    let old = [("a", NOW - 14 * day, 1.0), ("a", NOW - 13 * day, 2.0)];
    append(&store, "acme", &old);
    append(&store, "acme", &[("a", NOW, 3.0)]);
    store.maintain(Timestamp(NOW));
    store.flush().unwrap();
    for seconds in 0..40 {
        let stats = store.maintain(Timestamp(NOW + 400 * day + seconds * 1000));
        assert_eq!(stats.errors, [""; 0]);
    }
    assert_eq!(samples(&store, "acme", "a"), [old[0], old[1], ("a", NOW, 3.0)].map(|s| (s.1, s.2)));
    assert_eq!(store.maintain(Timestamp(NOW + 3 * day)).blocks_expired, 0);
}

#[test]
fn deletions_hold_and_what_is_sent_again_is_there_again() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    let sent = [("a", NOW, 1.0), ("a", NOW + 5, 2.0), ("b", NOW, 3.0)];
    append(&store, "acme", &sent);
    append(&store, "beta", &sent);
    let matchers = [Matcher::equal("pod", "a")];
    store.delete(&tenant("acme"), &matchers, Timestamp(NOW + 1), Timestamp::MAX).unwrap();
    assert_eq!(samples(&store, "acme", "a"), [(NOW, 1.0)]);
    assert_eq!(samples(&store, "acme", "b"), [(NOW, 3.0)]);
    append(&store, "acme", &[("a", NOW + 5, 2.0)]);
    assert_eq!(samples(&store, "acme", "a"), [(NOW, 1.0), (NOW + 5, 2.0)]);
    store.delete_tenant(&tenant("acme")).unwrap();
    drop(store);
    let store = open(&disk);
    assert_eq!(samples(&store, "acme", "a"), []);
    let stats = store.maintain(Timestamp(NOW));
    assert_eq!(stats.errors, [""; 0]);
    assert_eq!(samples(&store, "acme", "b"), []);
    assert_eq!(samples(&store, "beta", "a"), [(NOW, 1.0), (NOW + 5, 2.0)]);
    append(&store, "acme", &[("a", NOW, 9.0)]);
    assert_eq!(samples(&store, "acme", "a"), [(NOW, 9.0)]);
}

#[test]
fn deletions_wait_for_the_background_and_only_so_many() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    append(&store, "acme", &[("a", NOW, 1.0), ("b", NOW + 9, 2.0)]);
    append(&store, "beta", &[("a", NOW, 3.0)]);
    let delete = |name: &str, pod: &str, time: i64| {
        let (start, end) = (Timestamp(time), Timestamp(time));
        store.delete(&tenant(name), &[Matcher::equal("pod", pod)], start, end)
    };
    // What concerns no block does not wait.
    for at in 0..1100 {
        delete("acme", "a", NOW + 10 + at).unwrap();
        delete("none", "a", NOW).unwrap();
    }
    let refused = (0..251).find_map(|at| delete("acme", "b", NOW + at % 9).err());
    assert!(matches!(refused, Some(StoreError::DeletionsWaiting { limit: 250 })), "{refused:?}");
    assert!(store.delete_tenant(&tenant("acme")).is_err());
    // One tenant's are no reason to refuse another's.
    delete("beta", "b", NOW).unwrap();
    assert_eq!(samples(&store, "acme", "b"), [(NOW + 9, 2.0)]);
    assert_eq!(samples(&store, "beta", "a"), [(NOW, 3.0)]);
    let rewritten = store.maintain(Timestamp(NOW));
    assert_eq!((rewritten.blocks_compacted, rewritten.errors.len()), (1, 0));
    delete("acme", "b", NOW + 9).unwrap();
    assert_eq!(samples(&store, "acme", "b"), []);
    assert_eq!(samples(&store, "acme", "a"), [(NOW, 1.0)]);
}

#[test]
fn several_deletions_are_done_or_none_is_and_each_tenant_has_its_room() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    let tenants: Vec<String> = (0..7).map(|number| format!("t{number}")).collect();
    for name in &tenants {
        append(&store, name, &[("a", NOW, 1.0), ("b", NOW, 2.0)]);
    }
    let delete = |name: &str, pods: &[&str]| {
        let one = |pod: &&str| (tenant(name), vec![Matcher::equal("pod", *pod)]);
        let all: Vec<_> = pods.iter().map(one).collect();
        store.delete_all(&all, Timestamp(NOW), Timestamp(NOW))
    };
    let nothing = vec!["x"; 249];
    delete("t0", &nothing).unwrap();
    delete("t0", &["a", "b"]).unwrap_err();
    assert_eq!(samples(&store, "t0", "a"), [(NOW, 1.0)], "there was no room for both");
    delete("t0", &["a"]).unwrap();
    assert_eq!(samples(&store, "t0", "a"), []);
    for name in &tenants[1..5] {
        let mut refused = false;
        for _ in 0..250 {
            refused |= delete(name, &["x"]).is_err();
        }
        assert_eq!(refused, name == "t4");
    }
    // The others have taken all that is shared, and not what is each one's own.
    delete("t5", &["a"; 10]).unwrap();
    delete("t5", &["a"]).unwrap_err();
    delete("t6", &["a", "b"]).unwrap();
    assert_eq!(samples(&store, "t6", "b"), []);
}
