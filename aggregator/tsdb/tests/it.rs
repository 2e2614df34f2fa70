//! The store from outside: against a plain model on a disk that crashes, fills up and rots; its
//! refusals and limits; tenants that must not notice each other; memory over a day; many threads; files
//! changed at random; files of old versions.

#[cfg(test)]
#[path = "it/behaviour.rs"]
mod behaviour;
#[cfg(test)]
#[path = "it/bounds.rs"]
mod bounds;
#[cfg(test)]
#[path = "it/churn.rs"]
mod churn;
#[cfg(test)]
#[path = "it/damage.rs"]
mod damage;
#[cfg(test)]
#[path = "it/expected.rs"]
mod expected;
#[cfg(test)]
#[path = "it/golden.rs"]
mod golden;
#[cfg(test)]
#[path = "it/groups.rs"]
mod groups;
#[cfg(test)]
#[path = "it/isolation.rs"]
mod isolation;
#[cfg(test)]
#[path = "it/mutation.rs"]
mod mutation;
#[cfg(test)]
#[path = "it/mutations.rs"]
mod mutations;
#[cfg(test)]
#[path = "it/pushdown.rs"]
mod pushdown;
#[cfg(test)]
#[path = "it/simulation.rs"]
mod simulation;
#[cfg(test)]
#[path = "it/steady.rs"]
mod steady;
#[cfg(test)]
#[path = "it/successive.rs"]
mod successive;
#[cfg(test)]
#[path = "it/threads.rs"]
mod threads;
#[cfg(test)]
#[path = "it/tools.rs"]
mod tools;
