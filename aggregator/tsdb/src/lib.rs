//! The metric store: series of float and histogram samples, by tenant, on one machine.
//!
//! A [`store::Store`] takes batches from many threads, answers when they are durable, and is
//! queried through [`view::View`]s that reach no tenant but their own. It has no clock: `now`
//! comes in with each call, and a shell calls [`store::Store::maintain`] once a second.

pub mod cardinality;
pub mod check;
pub mod limits;
pub mod options;
pub mod outcome;
pub mod snapshot;
pub mod stats;
pub mod store;
pub mod view;

mod admission;
mod block;
mod bounds;
mod chunk;
mod compact;
mod flush;
mod hash;
mod head;
mod manifest;
mod order;
mod piece;
mod plan;
mod samples;
mod select;
mod sync;
mod times;
mod union;
mod wal;
mod window;
