//! Groups over days, with a clock that the test sets.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use model::{ruler::AlertState, tenant::TenantId, time::Timestamp};
use promql::{Context, Engine, Sample, script::MemoryStore};

use super::{Done, Due, LoadError, Roster, RosterOptions};
use crate::{Environment, GroupSpec, RuleFile};

const SECOND: i64 = 1000;

fn options() -> RosterOptions {
    RosterOptions {
        interval: Duration::from_secs(60),
        concurrency: 4,
        concurrency_per_tenant: 2,
        rules_per_tenant_max: 100,
        rule_budget: crate::RULE_BUDGET,
        tenant_budget: crate::TENANT_BUDGET,
        environment: Environment::default(),
    }
}

fn specs(files: &[(&str, &str)]) -> Vec<(Option<TenantId>, GroupSpec)> {
    let parse = |(tenant, text): &(&str, &str)| {
        let tenant = (!tenant.is_empty()).then(|| TenantId::new(tenant).expect("is a name"));
        let groups = RuleFile::parse("r.yml", text).expect("is right").groups;
        groups.into_iter().map(move |group| (tenant.clone(), group))
    };
    files.iter().flat_map(parse).collect()
}

fn roster(files: &[(&str, &str)]) -> Roster {
    let mut roster = Roster::new(options());
    roster.load(specs(files), Timestamp(0)).expect("is right");
    roster
}

fn done(due: Due, took: Duration) -> Done {
    Done::new(due.key, due.group, due.at, took, 0)
}

/// The world: a store, and the evaluations at their times.
struct World {
    roster: Roster,
    engine: Engine,
    store: MemoryStore,
    times: RefCell<BTreeMap<String, Vec<i64>>>,
}

impl World {
    fn new(roster: Roster) -> Self {
        let (engine, store) = (Engine::default(), MemoryStore::default());
        Self { roster, engine, store, times: RefCell::default() }
    }

    fn put(&mut self, at: i64, name: &str, value: f64) {
        let labels = model::labels::Labels::new([("__name__", name)]).expect("are labels");
        self.store.push(&labels, at, &Sample::Float(value), 0).expect("is new");
    }

    /// Evaluates everything that is due until `end`, each evaluation in no time.
    fn run_until(&mut self, end: i64) {
        while let Some(next) = self.roster.next_due().filter(|next| next.0 <= end) {
            let mut due = self.roster.due(next).expect("is due");
            due.group.evaluate(due.at, &self.engine, Context::unlimited(), &mut self.store);
            self.times.borrow_mut().entry(due.key.name.clone()).or_default().push(due.at.0);
            self.roster.finish(done(due, Duration::ZERO), next);
        }
    }
}

#[test]
fn over_days_no_slot_is_left_out_and_none_is_taken_twice() {
    let text = "groups: [{name: a, interval: 7s, rules: [{record: r, expr: '1'}]}, \
                {name: b, rules: [{record: s, expr: '2'}]}]";
    let mut world = World::new(roster(&[("", text)]));
    let days = 2 * 86_400 * SECOND;
    world.run_until(days);
    let times = world.times.borrow();
    for (name, interval) in [("a", 7 * SECOND), ("b", 60 * SECOND)] {
        let at = &times[name];
        assert!(at.windows(2).all(|pair| pair[1] - pair[0] == interval), "{name}");
        assert!(at[0] > 0 && at[0] <= interval, "{name} begins at {}", at[0]);
        assert_eq!(at.len() as i64, (days - at[0]) / interval + 1, "{name}");
    }
    let stats = world.roster.stats();
    assert_eq!((stats.missed, stats.iterations as usize), (0, times["a"].len() + times["b"].len()));
}

#[test]
fn slots_that_go_by_while_a_group_is_out_are_missed_and_counted() {
    let mut roster =
        roster(&[("", "groups: [{name: a, interval: 10s, rules: [{record: r, expr: x}]}]")]);
    let first = roster.next_due().expect("has a group");
    let due = roster.due(first).expect("is due");
    assert_eq!(due.at, first);
    assert!(
        roster.due(Timestamp(first.0 + 35 * SECOND)).is_none(),
        "it is not evaluated twice at once"
    );
    roster.finish(done(due, Duration::from_secs(35)), Timestamp(first.0 + 35 * SECOND));
    let due = roster.due(Timestamp(first.0 + 35 * SECOND)).expect("is due");
    assert_eq!(due.at, Timestamp(first.0 + 30 * SECOND));
    assert_eq!(roster.stats().missed, 2);
}

#[test]
fn one_tenant_leaves_room_for_the_others() {
    let group =
        |name: &str| format!("{{name: {name}, interval: 1s, rules: [{{record: r, expr: x}}]}}");
    let text = format!("groups: [{}, {}, {}]", group("a"), group("b"), group("c"));
    let mut roster = roster(&[("acme", &text), ("globex", &text), ("initech", &text)]);
    let now = Timestamp(5 * SECOND);
    let out: Vec<Due> = std::iter::from_fn(|| roster.due(now)).collect();
    assert_eq!(out.len(), 3, "all the room but what is kept for a tenant that has none");
    let of = |tenant: &str| {
        let own = |due: &&Due| due.key.tenant.as_ref().is_some_and(|t| t.as_str() == tenant);
        out.iter().filter(own).count()
    };
    assert!([of("acme"), of("globex"), of("initech")].iter().all(|count| *count <= 2));
    assert_eq!(roster.next_due(), None, "until one is back");
    let mut out = out;
    roster.finish(done(out.pop().expect("is out"), Duration::ZERO), now);
    assert!(roster.due(now).is_some());
}

#[test]
fn a_clock_that_is_set_back_stops_nothing() {
    let mut roster =
        roster(&[("", "groups: [{name: a, interval: 10s, rules: [{record: r, expr: x}]}]")]);
    let late = Timestamp(86_400 * SECOND);
    let due = roster.due(late).expect("is due");
    roster.finish(done(due, Duration::ZERO), late);
    let early = Timestamp(3_600 * SECOND);
    assert!(roster.due(early).is_none());
    assert!(roster.next_due().expect("has a group") <= Timestamp(early.0 + 10 * SECOND));
}

#[test]
fn what_is_loaded_anew_keeps_its_state_also_while_it_is_out() {
    let old =
        "groups: [{name: g, rules: [{alert: A, expr: x > 0, for: 1h}, {record: r, expr: x}]}]";
    let new = "groups: [{name: g, rules: [{alert: A, expr: x > 0, for: 1h}]}]";
    for out in [false, true] {
        let mut roster = Roster::new(options());
        roster.load(Vec::new(), Timestamp(0)).expect("is right");
        roster.load(specs(&[("", old)]), Timestamp(0)).expect("is right");
        let mut world = World::new(roster);
        world.put(0, "x", 1.0);
        world.run_until(60 * SECOND);
        let since = world.times.borrow()["g"][0];
        if out {
            let next = world.roster.next_due().expect("has a group");
            let due = world.roster.due(next).expect("is due");
            world.roster.load(specs(&[("", new)]), next).expect("is right");
            world.roster.finish(done(due, Duration::ZERO), next);
        } else {
            world.roster.load(specs(&[("", new)]), Timestamp(60 * SECOND)).expect("is right");
        }
        world.run_until(200 * SECOND);
        let report = world.roster.report();
        let rule = &report.groups[0].rules[0];
        let alerting = rule.alerting.as_ref().expect("is an alert");
        assert_eq!(report.groups[0].rules.len(), 1);
        assert_eq!(alerting.state, AlertState::Pending, "out: {out}");
        assert_eq!(alerting.alerts[0].active_at, Timestamp(since), "out: {out}");
        let expr = promql::parse("r", &promql::ParseOptions::default()).expect("is a query");
        let (engine, at) = (&world.engine, Timestamp(200 * SECOND));
        let answer = engine.instant(&expr, at, &world.store, &Context::unlimited());
        assert_eq!(answer.expect("answers").value, promql::Value::Vector(Vec::new()), "out: {out}");
    }
}

#[test]
fn groups_that_are_gone_end_their_series() {
    let text = "groups: [{name: g, rules: [{record: r, expr: '1'}]}]";
    for out in [false, true] {
        let mut world = World::new(roster(&[("acme", text)]));
        world.run_until(60 * SECOND);
        let now = world.roster.next_due().expect("has a group");
        let due = out.then(|| world.roster.due(now).expect("is due"));
        world.roster.load(Vec::new(), now).expect("is right");
        if let Some(due) = due {
            assert_eq!(world.roster.take_retired(), [], "not before it is back");
            world.roster.finish(done(due, Duration::ZERO), now);
        }
        let retired = world.roster.take_retired();
        let [(Some(tenant), samples)] = retired.as_slice() else { panic!("{retired:?}") };
        assert_eq!(tenant.as_str(), "acme");
        assert!(samples.len() == 1 && samples.iter().all(crate::NewSample::is_stale));
        assert_eq!(world.roster.next_due(), None);
        assert_eq!(world.roster.stats().groups, 0);
    }
}

#[test]
fn what_must_not_be_loaded_changes_nothing() {
    let text = "groups: [{name: g, rules: [{record: r, expr: '1'}]}]";
    let mut roster = roster(&[("acme", text)]);
    let twice = roster.load(specs(&[("acme", text), ("acme", text)]), Timestamp(0));
    assert!(matches!(twice, Err(LoadError::Repeated { .. })), "{twice:?}");
    let many: String = (0..101).map(|n| format!("{{record: r{n}, expr: '1'}}, ")).collect();
    let many = format!("groups: [{{name: h, rules: [{many}]}}]");
    let error = roster.load(specs(&[("acme", &many)]), Timestamp(0)).expect_err("are too many");
    assert_eq!(error.to_string(), "tenant acme has 101 rules, allowed are 100");
    let names: Vec<String> =
        roster.report().groups.iter().map(|group| group.name.clone()).collect();
    assert_eq!(names, ["g"]);
}

#[test]
fn alerts_are_not_looked_for_for_ever() {
    let text = "groups: [{name: g, rules: [{alert: A, expr: '1'}]}]";
    let mut roster = roster(&[("", text)]);
    let mut tries = 0;
    for _ in 0..10 {
        let now = roster.next_due().expect("has a group");
        let due = roster.due(now).expect("is due");
        tries += u32::from(due.restore);
        roster.finish(done(due, Duration::ZERO), now);
    }
    assert_eq!(tries, super::RESTORE_TRIES);
}

#[test]
fn slow_groups_and_second_ones_leave_slots_to_others() {
    let group =
        |name: &str| format!("{{name: {name}, interval: 1s, rules: [{{record: r, expr: x}}]}}");
    let two = format!("groups: [{}, {}]", group("a"), group("b"));
    let one = format!("groups: [{}]", group("z"));
    let slow = ["slow1", "slow2", "slow3", "slow4", "slow5", "slow6"];
    let mut files: Vec<(&str, &str)> = slow.iter().map(|tenant| (*tenant, two.as_str())).collect();
    files.extend([("quick1", one.as_str()), ("quick2", one.as_str())]);
    let mut roster = Roster::new(RosterOptions { concurrency: 6, ..options() });
    roster.load(specs(&files), Timestamp(0)).expect("is right");
    let is_slow = |due: &Due| due.key.tenant.as_ref().is_some_and(|t| t.as_str().contains("slow"));
    let mut now = Timestamp(5 * SECOND);
    // Until each group has been evaluated it is not known to be slow.
    for _ in 0..4 {
        let out: Vec<Due> = std::iter::from_fn(|| roster.due(now)).collect();
        for due in out {
            let took = Duration::from_secs(if is_slow(&due) { 100 } else { 1 });
            roster.finish(done(due, took), now);
        }
    }
    now = Timestamp(500 * SECOND);
    let out: Vec<Due> = std::iter::from_fn(|| roster.due(now)).collect();
    let counts = (out.iter().filter(|due| is_slow(due)).count(), out.len());
    assert_eq!(counts, (4, 6), "the last third is for groups that are not slow");
}

#[test]
fn alerts_of_one_tenant_have_a_budget_together() {
    let rule = |name: &str, labels: &str| {
        format!("{{alert: {name}, expr: 'x > 0', labels: {{{labels}}}}}")
    };
    let (a, b) =
        (rule("A", "t: '{{ printf `%0500d` 1 }}'"), rule("B", "t: '{{ printf `%0500d` 1 }}'"));
    let text = format!("groups: [{{name: g, rules: [{a}]}}, {{name: h, rules: [{b}]}}]");
    let tenant_budget = crate::Budget { alerts: 10, bytes: 3000 };
    let mut roster = Roster::new(RosterOptions { tenant_budget, ..options() });
    roster.load(specs(&[("acme", &text), ("globex", &text)]), Timestamp(0)).expect("is right");
    let mut world = World::new(roster);
    world.put(0, "x", 1.0);
    world.run_until(60 * SECOND);
    let report = world.roster.report();
    for tenant in ["acme", "globex"] {
        let own = report
            .groups
            .iter()
            .filter(|group| group.tenant.as_ref().is_some_and(|name| name.as_str() == tenant));
        let errors: Vec<&str> =
            own.filter_map(|group| group.rules.first()?.last_error.as_deref()).collect();
        let [error] = errors.as_slice() else { panic!("{tenant}: {errors:?}") };
        assert!(error.contains("all rules of the tenant are more than 3000 bytes"), "{error}");
    }
}

#[test]
fn alerts_that_ended_lately_count_against_the_budget() {
    let text = "groups: [{name: g, interval: 1m, rules: [{alert: A, expr: 'x > 0', \
                labels: {v: '{{ $value }}'}}]}]";
    let rule_budget = crate::Budget { alerts: 5, bytes: 1 << 20 };
    let mut roster = Roster::new(RosterOptions { rule_budget, ..options() });
    roster.load(specs(&[("acme", text)]), Timestamp(0)).expect("is right");
    let mut world = World::new(roster);
    let mut failed = Vec::new();
    for minute in 1..=6 {
        world.put(minute * 60 * SECOND - 30 * SECOND, "x", minute as f64);
        let next = world.roster.next_due().expect("has a group");
        world.put(next.0, "x", minute as f64 + 0.5);
        world.run_until(next.0);
        let report = world.roster.report();
        failed.push(report.groups[0].rules[0].last_error.is_some());
    }
    assert_eq!(failed, [false, false, false, false, false, true]);
}

#[test]
fn rules_of_other_groups_keep_their_series_after_a_restart() {
    let general = "{alert: H, expr: y > 0, keep_firing_for: 1h}";
    let special = "{alert: H, expr: y > 0, keep_firing_for: 1h, labels: {severity: page}}";
    let text = format!(
        "groups: [{{name: general, rules: [{general}]}}, {{name: special, rules: [{special}]}}]"
    );
    let mut world = World::new(roster(&[("acme", &text)]));
    let labels = [("__name__", "ALERTS"), ("alertname", "H"), ("alertstate", "firing")];
    let labels = model::labels::Labels::new(labels).expect("are labels").with("severity", "page");
    world.store.push(&labels, 0, &Sample::Float(1.0), 0).expect("is new");
    let mut alerts = BTreeMap::new();
    for _ in 0..2 {
        let next = world.roster.next_due().expect("has groups");
        let mut due = world.roster.due(next).expect("is due");
        let context = Context::unlimited();
        due.group.evaluate(due.at, &world.engine, context, &mut world.store);
        let source = crate::Source { engine: &world.engine, store: &world.store, context };
        due.group.restore(due.at, &source, crate::RestoreOptions::default()).expect("reads");
        let count = due.group.rules()[0].alerts().count();
        alerts.insert(due.key.name.clone(), count);
        world.roster.finish(done(due, Duration::ZERO), next);
    }
    assert_eq!(alerts, [("general".to_owned(), 0), ("special".to_owned(), 1)].into());
}
