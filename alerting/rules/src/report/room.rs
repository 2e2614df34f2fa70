//! Shares of tenants in a report.
//!
//! A report has limits, and what is in it is tenants' own: what one has too much of must not keep out
//! what others have.

use std::collections::BTreeMap;

use model::{
    ruler::{
        ALERT_BYTES_MAX, AlertReport, AlertingReport, GroupReport, RULE_BYTES_MAX, RuleReport,
        RulerReport,
    },
    tenant::TenantId,
};

/// Bytes that a group, a rule and an alert take in JSON beside their texts, at most.
const GROUP_BYTES: usize = 400;
const RULE_BYTES: usize = 400;
const ALERT_BYTES: usize = 160;

/// A report of all groups. Rules share [`RULE_BYTES_MAX`] and alerts [`ALERT_BYTES_MAX`]; what is left
/// out is counted.
pub(crate) fn all<'a>(groups: impl Iterator<Item = &'a GroupReport> + Clone) -> RulerReport {
    let mut tenants: BTreeMap<&Option<TenantId>, Room> = BTreeMap::new();
    for group in groups.clone() {
        let need = tenants.entry(&group.tenant).or_default();
        need.rules += group_size(group) + group.rules.iter().map(rule_size).sum::<usize>();
        need.alerts += alerts(group).map(alert_size).sum::<usize>();
    }
    let needs = |of: fn(&Room) -> usize| tenants.values().map(of).collect();
    let rules = share(needs(|need| need.rules), RULE_BYTES_MAX);
    let alerts = share(needs(|need| need.alerts), ALERT_BYTES_MAX);
    for room in tenants.values_mut() {
        *room = Room { rules, alerts, last: None };
    }
    let mut told: Vec<GroupReport> = Vec::new();
    for group in groups {
        let room = tenants.entry(&group.tenant).or_default();
        match room.group(group) {
            Some(group) => {
                room.last = Some(told.len());
                told.push(group);
            }
            None => room.leave_out(group, &mut told),
        }
    }
    RulerReport { groups: told, ..RulerReport::default() }
}

/// Bytes that a tenant needs, or has left.
#[derive(Default)]
struct Room {
    rules: usize,
    alerts: usize,
    /// The place of its last group in the report.
    last: Option<usize>,
}

impl Room {
    /// A copy of a group with as many of its rules and alerts as there is room for.
    fn group(&mut self, group: &GroupReport) -> Option<GroupReport> {
        if !take(&mut self.rules, group_size(group)) {
            return None;
        }
        let (mut rules, mut alerts_left_out) = (Vec::new(), 0);
        for rule in &group.rules {
            if !take(&mut self.rules, rule_size(rule)) {
                let own = rule.alerting.as_ref().map_or(0, |alerting| alerting.alerts.len());
                alerts_left_out += own as u64;
                continue;
            }
            let alerting = rule.alerting.as_ref().map(|it| {
                let (alerting, left_out) = self.alerting(it);
                alerts_left_out += left_out;
                alerting
            });
            rules.push(RuleReport {
                name: rule.name.clone(),
                query: rule.query.clone(),
                labels: rule.labels.clone(),
                last_error: rule.last_error.clone(),
                alerting,
                ..*rule
            });
        }
        Some(GroupReport {
            tenant: group.tenant.clone(),
            file: group.file.clone(),
            name: group.name.clone(),
            rules_left_out: (group.rules.len() - rules.len()) as u64,
            rules,
            alerts_left_out,
            ..*group
        })
    }

    /// With how many alerts were left out.
    fn alerting(&mut self, alerting: &AlertingReport) -> (AlertingReport, u64) {
        let has_room = |alert: &&AlertReport| take(&mut self.alerts, alert_size(alert));
        let alerts: Vec<AlertReport> = alerting.alerts.iter().filter(has_room).cloned().collect();
        let left_out = (alerting.alerts.len() - alerts.len()) as u64;
        let annotations = alerting.annotations.clone();
        (AlertingReport { alerts, annotations, ..*alerting }, left_out)
    }

    /// Counts a group that there is no room for with the tenant's last, or with one that has no name
    /// where there is none.
    fn leave_out(&mut self, group: &GroupReport, told: &mut Vec<GroupReport>) {
        let place = *self.last.get_or_insert_with(|| {
            told.push(GroupReport { tenant: group.tenant.clone(), ..GroupReport::default() });
            told.len() - 1
        });
        if let Some(last) = told.get_mut(place) {
            last.rules_left_out += group.rules.len() as u64;
            last.alerts_left_out += alerts(group).count() as u64;
        }
    }
}

/// Whether there is so much left; then there is so much less.
fn take(left: &mut usize, size: usize) -> bool {
    let rest = left.checked_sub(size);
    *left = rest.unwrap_or(*left);
    rest.is_some()
}

pub(super) fn alerts(group: &GroupReport) -> impl Iterator<Item = &AlertReport> {
    group.rules.iter().filter_map(|rule| rule.alerting.as_ref()).flat_map(|it| &it.alerts)
}

/// Bytes of a group in JSON without its rules, at most.
fn group_size(group: &GroupReport) -> usize {
    let tenant = group.tenant.as_ref().map_or(0, |tenant| text_size(tenant.as_str()));
    GROUP_BYTES + tenant + text_size(&group.file) + text_size(&group.name)
}

/// Bytes of a rule in JSON without its alerts, at most.
fn rule_size(rule: &RuleReport) -> usize {
    let annotations = rule.alerting.as_ref().map_or(0, |it| texts_size(&it.annotations));
    let error = rule.last_error.as_deref().map_or(0, text_size);
    RULE_BYTES
        + text_size(&rule.name)
        + text_size(&rule.query)
        + texts_size(&rule.labels)
        + annotations
        + error
}

/// Bytes of an alert in JSON, at most.
fn alert_size(alert: &AlertReport) -> usize {
    ALERT_BYTES + texts_size(&alert.labels) + texts_size(&alert.annotations)
}

fn texts_size(texts: &BTreeMap<String, String>) -> usize {
    texts.iter().map(|(name, text)| text_size(name) + text_size(text)).sum()
}

/// Bytes of a text in JSON, with its quotes and what follows it.
fn text_size(text: &str) -> usize {
    let byte = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(byte).sum::<usize>() + 3
}

/// The most that each may have so that all together have no more than `most`: who needs less than an
/// even share leaves the rest to the others.
fn share(mut needs: Vec<usize>, most: usize) -> usize {
    needs.sort_unstable();
    let mut left = most;
    for (index, need) in needs.iter().enumerate() {
        let even = left / (needs.len() - index);
        if *need > even {
            return even;
        }
        left -= need;
    }
    most
}

#[cfg(test)]
mod tests;
