//! gVisor sandboxes: which there are, and what the containers inside of each use.
//!
//! The kernel of the host sees a sandbox as one process in one cgroup, so that cgroup is the truth
//! about the pod and says nothing about its containers. The sandbox's own kernel (the sentry) tells
//! how the work divides, over a control socket that `runsc` made. What it tells comes from a process
//! that the containers may have taken over: replies are bounded in bytes, depth, time and number, and
//! can at worst misreport how one pod's own usage divides.
//!
//! [`roots::Roots`] finds sandboxes by `runsc`'s state files, [`link::Link`] asks one sandbox in a
//! task of its own, [`schedule::Schedule`] says when it is worth asking, and
//! [`divide::Division`] turns the answers into counters for each container.

pub mod client;
pub mod divide;
pub mod link;
pub mod reply;
pub mod roots;
pub mod schedule;
pub mod sentry;
pub mod state;
pub mod urpc;
