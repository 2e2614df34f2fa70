//! A rig that plays the shell, and what it is used for: one test per guardrail, with its reason;
//! the handshake; replays; and a simulation of a fleet.

use std::{collections::BTreeMap, time::Duration};

use model::{
    event::{Command, Event, EventKind, RUN, Target},
    tenant::TenantId,
    time::Timestamp,
};

use crate::{
    Action, Guardrail, Remediation,
    policy::{FleetPolicy, Override, Policy, RestartPolicy},
};

mod fleet_guards;
mod guards;
mod handshake;
mod lifecycle;
mod nonsense;
mod quarantine;
mod replaying;
mod simulation;

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("a valid name")
}

/// `acme/shop/shop-0@n1`
pub(crate) fn target(text: &str) -> Target {
    let (path, node) = text.split_once('@').expect("a node");
    let mut parts = path.split('/');
    let mut next = || parts.next().expect("tenant/app/instance").to_owned();
    Target {
        tenant: tenant(&next()),
        app: next(),
        component: String::new(),
        instance: next(),
        node: node.to_owned(),
    }
}

pub(crate) fn event(kind: EventKind, who: &Target, run: u64, time: Timestamp) -> Event {
    Event {
        id: 0,
        time,
        kind,
        target: who.clone(),
        reason: match kind {
            EventKind::ProbeFailed => "GET /healthz: no answer within 500ms".to_owned(),
            EventKind::Exited => "killed by signal 9".to_owned(),
            EventKind::RestartFailed => "no such container".to_owned(),
            _ => String::new(),
        },
        incident: String::new(),
        details: BTreeMap::from([(RUN.to_owned(), run.to_string())]),
    }
}

pub(crate) fn policy(restart: RestartPolicy, fleet: FleetPolicy) -> Policy {
    Policy::new(restart, Vec::new(), fleet, tenant("platform")).expect("a valid policy")
}

/// Plays the shell: records at once, and collects what comes out.
pub(crate) struct Rig {
    pub(crate) core: Remediation,
    pub(crate) now: Timestamp,
    /// Everything on the timeline, facts too.
    pub(crate) log: Vec<Event>,
    pub(crate) sent: Vec<Command>,
    /// Tickets that wait, when recording is slow.
    pub(crate) unrecorded: Vec<(u64, Event)>,
    pub(crate) slow: bool,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(Policy::with_defaults(tenant("platform")))
    }

    pub(crate) fn with(policy: Policy) -> Self {
        Self {
            core: Remediation::new(policy, 7),
            now: Timestamp(1_700_000_000_000),
            log: Vec::new(),
            sent: Vec::new(),
            unrecorded: Vec::new(),
            slow: false,
        }
    }

    pub(crate) fn say(&mut self, kind: EventKind, who: &str, run: u64) {
        self.tell(event(kind, &target(who), run, self.now));
    }

    pub(crate) fn say_probe(&mut self, kind: EventKind, who: &str, run: u64, probe: &str) {
        let mut event = event(kind, &target(who), run, self.now);
        event.details.insert("probe".to_owned(), probe.to_owned());
        self.tell(event);
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.core.handle_event(&event, self.now);
        self.log.push(event);
        self.drain();
    }

    /// Starts run 1 of each.
    pub(crate) fn start(&mut self, names: &[&str]) {
        for name in names {
            self.say(EventKind::Started, name, 1);
        }
    }

    /// What the node answers when it has done the last command.
    pub(crate) fn restarted(&mut self) {
        let command = self.sent.last().expect("a command").clone();
        self.tell(event(EventKind::Restarted, &command.target, command.run + 1, self.now));
    }

    pub(crate) fn drain(&mut self) {
        while let Some(action) = self.core.poll_action() {
            match action {
                Action::Record { ticket, event } if self.slow => {
                    self.unrecorded.push((ticket, event));
                }
                Action::Record { ticket, event } => {
                    self.log.push(event);
                    self.core.handle_recorded(ticket, self.now);
                }
                Action::Send(command) => self.sent.push(command),
            }
        }
    }

    pub(crate) fn advance(&mut self, duration: Duration) {
        let end = self.now.saturating_add(duration);
        while let Some(at) = self.core.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let before = (self.core.poll_timeout(), self.log.len());
            self.core.handle_timeout(self.now);
            self.drain();
            assert_ne!(
                (self.core.poll_timeout(), self.log.len()),
                before,
                "a timeout must not repeat at {at}"
            );
        }
        self.now = end;
    }

    pub(crate) fn secs(&mut self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn of_kind(&self, kind: EventKind) -> Vec<&Event> {
        self.log.iter().filter(|event| event.kind == kind).collect()
    }

    pub(crate) fn last(&self, kind: EventKind) -> &Event {
        self.of_kind(kind).last().copied().unwrap_or_else(|| panic!("no {kind:?} in the log"))
    }

    /// Asserts that the last refusal is by this guardrail and that its reason contains a text.
    #[track_caller]
    pub(crate) fn assert_refused(&self, guardrail: Guardrail, text: &str) {
        let event = self.last(EventKind::RestartRefused);
        assert_eq!(
            event.details.get("guardrail").map(String::as_str),
            Some(guardrail.as_str()),
            "{}",
            event.reason
        );
        assert!(event.reason.contains(text), "{:?} lacks {text:?}", event.reason);
    }

    /// A whole failed attempt, from a probe's verdict to the next one.
    pub(crate) fn fail_and_restart(&mut self, who: &str, run: u64) {
        self.say(EventKind::ProbeFailed, who, run);
        let before = self.sent.len();
        while self.sent.len() == before {
            let at = self.core.poll_timeout().expect("something is due");
            self.advance(at.since(self.now));
        }
        self.restarted();
    }
}

pub(crate) fn override_for(selector: crate::selector::Selector, policy: RestartPolicy) -> Override {
    Override { selector, policy }
}
