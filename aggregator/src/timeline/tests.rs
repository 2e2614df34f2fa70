//! Tests that the timeline keeps its order, its bounds and, across a crash, its events.

use std::{path::Path, sync::Arc};

use disk::{Disk, os::OsDisk};
use model::{
    event::{Event, EventKind, Target},
    tenant::TenantId,
    time::Timestamp,
};
use tenancy::access::Tenants;

use super::{Query, Timeline};

fn event(tenant: &str, time: i64) -> Event {
    Event {
        id: 0,
        time: Timestamp(time),
        kind: EventKind::Exited,
        target: Target {
            tenant: TenantId::new(tenant).expect("is valid"),
            app: "shop".to_owned(),
            component: String::new(),
            instance: "shop-0".to_owned(),
            node: "n1".to_owned(),
        },
        reason: "killed by SIGKILL".to_owned(),
        incident: String::new(),
        details: std::iter::once(("run".to_owned(), "1".to_owned())).collect(),
    }
}

fn open(dir: &Path) -> Timeline {
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    Timeline::open(disk, dir).expect("opens")
}

const ALL: Query<'static> =
    Query { tenants: &Tenants::All, tenant: None, app: None, since: Timestamp::MIN };

#[test]
fn events_survive_a_restart_and_ids_go_on() {
    let dir = tempfile::tempdir().expect("is created");
    let first = open(dir.path());
    let stored = first.append(vec![event("acme", 1), event("globex", 2)]).expect("appends");
    assert_eq!(stored.iter().map(|event| event.id).collect::<Vec<_>>(), [1, 2]);
    drop(first);
    let second = open(dir.path());
    assert_eq!(second.read(&ALL, Some(0), 10), stored);
    let more = second.append(vec![event("acme", 3)]).expect("appends");
    assert_eq!(more[0].id, 3);
}

#[test]
fn readers_see_their_tenants_only() {
    let dir = tempfile::tempdir().expect("is created");
    let timeline = open(dir.path());
    timeline.append(vec![event("acme", 1), event("globex", 2), event("acme", 3)]).expect("appends");
    let acme = Tenants::One(TenantId::new("acme").expect("is valid"));
    let query = Query { tenants: &acme, ..ALL };
    let ids = |query: &Query<'_>, after, limit| {
        timeline.read(query, after, limit).iter().map(|event| event.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&query, Some(0), 10), [1, 3]);
    assert_eq!(ids(&query, None, 1), [3]);
    assert_eq!(ids(&ALL, None, 2), [2, 3]);
    assert_eq!(ids(&Query { since: Timestamp(2), ..ALL }, Some(0), 10), [2, 3]);
    assert!(ids(&Query { tenant: Some("globex"), ..query }, Some(0), 10).is_empty());
}

#[test]
fn oversized_events_are_cut() {
    let dir = tempfile::tempdir().expect("is created");
    let timeline = open(dir.path());
    let mut large = event("acme", 1);
    large.reason = "é".repeat(10_000);
    large.details = (0..1000).map(|n| (n.to_string(), "x".to_owned())).collect();
    let stored = timeline.append(vec![large]).expect("appends");
    assert!(stored[0].reason.len() <= super::REASON_BYTES_MAX + 4);
    assert_eq!(stored[0].details.len(), super::DETAILS_MAX);
}

#[test]
fn a_page_of_large_events_is_cut_and_can_be_continued() {
    let dir = tempfile::tempdir().expect("is created");
    let timeline = open(dir.path());
    let mut large = event("acme", 1);
    large.reason = "x".repeat(2000);
    large.details = (0..32).map(|n| (format!("{n:0250}"), "y".repeat(250))).collect();
    for _ in 0..5 {
        timeline.append(vec![large.clone(); 100]).expect("appends");
    }
    let (mut after, mut seen) = (0, 0);
    loop {
        let page = timeline.read(&ALL, Some(after), 1000);
        let Some(last) = page.last() else { break };
        after = last.id;
        seen += page.len();
        assert!(page.len() < 500, "one page is not everything");
    }
    assert_eq!(seen, 500);
}
