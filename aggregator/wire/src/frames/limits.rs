//! What a sender puts into groups, and what a receiver accepts from one body.

use crate::limits;

/// Group numbers are below this, so that a receiver can keep groups in a row.
pub(super) const GROUPS_MAX: usize = 1 << 16;
/// Series of one group. Few enough that a change of one of them makes few others register again.
pub(super) const GROUP_MEMBERS_MAX: usize = 1024;

/// Limits on one body. Each is on the whole: a body beyond it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Group numbers are below this.
    pub groups: usize,
    /// Series of one group.
    pub group_members: usize,
    /// Distinct tenants that groups are registered for.
    pub tenants: usize,
    /// FRAME messages, whatever their groups. A sender has at most one for each group.
    pub frames: usize,
    /// BATCH messages. Each is decoded with limits of its own, so more than one would multiply them.
    pub batches: usize,
    /// Of these, `labels_per_series` (the lifted label not among them here), `label_name_bytes`,
    /// `label_value_bytes`, and over all groups together `series` and `text_bytes` (packed).
    pub labels: limits::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            groups: GROUPS_MAX,
            group_members: GROUP_MEMBERS_MAX,
            tenants: 10_000,
            frames: GROUPS_MAX,
            batches: 1,
            labels: limits::Limits::default(),
        }
    }
}
