//! Waiting until systems have done what they put off.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{report::complain, system::System};

const POLL: Duration = Duration::from_secs(1);
/// A system that uses less CPU time than this between two polls is at rest, in seconds.
const IDLE: f64 = 0.1;
/// So many polls in a row.
const QUIET: usize = 3;
const PATIENCE: Duration = Duration::from_secs(90);

/// Returns when all are at rest, or says who is not after a while.
pub(crate) fn wait(systems: &[System]) -> Result<(), String> {
    let begun = Instant::now();
    for system in systems {
        let mut quiet = 0;
        let mut before = system.cpu()?;
        while quiet < QUIET {
            if begun.elapsed() > PATIENCE {
                complain(&format!("{} does not come to rest\n", system.kind.name()));
                break;
            }
            sleep(POLL);
            let now = system.cpu()?;
            quiet = if now - before < IDLE { quiet + 1 } else { 0 };
            before = now;
        }
    }
    Ok(())
}
