//! The node itself: load, CPU by mode, memory, disks, network.

use std::path::Path;

use collector::{kernel::Kernel, node::Node, series::InvalidTemplate};
use model::{tenant::TenantId, write::WriteBatch};

use super::{NodeLabels, Source, Tick};

/// Reads `/proc` under node_exporter's names.
pub(crate) struct NodeSource {
    kernel: Kernel,
    node: Node,
}

impl NodeSource {
    pub(crate) fn new(
        mut kernel: Kernel,
        tenant: &TenantId,
        labels: &NodeLabels,
    ) -> Result<Self, InvalidTemplate> {
        let pairs = labels.pairs();
        let mut identity: Vec<(&str, &str)> =
            pairs.iter().filter(|(_, value)| !value.is_empty()).copied().collect();
        identity.push(("tenant", tenant.as_str()));
        let node = Node::open(&kernel, Path::new("/proc"), &identity)?.of_this_machine(&mut kernel);
        Ok(Self { kernel, node })
    }
}

impl Source for NodeSource {
    fn collect(&mut self, tick: &Tick, batch: &mut WriteBatch) {
        // The node changes slowly next to its containers, and has many more series.
        if tick.full {
            self.node.write(&mut self.kernel, tick.now, batch);
        }
    }

    fn watched(&self) -> usize {
        1
    }
}
