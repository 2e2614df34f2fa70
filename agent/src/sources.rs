//! Everything that is read each tick, behind one trait.

pub(crate) mod cgroups;
pub(crate) mod node;
pub(crate) mod sandboxes;
pub(crate) mod supervised;

use model::{time::Timestamp, write::WriteBatch};

/// Something that is read each tick. Runs on a thread that may block for milliseconds.
pub(crate) trait Source: Send {
    /// Appends this tick's samples.
    fn collect(&mut self, tick: &Tick, batch: &mut WriteBatch);

    /// How many containers, units or processes it watches.
    fn watched(&self) -> usize;
}

/// One tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    pub(crate) now: Timestamp,
    /// Whether what changes slowly is to be read as well.
    pub(crate) full: bool,
}

/// Labels that every series of this node carries.
#[derive(Clone, Debug)]
pub(crate) struct NodeLabels {
    pub(crate) node: String,
    pub(crate) cluster: String,
    pub(crate) region: String,
}

impl NodeLabels {
    pub(crate) fn pairs(&self) -> [(&str, &str); 3] {
        [("node", &self.node), ("cluster", &self.cluster), ("region", &self.region)]
    }
}
