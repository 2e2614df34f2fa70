//! Reads real cgroups and processes of this machine, where it permits, and captured files.

#[path = "it/golden.rs"]
mod golden;
#[path = "it/networks.rs"]
mod networks;
#[path = "it/node_exporter.rs"]
mod node_exporter;
#[path = "it/processes.rs"]
mod processes;
#[path = "it/real_groups.rs"]
mod real_groups;
