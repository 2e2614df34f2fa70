//! Which fault comes when: one story after the other, each on another app.
//!
//! Pure: time and events come in, injections come out, and someone else carries them out.

use std::time::Duration;

use model::{
    event::{Event, EventKind, Target},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// The plan's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From the start to the first fault.
    pub first_after: Duration,
    /// From the end of a story to the next fault.
    pub between: Duration,
    /// How long a story may take.
    pub story_max: Duration,
    /// From a quarantine to the removal of the fault behind it, so that it can be seen meanwhile.
    pub clear_after: Duration,
}

impl Timing {
    /// For a person who watches.
    pub const WATCHED: Self = Self {
        first_after: Duration::from_secs(20),
        between: Duration::from_secs(8),
        story_max: Duration::from_secs(90),
        clear_after: Duration::from_secs(5),
    };
    /// For a script.
    pub const SCRIPTED: Self = Self {
        first_after: Duration::from_secs(4),
        between: Duration::from_secs(1),
        story_max: Duration::from_secs(45),
        clear_after: Duration::from_secs(1),
    };
}

/// What is to be done to an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    pub target: Target,
    pub step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Inject(Fault),
    /// Remove the fault, so that the next start succeeds.
    Clear,
}

/// How a story ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was cured.
    Recovered,
    /// It was given up and left to a person, which is right for what restarts cannot cure.
    Quarantined,
    /// Neither happened in time.
    TimedOut,
    /// The fault could not be injected.
    NotInjected,
}

/// One fault and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    pub fault: Fault,
    pub target: Target,
    pub injected_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub outcome: Option<Outcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The next fault is due then.
    Waiting(Timestamp),
    /// The last story is under way.
    Running,
    /// The last story is over; its fault is to be removed then.
    Clearing(Timestamp),
    Finished,
}

/// The schedule.
#[derive(Clone, Debug)]
pub struct Plan {
    faults: Vec<(Fault, Target)>,
    timing: Timing,
    state: State,
    stories: Vec<Story>,
}

impl Plan {
    pub fn new(faults: Vec<(Fault, Target)>, timing: Timing, now: Timestamp) -> Self {
        let state = if faults.is_empty() {
            State::Finished
        } else {
            State::Waiting(now.saturating_add(timing.first_after))
        };
        Self { faults, timing, state, stories: Vec::new() }
    }

    /// What is to be done now, if anything. `events` may be all events so far or only new ones;
    /// those that do not concern the current story are passed over.
    pub fn poll(&mut self, now: Timestamp, events: &[Event]) -> Option<Injection> {
        if self.state == State::Running {
            self.observe(now, events);
        }
        match self.state {
            State::Waiting(due) if now >= due => self.begin(now),
            State::Clearing(due) if now >= due => self.clear(now),
            _ => None,
        }
    }

    /// When polling is of use without a new event.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        match self.state {
            State::Waiting(due) | State::Clearing(due) => Some(due),
            State::Running => {
                let story = self.stories.last()?;
                Some(story.injected_at.saturating_add(self.timing.story_max))
            }
            State::Finished => None,
        }
    }

    /// The injection asked for last could not be carried out.
    pub fn not_injected(&mut self, now: Timestamp) {
        if self.state == State::Running {
            self.end(now, Outcome::NotInjected);
        }
    }

    /// All stories begun so far, the current one last.
    pub fn stories(&self) -> &[Story] {
        &self.stories
    }

    /// Whether nothing more will come.
    pub fn is_finished(&self) -> bool {
        self.state == State::Finished
    }

    fn begin(&mut self, now: Timestamp) -> Option<Injection> {
        let (fault, target) = self.faults.get(self.stories.len())?.clone();
        let story = Story {
            fault,
            target: target.clone(),
            injected_at: now,
            ended_at: None,
            outcome: None,
        };
        self.stories.push(story);
        self.state = State::Running;
        Some(Injection { target, step: Step::Inject(fault) })
    }

    fn clear(&mut self, now: Timestamp) -> Option<Injection> {
        self.wait(now);
        let target = self.stories.last()?.target.clone();
        Some(Injection { target, step: Step::Clear })
    }

    /// Ends the current story if an event or the time says so.
    fn observe(&mut self, now: Timestamp, events: &[Event]) {
        let Some(story) = self.stories.last() else { return };
        let outcome = |event: &Event| match event.kind {
            EventKind::Recovered => Some(Outcome::Recovered),
            EventKind::Quarantined => Some(Outcome::Quarantined),
            _ => None,
        };
        let ending = events
            .iter()
            .filter(|event| event.target == story.target && event.time >= story.injected_at)
            .find_map(|event| Some((event.time, outcome(event)?)));
        if let Some((at, outcome)) = ending {
            self.end(at, outcome);
        } else if now >= story.injected_at.saturating_add(self.timing.story_max) {
            self.end(now, Outcome::TimedOut);
        }
    }

    fn end(&mut self, at: Timestamp, outcome: Outcome) {
        let Some(story) = self.stories.last_mut() else { return };
        story.ended_at = Some(at);
        story.outcome = Some(outcome);
        match outcome {
            Outcome::Recovered | Outcome::NotInjected => self.wait(at),
            Outcome::Quarantined | Outcome::TimedOut => {
                self.state = State::Clearing(at.saturating_add(self.timing.clear_after));
            }
        }
    }

    /// Goes on to the next fault, if there is one.
    fn wait(&mut self, since: Timestamp) {
        self.state = if self.stories.len() < self.faults.len() {
            State::Waiting(since.saturating_add(self.timing.between))
        } else {
            State::Finished
        };
    }
}

#[cfg(test)]
mod tests;
