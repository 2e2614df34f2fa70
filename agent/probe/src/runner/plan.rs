//! What a probe needs each time, made once.

use std::sync::Arc;

use crate::{
    http,
    prober::{Address, ProbeId},
    spec::{Check, Connection, Spec},
};

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) id: Arc<ProbeId>,
    pub(super) spec: Spec,
    pub(super) address: Address,
    pub(super) user_agent: Arc<str>,
    /// The request as it is sent; empty for TCP.
    pub(super) request: Vec<u8>,
}

impl Plan {
    pub(super) fn new(
        id: Arc<ProbeId>,
        spec: Spec,
        address: Address,
        user_agent: Arc<str>,
    ) -> Self {
        let request = match &spec.check {
            Check::Http(get) => {
                http::request(get, &get.path, &address, &user_agent, keeps(spec.connection))
            }
            Check::Tcp { .. } => Vec::new(),
        };
        Self { id, spec, address, user_agent, request }
    }

    pub(super) fn keeps(&self) -> bool {
        keeps(self.spec.connection)
    }
}

fn keeps(connection: Connection) -> bool {
    matches!(connection, Connection::Kept { .. })
}
