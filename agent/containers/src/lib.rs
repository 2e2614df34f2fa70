//! Whose each container is, and what becomes of it.
//!
//! A [`registry::Registry`] (pure) holds what several sources say of the same containers: the API
//! server, CRI, containerd's events, the bare cgroups. The better source wins field by field; what
//! a source said that is away fills the gaps only. [`follow`] feeds it from a runtime's socket:
//! everything is listed once, then told by events, and listed again now and then.
//!
//! Invariant: nothing here trusts a runtime's answer to be small, prompt or well-formed.

pub mod container;
pub mod cri;
pub mod early;
pub mod follow;
pub mod grpc;
pub mod handle;
pub mod mapping;
pub mod registry;
