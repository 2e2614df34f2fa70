//! When users come and what they ask for. Pure and seeded.

use std::{f64::consts::TAU, time::Duration};

use super::AppProfile;
use crate::{fleet::Personality, random::Random};

/// How far the rate swings around its mean, as a part of it.
const SWING: f64 = 0.3;
/// How long a wave lasts.
const WAVE: Duration = Duration::from_secs(90);
/// No gap is longer, however slow the app.
const GAP_MAX: Duration = Duration::from_secs(30);
/// Items that users know of; a few ask for others.
const ITEMS: u64 = 1000;
const BODY: &str = "{\"name\":\"lamp\",\"price\":1995,\"tags\":[\"light\",\"home\"]}";

/// A request as a user makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UserRequest {
    pub(super) post: bool,
    pub(super) path: String,
    pub(super) body: &'static str,
}

/// The users of one app.
#[derive(Clone, Debug)]
pub(super) struct Users {
    prefix: String,
    personality: Personality,
    rate: f64,
    /// Where in the wave it starts, from 0 to 1.
    phase: f64,
    random: Random,
}

impl Users {
    /// `index` sets apps of one seed apart.
    pub(super) fn new(app: &AppProfile, seed: u64, index: usize) -> Self {
        let mut random = Random::new(seed.wrapping_add((index as u64) << 32));
        Self {
            prefix: format!("/{}/{}", app.tenant, app.app),
            personality: app.personality,
            rate: app.rate,
            phase: random.unit(),
            random,
        }
    }

    /// Requests per second at that time since the start.
    fn rate_at(&self, elapsed: Duration) -> f64 {
        let waves = elapsed.as_secs_f64() / WAVE.as_secs_f64() + self.phase;
        self.rate * (1.0 + SWING * (waves * TAU).sin())
    }

    /// Until the next user: a Poisson process whose rate is a wave.
    pub(super) fn gap(&mut self, elapsed: Duration) -> Duration {
        let seconds = self.random.exponential() / self.rate_at(elapsed);
        Duration::try_from_secs_f64(seconds).unwrap_or(GAP_MAX).min(GAP_MAX)
    }

    pub(super) fn request(&mut self) -> UserRequest {
        let chance = self.random.below(100);
        let path = match (self.personality, chance) {
            (_, 0..=1) => "/old-page".to_owned(),
            (_, 2..=3) => format!("/items/{}", ITEMS + self.random.below(ITEMS)),
            (Personality::Shop, 4..=6) => format!("/work?ms={}", 100 + self.random.below(300)),
            (Personality::Shop, 7..=29) => "/".to_owned(),
            (Personality::Api, 4..=18) => return self.post("/items"),
            (Personality::Api, 19..=21) => format!("/work?ms={}", 40 + self.random.below(160)),
            (Personality::Worker, 4..=40) => format!("/work?ms={}", 20 + self.random.below(80)),
            (Personality::Worker, 41..) => "/".to_owned(),
            // Some items are asked for more than others.
            _ => format!("/items/{}", (self.random.unit().powi(3) * ITEMS as f64) as u64),
        };
        UserRequest { post: false, path: format!("{}{path}", self.prefix), body: "" }
    }

    fn post(&self, path: &str) -> UserRequest {
        UserRequest { post: true, path: format!("{}{path}", self.prefix), body: BODY }
    }
}

#[cfg(test)]
mod tests;
