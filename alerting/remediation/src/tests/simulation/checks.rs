//! What must hold at every step, counted anew from the timeline and the commands.

use std::collections::BTreeSet;

use super::*;
use crate::BreakerState;

impl World {
    pub(super) fn check(&mut self) {
        let entries = self.rig.log[self.seen..].to_vec();
        self.seen += entries.len();
        for event in &entries {
            self.check_entry(event);
        }
        let commands = self.rig.sent[self.sent..].to_vec();
        self.sent += commands.len();
        for command in commands {
            self.check_command(&command);
            // One in twenty is lost on the way.
            if !self.chance(5) {
                let delay = self.pick(1, 200);
                self.send(delay, Transit::Command(command));
            }
        }
    }

    fn check_entry(&mut self, event: &Event) {
        let who = &event.target;
        match event.kind {
            EventKind::RestartDecided => {
                let at = event.time.millis();
                assert!(!self.quarantined.contains(who), "a quarantine must hold: {event:?}");
                self.decided.entry(who.clone()).or_default().push(at);
                self.all.push((at, who.clone()));
                let within = |window: i64, same: &dyn Fn(&Target) -> bool| {
                    let lately = self.all.iter().rev().take_while(|(time, _)| *time > at - window);
                    lately.filter(|(_, target)| same(target)).count()
                };
                let own = self.decided[who].iter().filter(|time| **time > at - 10 * MINUTE);
                assert!(own.count() <= 3, "{event:?}");
                let app = |other: &Target| other.tenant == who.tenant && other.app == who.app;
                assert!(within(10 * MINUTE, &app) <= 10, "{event:?}");
                assert!(within(MINUTE, &|other| other.node == who.node) <= 10, "{event:?}");
                assert!(within(MINUTE, &|_| true) <= 60, "{event:?}");
            }
            EventKind::RestartRefused if event.details["guardrail"] == "withdrawn" => {
                self.decided.entry(who.clone()).or_default().pop();
                let last = self.all.iter().rposition(|(_, target)| target == who);
                self.all.remove(last.expect("was decided"));
            }
            EventKind::Quarantined => {
                assert!(self.quarantined.insert(who.clone()), "quarantined twice: {event:?}");
            }
            EventKind::Resumed => {
                self.quarantined.remove(who);
                self.decided.remove(who);
            }
            _ => {}
        }
    }

    fn check_command(&mut self, command: &Command) {
        let now = self.now();
        let recorded = self.rig.log.iter().rev().any(|event| {
            event.kind == EventKind::RestartDecided
                && event.target == command.target
                && event.incident == command.incident
                && event.run() == command.run
        });
        assert!(recorded, "an act without an intent: {command:?}");
        assert!(!self.quarantined.contains(&command.target), "{command:?}");
        assert!(!matches!(self.rig.core.breaker(), BreakerState::Open { .. }), "{command:?}");
        let app = (command.target.tenant.clone(), command.target.app.clone());
        if let Some((_, _, expires)) = self.outstanding.get(&app) {
            assert!(*expires < now, "two in flight for one app: {command:?}");
        }
        let expires = command.expires.millis();
        self.outstanding.insert(app, (command.target.clone(), command.run, expires));
        self.check_shared_cause(command);
    }

    /// Counts anew what fails, and asserts that it is not too much to act.
    fn check_shared_cause(&self, command: &Command) {
        let now = self.now();
        let recent: Vec<_> = self
            .rig
            .core
            .incidents()
            .filter(|incident| incident.opened.millis() > now - MINUTE)
            .filter(|incident| !self.quarantined.contains(incident.target))
            .map(|incident| incident.target)
            .collect();
        let apps = |targets: &mut dyn Iterator<Item = &Target>| {
            targets.map(|t| (t.tenant.clone(), t.app.clone())).collect::<BTreeSet<_>>().len()
        };
        let failing = apps(&mut recent.iter().copied());
        let known = apps(&mut self.machines.keys());
        let shared = failing >= 3 && known >= 5 && failing * 5 > known;
        assert!(!shared, "{failing} of {known} apps fail at once: {command:?}");
        let node = &command.target.node;
        let tenants = |targets: &mut dyn Iterator<Item = &Target>| {
            targets
                .filter(|t| t.node == *node)
                .map(|t| t.tenant.clone())
                .collect::<BTreeSet<_>>()
                .len()
        };
        let failing = tenants(&mut recent.iter().copied());
        let known = tenants(&mut self.machines.keys());
        assert!(failing < 3 || failing * 100 < known * 30, "node {node}: {command:?}");
    }
}
