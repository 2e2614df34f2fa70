//! Panics stay within the work that they end.

use std::time::Duration;

use model::{matcher::Matcher, time::Timestamp};
use promql::{Expr, Sample, VectorElement};
use rules::{
    Answers, AppendError, Backend, Environment, NewSample, Newest, Roster, RosterOptions, RuleFile,
};

use super::{Retired, evaluate, retire};

/// Panics until it is repaired.
struct Faulty {
    repaired: bool,
}

impl Answers for Faulty {
    fn query(&self, _: &Expr, at: Timestamp) -> Result<Vec<VectorElement>, String> {
        assert!(self.repaired, "a fault of ours");
        let (labels, value) = (model::labels::Labels::default(), Sample::Float(1.0));
        Ok(vec![VectorElement { labels, time: at.0, value }])
    }

    fn newest(&self, _: &[Matcher], _: Timestamp, _: Duration) -> Result<Vec<Newest>, String> {
        Ok(Vec::new())
    }
}

impl Backend for Faulty {
    fn append(&mut self, _: &[NewSample]) -> Result<(), AppendError> {
        assert!(self.repaired, "a fault of ours");
        Ok(())
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn a_group_comes_back_after_a_panic() {
    let text = "groups: [{name: g, rules: [{record: r, expr: x}, {alert: A, expr: x}]}]";
    let mut roster = Roster::new(RosterOptions {
        interval: Duration::from_mins(1),
        concurrency: 1,
        concurrency_per_tenant: 1,
        rules_per_tenant_max: 10,
        rule_budget: rules::RULE_BUDGET,
        tenant_budget: rules::TENANT_BUDGET,
        environment: Environment::default(),
    });
    let groups = RuleFile::parse("r.yml", text).expect("is right").groups;
    let specs = groups.into_iter().map(|group| (None, group)).collect();
    roster.load(specs, Timestamp(0)).expect("is right");
    for (repaired, errors) in [(false, 2), (true, 0)] {
        let now = roster.next_due().expect("has a group");
        let due = roster.due(now).expect("is back");
        let options = rules::RestoreOptions::default();
        let evaluated = evaluate(due, &mut Faulty { repaired }, options, true);
        assert_eq!(evaluated.panicked, !repaired);
        roster.finish(evaluated.done, now);
        let report = roster.report();
        let failed = report.groups[0].rules.iter().filter(|rule| rule.last_error.is_some());
        assert_eq!(failed.count(), errors);
    }
    assert_eq!(roster.stats().failures, 2);
}

#[test]
fn ends_of_series_are_tried_again_after_a_panic() {
    let retired = Retired { tenant: None, samples: Vec::new(), tries: 2, written: false };
    let retired = retire(retired, &mut Faulty { repaired: false });
    assert_eq!((retired.tries, retired.written), (1, false));
    let retired = retire(retired, &mut Faulty { repaired: true });
    assert_eq!((retired.tries, retired.written), (0, true));
}
