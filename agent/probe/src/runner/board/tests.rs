//! Tests of what is started when, and what becomes of results, without any I/O.

use std::{net::Ipv4Addr, time::Duration};

use model::{event::EventKind, tenant::TenantId};

use super::*;
use crate::{
    outcome::{Outcome, Phases},
    prober::{Address, Assignment, Limits, Order},
    spec::{Draft, HttpGet, Spec},
};

const FAILED: Verdict = Verdict::Failure(Class::Timeout);

struct Rig {
    board: Board,
    now: Timestamp,
}

fn target(name: &str) -> Target {
    let (tenant, instance) = name.split_once('/').expect("tenant/instance");
    Target {
        tenant: TenantId::new(tenant).expect("valid"),
        app: "app".to_owned(),
        component: String::new(),
        instance: instance.to_owned(),
        node: "n1".to_owned(),
    }
}

fn draft(purpose: Purpose) -> Draft {
    Draft::new(purpose, Check::Http(HttpGet::new(80, "/")))
}

impl Rig {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let board = Board::new(Config { limits, ..Config::default() });
        Self { board, now: Timestamp(1_700_000_000_000) }
    }

    fn try_assign(
        &mut self,
        name: &str,
        run: u64,
        draft: Draft,
    ) -> Result<(), crate::prober::ProberError> {
        let (answer, mut answered) = tokio::sync::oneshot::channel();
        let address = Address::Ip(Ipv4Addr::LOCALHOST.into());
        let spec = Spec::new(draft).expect("valid");
        let assignment = Assignment { target: target(name), address, spec, run, failing: false };
        self.board.obey(Order::Assign(Box::new(assignment), answer), self.now);
        answered.try_recv().expect("answered")
    }

    fn assign(&mut self, name: &str, run: u64, draft: Draft) {
        self.try_assign(name, run, draft).expect("assigned");
    }

    fn new_run(&mut self, name: &str, run: u64) {
        self.board.obey(Order::NewRun(target(name), run), self.now);
    }

    fn advance(&mut self, millis: u64) {
        let end = self.now.saturating_add(Duration::from_millis(millis));
        while let Some(at) = self.board.poll_timeout().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.board.collect_due(self.now);
        }
        self.now = end;
        self.board.collect_due(end);
    }

    /// Starts what waits.
    fn start(&mut self) -> Vec<Job> {
        std::iter::from_fn(|| self.board.start()).collect()
    }

    fn finish(&mut self, job: Job, verdict: Verdict) -> (Option<Measurement>, Option<Event>) {
        let outcome = Outcome {
            verdict,
            message: "no answer".to_owned(),
            duration: Duration::from_millis(3),
            phases: Phases::default(),
            status: None,
            body_bytes: 0,
            redirects: 0,
            address: None,
            fresh: true,
        };
        let Job { key, version, on_grid, wire, .. } = job;
        let began = Instant::now();
        let done = Done { key, version, on_grid, outcome, wire, began, time: self.now };
        self.board.finish(done, self.now, self.now)
    }

    /// Runs for a time, answering every probe at once; gives the kinds of transitions.
    fn live(&mut self, millis: u64, verdict: Verdict) -> Vec<(EventKind, u64)> {
        let end = self.now.saturating_add(Duration::from_millis(millis));
        let mut said = Vec::new();
        while self.now < end {
            self.advance(10);
            for job in self.start() {
                if let (_, Some(event)) = self.finish(job, verdict) {
                    said.push((event.kind, event.run()));
                }
            }
        }
        said
    }

    fn stats(&mut self) -> Stats {
        let (answer, mut answered) = tokio::sync::oneshot::channel();
        self.board.obey(Order::Stats(answer), self.now);
        answered.try_recv().expect("answered")
    }
}

#[test]
fn a_hang_is_noticed_within_a_period_and_its_rechecks() {
    let mut rig = Rig::new();
    rig.assign("acme/a", 1, draft(Purpose::Liveness));
    assert_eq!(rig.live(3000, Verdict::Success), []);
    let before = rig.now;
    let mut said = Vec::new();
    while said.is_empty() {
        said = rig.live(10, FAILED);
    }
    assert_eq!(said, [(EventKind::ProbeFailed, 1)]);
    let took = rig.now.since(before);
    assert!(took <= Duration::from_millis(1000 + 2 * 250 + 30), "{took:?}");
    assert_eq!(rig.live(5000, FAILED), []);
    assert_eq!(rig.live(2000, Verdict::Success), [(EventKind::ProbeRecovered, 1)]);
}

#[test]
fn one_probe_at_a_time_per_target() {
    let mut rig = Rig::new();
    rig.assign("acme/a", 1, draft(Purpose::Liveness));
    rig.assign("acme/a", 1, draft(Purpose::Readiness));
    rig.assign("acme/b", 1, draft(Purpose::Liveness));
    rig.advance(1000);
    let mut jobs = rig.start();
    assert_eq!(jobs.len(), 2, "one of each target");
    rig.advance(10);
    assert!(rig.start().is_empty());
    let first = jobs.remove(0);
    let instance = first.plan.id.target.instance.clone();
    rig.finish(first, Verdict::Success);
    let next = rig.start();
    let names: Vec<_> = next.iter().map(|job| job.plan.id.target.instance.clone()).collect();
    assert_eq!(names, if instance == "a" { vec!["a"] } else { vec![] });
}

#[test]
fn a_slow_target_skips_its_own_ticks_and_counts_them() {
    let mut rig = Rig::new();
    rig.assign("acme/a", 1, draft(Purpose::Liveness));
    rig.advance(1000);
    let job = rig.start().pop().expect("due");
    rig.board.started(job.key, fake_task());
    rig.advance(5000);
    assert!(rig.start().is_empty());
    let (measurement, _) = rig.finish(job, Verdict::Success);
    let skipped = measurement.expect("measured").counters.skipped;
    assert!((5..=6).contains(&skipped), "{skipped}");
    rig.advance(1000);
    assert_eq!(rig.start().len(), 1, "and goes on");
}

/// Some task's id.
fn fake_task() -> task::Id {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async { tokio::spawn(async {}).id() })
}

#[test]
fn a_result_about_an_older_run_is_never_told_of_the_new_one() {
    let mut rig = Rig::new();
    rig.assign("acme/a", 1, draft(Purpose::Liveness));
    rig.live(2000, Verdict::Success);
    let mut jobs = Vec::new();
    while jobs.is_empty() {
        rig.advance(10);
        jobs = rig.start();
    }
    rig.new_run("acme/a", 2);
    let (measurement, event) = rig.finish(jobs.remove(0), FAILED);
    assert!(measurement.is_none() && event.is_none());
    assert_eq!(rig.stats().stale, 1);
    assert_eq!(rig.live(1500, Verdict::Success), [(EventKind::ProbeRecovered, 2)]);
    rig.new_run("acme/a", 1);
    assert_eq!(rig.live(1500, FAILED), [(EventKind::ProbeFailed, 2)], "runs do not go back");
}

#[test]
fn failures_before_a_restart_do_not_count_after_it() {
    let mut rig = Rig::new();
    rig.assign("acme/a", 1, draft(Purpose::Liveness));
    rig.live(2000, Verdict::Success);
    let mut failures = 0;
    while failures < 2 {
        rig.advance(10);
        for job in rig.start() {
            assert!(rig.finish(job, FAILED).1.is_none());
            failures += 1;
        }
    }
    rig.new_run("acme/a", 2);
    let said = rig.live(900, FAILED);
    assert_eq!(said, [], "one failure of the period is not three");
}

#[test]
fn a_process_gets_its_time_to_start_and_is_seen_soon_when_up() {
    let mut rig = Rig::new();
    rig.assign("acme/a", 1, draft(Purpose::Liveness));
    rig.live(2000, Verdict::Success);
    rig.new_run("acme/a", 2);
    assert_eq!(rig.live(1900, FAILED), [], "refused while it starts");
    assert_eq!(rig.live(260, Verdict::Success), [(EventKind::ProbeRecovered, 2)]);
}

#[test]
fn the_initial_delay_is_kept_in_each_run() {
    let mut rig = Rig::new();
    let delayed = Draft { initial_delay: Duration::from_secs(5), ..draft(Purpose::Liveness) };
    rig.assign("acme/a", 1, delayed);
    rig.advance(4999);
    assert!(rig.start().is_empty());
    rig.advance(1);
    assert_eq!(rig.start().len(), 1);
    rig.new_run("acme/a", 2);
    rig.advance(4999);
    assert!(rig.start().is_empty());
}

#[test]
fn a_startup_probe_holds_the_others_until_it_succeeds_once() {
    let mut rig = Rig::new();
    rig.assign("acme/a", 1, draft(Purpose::Liveness));
    rig.assign("acme/a", 1, draft(Purpose::Startup));
    let probed = |rig: &mut Rig, verdict| {
        let mut names = Vec::new();
        for _ in 0..300 {
            rig.advance(10);
            for job in rig.start() {
                names.push(job.plan.id.probe.clone());
                rig.finish(job, verdict);
            }
        }
        names.dedup();
        names
    };
    assert_eq!(probed(&mut rig, FAILED), ["startup"]);
    assert_eq!(probed(&mut rig, Verdict::Success), ["startup", "liveness"]);
    assert_eq!(probed(&mut rig, FAILED), ["liveness"]);
    rig.new_run("acme/a", 2);
    assert_eq!(probed(&mut rig, FAILED), ["startup"], "in each run");
    let id = ProbeId { target: target("acme/a"), probe: "startup".to_owned() };
    rig.board.obey(Order::RemoveProbe(id), rig.now);
    assert_eq!(probed(&mut rig, FAILED), ["liveness"]);
}

#[test]
fn what_timed_out_during_a_stall_is_unknown() {
    let mut rig = Rig::new();
    rig.assign("acme/a", 1, draft(Purpose::Liveness));
    rig.live(2000, Verdict::Success);
    for _ in 0..10 {
        rig.advance(1000);
        for job in rig.start() {
            let began = Instant::now();
            rig.board.stalled(began + Duration::from_secs(1));
            let (measurement, event) = rig.finish(job, FAILED);
            assert!(event.is_none());
            assert_eq!(measurement.map(|m| m.outcome.verdict), Some(Verdict::Unknown));
        }
    }
    let stats = rig.stats();
    assert_eq!((stats.unknown, stats.failures), (10, 0));
}

#[test]
fn refusals_during_a_stall_still_count() {
    let mut rig = Rig::new();
    rig.assign("acme/a", 1, draft(Purpose::Liveness));
    rig.advance(1000);
    let job = rig.start().pop().expect("due");
    rig.board.stalled(Instant::now() + Duration::from_secs(1));
    rig.finish(job, Verdict::Failure(Class::Refused));
    assert_eq!(rig.stats().failures, 1);
}

#[test]
fn a_changed_spec_keeps_judgement_and_totals() {
    let mut rig = Rig::new();
    rig.assign("acme/a", 1, draft(Purpose::Liveness));
    assert_eq!(rig.live(5000, FAILED), [(EventKind::ProbeFailed, 1)]);
    let slower = Draft { period: Duration::from_secs(2), ..draft(Purpose::Liveness) };
    rig.assign("acme/a", 1, slower);
    assert_eq!(rig.live(3000, FAILED), []);
    assert_eq!(rig.live(3000, Verdict::Success), [(EventKind::ProbeRecovered, 1)]);
    assert_eq!(rig.stats().probes, 1);
    rig.assign("acme/a", 2, draft(Purpose::Liveness));
    assert_eq!(rig.live(1500, Verdict::Success), [(EventKind::ProbeRecovered, 2)]);
}

#[test]
fn what_is_removed_is_gone_even_while_it_runs() {
    let mut rig = Rig::new();
    rig.assign("acme/a", 1, draft(Purpose::Liveness));
    rig.assign("acme/a", 1, draft(Purpose::Readiness));
    rig.advance(1000);
    let job = rig.start().pop().expect("due");
    rig.board.started(job.key, fake_task());
    rig.board.obey(Order::Remove(target("acme/a")), rig.now);
    assert_eq!(rig.stats().probes, 0);
    let (measurement, event) = rig.finish(job, FAILED);
    assert!(measurement.is_none() && event.is_none());
    assert_eq!(rig.board.poll_timeout(), None);
    assert!(rig.start().is_empty());
    rig.assign("acme/a", 3, draft(Purpose::Liveness));
    assert_eq!(rig.live(4000, FAILED), [(EventKind::ProbeFailed, 3)]);
}

#[test]
fn a_probe_that_is_lost_frees_its_target() {
    let mut rig = Rig::new();
    rig.assign("acme/a", 1, draft(Purpose::Liveness));
    rig.advance(1000);
    let job = rig.start().pop().expect("due");
    let task = fake_task();
    rig.board.started(job.key, task);
    rig.board.lost(task);
    rig.advance(1000);
    assert_eq!(rig.start().len(), 1);
}

#[test]
fn tenants_take_turns() {
    let mut rig = Rig::new();
    for number in 0..100 {
        rig.assign(&format!("big/{number}"), 1, draft(Purpose::Liveness));
    }
    rig.assign("small/0", 1, draft(Purpose::Liveness));
    rig.advance(1000);
    let first: Vec<_> = (0..2).filter_map(|_| rig.board.start()).collect();
    assert!(first.iter().any(|job| job.plan.id.target.tenant.as_str() == "small"));
}

#[test]
fn there_are_no_more_probes_than_allowed() {
    let mut rig = Rig::with(Limits { probes: 1, ..Limits::default() });
    rig.assign("acme/a", 1, draft(Purpose::Liveness));
    let refused = rig.try_assign("acme/b", 1, draft(Purpose::Liveness));
    assert_eq!(refused, Err(crate::prober::ProberError::TooMany));
    rig.assign("acme/a", 2, draft(Purpose::Liveness));
}

#[test]
fn totals_are_counted_by_class() {
    let mut rig = Rig::new();
    rig.assign("acme/a", 1, draft(Purpose::Liveness));
    let mut last = None;
    for verdict in
        [Verdict::Success, FAILED, FAILED, Verdict::Unknown, Verdict::Failure(Class::Refused)]
    {
        let mut jobs = Vec::new();
        while jobs.is_empty() {
            rig.advance(10);
            jobs = rig.start();
        }
        last = rig.finish(jobs.remove(0), verdict).0;
    }
    let counters = last.expect("measured").counters;
    let of = |class| {
        let found = Class::ALL.iter().position(|other| *other == class).expect("listed");
        counters.failures[found]
    };
    assert_eq!((counters.successes, counters.unknown), (1, 1));
    assert_eq!((of(Class::Timeout), of(Class::Refused), of(Class::Reset)), (2, 1, 0));
}
