//! Runs plain processes: starts, watches, restarts and confines them.
//!
//! A [`Supervisor`] owns a set of *instances*. Each start of an instance is a *run* with a number
//! of its own, counted from 1; whoever wants a run ended must name it, so that a late or repeated
//! request cannot stop a healthy successor. An instance is its leading process: when that one ends,
//! what it left behind is killed too, as in a container.
//!
//! Nothing is restarted here by itself. Exits are reported within milliseconds on a channel, and
//! whoever reads them decides.
//!
//! Where the machine permits, each run has a cgroup of its own, created before the program starts
//! and removed after it; see [`placement::Placement`] for what is said where it does not.
//!
//! *Death of the supervisor*: children carry a parent death signal and die with it even after
//! `kill -9`. What they had forked themselves is found in the stale cgroup and killed at the next
//! start; without cgroups only the leading processes are certain to die. A supervisor that is merely
//! dropped, even with its runtime gone, kills all of them.

mod cgroup;
pub mod exit;
mod instance;
pub mod log;
pub mod placement;
mod process;
pub mod shim;
mod spawn;
pub mod spec;
mod supervisor;

pub use supervisor::{
    Instance, RestartError, Restarted, SetupError, StartError, Started, Stats, Stopped, Supervisor,
};
