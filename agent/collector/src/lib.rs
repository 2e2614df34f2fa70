//! Reads what containers and processes use, from cgroups v1, v2 and `/proc`.
//!
//! A caller finds groups ([`walk::Walker`] over a [`hierarchy::Hierarchy`]), keeps one
//! [`reader::Reader`] or [`process::ProcessTree`] and one [`series::Template`] for each, and in
//! each tick reads a [`usage::Usage`] and appends it to a batch. Nothing here reads
//! a clock or writes a file; kernel files are opened in [`kernel`] only, and the one thread that is
//! started asks file systems how full they are.

mod devices;
pub mod hierarchy;
pub mod identity;
pub mod kernel;
pub mod netlink;
pub mod network;
pub mod node;
pub mod parse;
pub mod process;
pub mod reader;
pub mod series;
pub mod usage;
pub mod walk;
