//! The nouns that every crate shares: labels, matchers, samples, histograms, tenants, events and
//! the query interface.
//!
//! Everything here is plain data with constructors that refuse what is not valid. There is no I/O,
//! no clock and no thread. The crate stays small, because every other crate is rebuilt with it.

pub mod budget;
pub mod columns;
pub mod event;
pub mod exemplar;
pub mod histogram;
pub mod labels;
pub mod matcher;
pub mod metadata;
pub mod query;
pub mod relabel;
pub mod ruler;
pub mod target;
pub mod tenant;
pub mod time;
pub mod write;
