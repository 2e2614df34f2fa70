//! Sums of counters over processes that come and go, such that a sum never falls.
//!
//! When a process has ended and its parent has waited for it, the kernel adds what it used to the
//! parent's "children" counter. The sum of own and children's counters over all members is
//! therefore conserved, but not at each moment: a member's end may be seen one read before the
//! parent's counter shows it. And it is lost where nobody in the tree waits: the parent ignores
//! its children's end, or the member was handed to a process outside.
//!
//! So what was counted of a member that ended is kept as a credit, which the next rise of
//! children's counters uses up; what is left of it after one more read is dropped. Members are
//! read parents first, so that a child's end is never seen in its parent before it is seen itself.

/// One counter summed over a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    total: u64,
    /// Counted already for members whose end the last read showed.
    credit: u64,
}

/// What one read of all members showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// By how much the members' own counters rose.
    pub(super) own: u64,
    /// By how much their counters of ended children rose.
    pub(super) children: u64,
    /// What had been counted, own and children's, of members that are gone.
    pub(super) ended: u64,
}

impl Account {
    pub(super) fn total(self) -> u64 {
        self.total
    }

    /// Adds what one read showed.
    pub(super) fn apply(&mut self, change: Change) {
        let mut children = change.children;
        let mut use_up = |credit: u64| {
            let used = children.min(credit);
            children -= used;
            credit - used
        };
        use_up(self.credit);
        self.credit = use_up(change.ended);
        self.total = self.total.saturating_add(change.own).saturating_add(children);
    }
}
