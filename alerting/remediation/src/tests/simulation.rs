//! A fleet on a simulated clock: instances fail at random, alone and together; nodes are slow,
//! lose commands and repeat events; the core itself crashes and reads its timeline; a person
//! resumes quarantines now and then. What must hold in every run is checked at every step, by
//! counting anew from what was recorded and sent.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{Stage, backoff::Random};

mod checks;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// What a process does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    Well,
    Hung,
    Dead,
}

#[derive(Debug)]
struct Machine {
    target: Target,
    run: u64,
    process: Process,
    /// A restart helps so often, in percent.
    curable: u64,
    /// The prober has said that it fails.
    failing: bool,
    /// Highest run that a restart was carried out for.
    restarted: u64,
}

/// Things on their way, by when they arrive.
#[derive(Debug)]
enum Transit {
    Event(Event),
    Command(Command),
    Restart(Command),
    /// The prober asks a new run for the first time.
    FirstProbe(Target, u64),
}

struct World {
    rig: Rig,
    random: Random,
    machines: BTreeMap<Target, Machine>,
    transit: BTreeMap<(i64, u64), Transit>,
    sequence: u64,
    policy: Policy,
    seen: usize,
    sent: usize,
    /// Times of restarts decided and not withdrawn, per instance since its last resume.
    decided: BTreeMap<Target, Vec<i64>>,
    /// All of them, for the budgets of apps, nodes and the region.
    all: Vec<(i64, Target)>,
    quarantined: BTreeSet<Target>,
    /// Commands without an answer so far, by app.
    outstanding: BTreeMap<(TenantId, String), (Target, u64, i64)>,
    crashes: u32,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut pick = |low: u64, high: u64| low + random.next() % (high - low + 1);
        let (apps, nodes, tenants) = (pick(1, 14), pick(1, 6), pick(1, 6));
        let mut machines = BTreeMap::new();
        for app in 0..apps {
            for replica in 0..pick(1, 4) {
                let node = pick(0, nodes - 1);
                let name = format!("t{}/a{app}/a{app}-{replica}@n{node}", app % tenants);
                let curable = [100, 100, 100, 50, 0][usize::try_from(pick(0, 4)).expect("small")];
                let target = target(&name);
                machines.insert(
                    target.clone(),
                    Machine {
                        target,
                        run: 1,
                        process: Process::Well,
                        curable,
                        failing: false,
                        restarted: 0,
                    },
                );
            }
        }
        let policy = Policy::with_defaults(tenant("platform"));
        Self {
            rig: Rig::with(policy.clone()),
            random,
            machines,
            transit: BTreeMap::new(),
            sequence: 0,
            policy,
            seen: 0,
            sent: 0,
            decided: BTreeMap::new(),
            all: Vec::new(),
            quarantined: BTreeSet::new(),
            outstanding: BTreeMap::new(),
            crashes: 0,
        }
    }

    fn pick(&mut self, low: i64, high: i64) -> i64 {
        let room = u64::try_from(high - low + 1).expect("a range");
        low + i64::try_from(self.random.next() % room).expect("small")
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random.next() % 100 < percent
    }

    fn now(&self) -> i64 {
        self.rig.now.millis()
    }

    fn send(&mut self, delay: i64, transit: Transit) {
        self.sequence += 1;
        self.transit.insert((self.now() + delay, self.sequence), transit);
    }

    fn emit(&mut self, kind: EventKind, who: &Target, run: u64, delay: i64) {
        let event = event(kind, who, run, Timestamp(self.now() + delay));
        let once = matches!(kind, EventKind::ProbeFailed | EventKind::ProbeRecovered);
        if !once && self.chance(3) {
            // Delivered again later, as a node does that lost the answer.
            self.send(delay + 500, Transit::Event(event.clone()));
        }
        self.send(delay, Transit::Event(event));
    }

    fn fail(&mut self, who: &Target, process: Process) {
        let Some(machine) = self.machines.get_mut(who) else {
            return;
        };
        if machine.process != Process::Well {
            return;
        }
        machine.process = process;
        let (run, target) = (machine.run, machine.target.clone());
        self.notice(&target, run);
    }

    /// The prober or the supervisor sees what is wrong.
    fn notice(&mut self, who: &Target, run: u64) {
        let delay = self.pick(0, 1500);
        let machine = self.machines.get_mut(who).expect("known");
        machine.failing = true;
        match machine.process {
            Process::Well => {}
            Process::Hung => self.emit(EventKind::ProbeFailed, who, run, delay),
            Process::Dead => self.emit(EventKind::Exited, who, run, delay / 10),
        }
    }

    fn arrive(&mut self, transit: Transit) {
        match transit {
            Transit::Event(event) => {
                let app = (event.target.tenant.clone(), event.target.app.clone());
                let answers = |(target, run, _): &(Target, u64, i64)| {
                    let failed = event.kind == EventKind::RestartFailed;
                    *target == event.target && (failed || event.run() > *run)
                };
                if self.outstanding.get(&app).is_some_and(answers) {
                    self.outstanding.remove(&app);
                }
                self.rig.tell(event);
            }
            Transit::Command(command) => {
                let machine = &self.machines[&command.target];
                if command.run != machine.run || self.now() > command.expires.millis() {
                    let (target, run) = (command.target.clone(), command.run);
                    self.emit(EventKind::RestartFailed, &target, run, 10);
                } else if self.chance(5) {
                    let (target, run) = (command.target.clone(), command.run);
                    self.emit(EventKind::RestartFailed, &target, run, 100);
                } else {
                    let delay = self.pick(50, 3000);
                    self.send(delay, Transit::Restart(command));
                }
            }
            Transit::Restart(command) => self.restart(&command),
            Transit::FirstProbe(target, run) => {
                let machine = &self.machines[&target];
                if machine.run == run && machine.process == Process::Well {
                    self.emit(EventKind::ProbeRecovered, &target, run, 0);
                }
            }
        }
    }

    /// The node carries a command out.
    fn restart(&mut self, command: &Command) {
        let roll = self.random.next() % 100;
        let machine = self.machines.get_mut(&command.target).expect("known");
        if command.run != machine.run {
            return;
        }
        assert!(machine.restarted < command.run, "a run is ended twice: {command:?}");
        machine.restarted = command.run;
        machine.run += 1;
        let cured = roll < machine.curable;
        if cured {
            machine.process = Process::Well;
        }
        let (run, target) = (machine.run, machine.target.clone());
        self.emit(EventKind::Restarted, &target, run, 5);
        if cured {
            self.machines.get_mut(&target).expect("known").failing = false;
            let delay = self.pick(300, 5000);
            self.send(delay, Transit::FirstProbe(target, run));
        } else {
            self.notice(&target, run);
        }
    }

    /// Runs until a moment, checking after each step.
    fn run_until(&mut self, end: i64) {
        loop {
            let arrival = self.transit.first_key_value().map(|((at, _), _)| *at);
            let timeout = self.rig.core.poll_timeout().map(Timestamp::millis);
            let next = arrival.into_iter().chain(timeout).min().filter(|at| *at <= end);
            let Some(next) = next else {
                break;
            };
            self.rig.now = self.rig.now.max(Timestamp(next));
            if timeout.is_some_and(|at| at <= next) {
                self.rig.core.handle_timeout(self.rig.now);
                self.rig.drain();
            } else if let Some((_, transit)) = self.transit.pop_first() {
                self.arrive(transit);
            }
            self.check();
        }
        self.rig.now = Timestamp(end.max(self.now()));
    }

    /// The core is lost with what it had not handed out, and starts again from the timeline.
    fn crash(&mut self) {
        self.crashes += 1;
        self.rig.core = Remediation::new(self.policy.clone(), self.random.next());
        self.rig.core.replay(&self.rig.log, self.rig.now);
        self.rig.drain();
        self.check();
    }

    /// Something goes wrong.
    fn fault(&mut self) {
        let all: Vec<Target> = self.machines.keys().cloned().collect();
        let index = self.random.next() % all.len() as u64;
        let one = all[usize::try_from(index).expect("small")].clone();
        let process = if self.chance(50) { Process::Hung } else { Process::Dead };
        let kind = self.random.next() % 10;
        let hit = |other: &&Target| match kind {
            0 => true,
            1 => other.node == one.node,
            2 | 3 => other.tenant == one.tenant && other.app == one.app,
            _ => **other == one,
        };
        for who in all.iter().filter(hit) {
            self.fail(who, process);
        }
    }

    fn resume_all(&mut self) {
        for who in self.quarantined.clone() {
            let event = event(EventKind::Resumed, &who, 0, self.rig.now);
            self.rig.tell(event);
            self.check();
        }
    }
}

fn simulate(seed: u64) -> World {
    let mut world = World::new(seed);
    for who in world.machines.keys().cloned().collect::<Vec<_>>() {
        let event = event(EventKind::Started, &who, 1, world.rig.now);
        world.rig.tell(event);
    }
    let begin = world.now();
    let trouble = begin + 40 * MINUTE;
    while world.now() < trouble {
        if world.chance(40) {
            world.fault();
        }
        if world.chance(10) {
            world.resume_all();
        }
        if world.chance(15) {
            world.crash();
        }
        let step = world.pick(SECOND, 4 * MINUTE);
        world.run_until(world.now() + step);
    }
    // No more faults: a person resumes what is in quarantine, and everything curable gets well.
    // Now and then only: resuming what cannot be cured keeps the breaker busy.
    for _ in 0..16 {
        world.run_until(world.now() + 360 * MINUTE);
        world.resume_all();
    }
    world.run_until(world.now() + 360 * MINUTE);
    world
}

fn check_end(seed: u64) -> World {
    let world = simulate(seed);
    for machine in world.machines.values() {
        assert!(
            machine.curable == 0 || machine.process == Process::Well,
            "seed {seed}: {machine:?} was never cured"
        );
    }
    for incident in world.rig.core.incidents() {
        let incurable = world.machines[incident.target].curable == 0;
        assert!(incurable, "seed {seed}: {incident:?} is still open");
        assert_ne!(incident.stage, Stage::Deciding);
    }
    world
}

#[test]
fn invariants_hold_over_many_seeds() {
    let (mut sent, mut quarantined, mut crashes, mut breakers) = (0, 0, 0, 0);
    for seed in 0..150 {
        let world = std::panic::catch_unwind(|| check_end(seed));
        let world = world.unwrap_or_else(|_| panic!("seed {seed} failed"));
        sent += world.rig.sent.len();
        crashes += world.crashes;
        quarantined += world.rig.of_kind(EventKind::Quarantined).len();
        let by_operator = |event: &&&Event| event.target.tenant.as_str() == "platform";
        breakers += world.rig.of_kind(EventKind::Paged).iter().filter(by_operator).count();
    }
    // The runs are worth something only when all of this happened in them.
    assert!(sent > 1000, "{sent} commands");
    assert!(quarantined > 100, "{quarantined} quarantines");
    assert!(breakers > 100, "{breakers} breakers opened");
    assert!(crashes > 150, "{crashes} crashes");
}

#[test]
fn one_seed_gives_one_history() {
    let log = |seed| simulate(seed).rig.log;
    assert_eq!(log(11), log(11));
    assert_ne!(log(11), log(12));
}
