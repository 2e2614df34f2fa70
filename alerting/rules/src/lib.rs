//! Recording and alerting rules in Prometheus' format.
//!
//! [`RuleFile::parse`] reads and checks a file; a [`Group`] evaluates its rules one after another at
//! times that the caller gives, over data that the caller gives, and says what samples and alerts
//! come of it. [`unit_test`] runs files of promtool's format for testing rules. Nothing here reads a
//! clock or a file.
//! Source of the semantics: the documentation of Prometheus, "Recording rules", "Alerting rules",
//! "Template reference" and "Unit testing for rules", and its behaviour.

mod alert;
mod budget;
mod evaluate;
mod expand;
mod fault;
mod file;
mod group;
mod outbox;
mod report;
mod roster;
mod rule;
mod schedule;
pub mod unit_test;

pub use alert::{Alert, AlertState, Notification, RESOLVED_RETENTION};
pub use budget::{Budget, OverBudget, RULE_BUDGET, TENANT_BUDGET};
pub use evaluate::{
    Answers, AppendError, Backend, NOT_A_VECTOR, NewSample, Newest, Source, Storage,
};
pub use expand::Environment;
pub use fault::Fault;
pub use file::{FILE_BYTES_MAX, GroupSpec, Kind, RuleFile, RuleSpec, Text};
pub use group::{Group, RuleOutcome, restore::RestoreOptions};
pub use outbox::{BATCH_BYTES_MAX, BATCH_MAX, OUTBOX_BYTES_MAX, OUTBOX_MAX, Outbox};
pub use roster::{Done, Due, GroupKey, LoadError, Reports, Roster, RosterOptions, RosterStats};
pub use rule::{Rule, RuleError};
