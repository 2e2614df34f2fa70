//! The parameters of `/api/v1/rules`.

use std::{collections::BTreeSet, fmt::Write as _};

use model::{
    matcher::Matcher,
    ruler::{GroupReport, RuleReport},
    tenant::TenantId,
};
use sha2::{Digest, Sha256};
use tenancy::access::Access;

use super::shape::{self, Discovery};
use crate::api::{answer::ApiError, params::Params};

/// Which rules are asked for.
pub(super) struct Filter {
    /// Empty sets are all.
    names: BTreeSet<String>,
    groups: BTreeSet<String>,
    files: BTreeSet<String>,
    /// Of which one must match.
    selectors: Vec<Vec<Matcher>>,
    /// Alerting rules only, or recording rules only.
    alerting: Option<bool>,
    with_alerts: bool,
    page: Option<Page>,
}

/// So many groups, from one on.
struct Page {
    groups: usize,
    from: Option<String>,
}

impl Filter {
    pub(super) fn of(params: &Params) -> Result<Self, ApiError> {
        let set = |name| params.all(name).map(str::to_owned).collect();
        let alerting = match params.get("type").map(str::to_lowercase).as_deref() {
            None => None,
            Some("alert") => Some(true),
            Some("record") => Some(false),
            Some(other) => {
                return Err(ApiError::parameter("type", format!("not supported value {other:?}")));
            }
        };
        let exclude = params.flag("exclude_alerts", false).map_err(|error| {
            ApiError::parameter(
                "exclude_alerts",
                format!("error converting exclude_alerts: {error}"),
            )
        })?;
        Ok(Self {
            names: set("rule_name[]"),
            groups: set("rule_group[]"),
            files: set("file[]"),
            selectors: params.selectors()?,
            alerting,
            with_alerts: !exclude,
            page: page(params)?,
        })
    }

    /// What of the groups is asked for.
    pub(super) fn rules<'a>(
        &self,
        groups: &[&'a GroupReport],
        access: &Access,
    ) -> Result<Discovery<'a>, ApiError> {
        let mut found = Discovery { groups: Vec::new(), group_next_token: None };
        let token = |group: &GroupReport| token(group, access);
        let from = self.page.as_ref().and_then(|page| page.from.as_ref());
        let first = match from {
            None => 0,
            Some(from) => {
                let place = groups.iter().position(|group| token(group) == *from);
                place.ok_or_else(|| {
                    let message =
                        format!("invalid group_next_token '{from}'. were rule groups changed?");
                    ApiError::parameter("group_next_token", message)
                })?
            }
        };
        for group in groups.iter().skip(first) {
            if !within(&self.groups, &group.name) || !within(&self.files, &group.file) {
                continue;
            }
            let tenant = shape::tenant(group, access);
            let rules = group.rules.iter().filter(|rule| self.wants(rule));
            let rules: Vec<_> =
                rules.map(|rule| shape::rule(rule, tenant, self.with_alerts)).collect();
            if rules.is_empty() {
                continue;
            }
            if self.page.as_ref().is_some_and(|page| page.groups == found.groups.len()) {
                found.group_next_token = Some(token(group));
                break;
            }
            found.groups.push(shape::group(group, access, rules));
        }
        Ok(found)
    }

    fn wants(&self, rule: &RuleReport) -> bool {
        let matches = |selector: &Vec<Matcher>| {
            selector.iter().all(|matcher| {
                let value = rule.labels.get(matcher.name()).map_or("", String::as_str);
                matcher.matches(value)
            })
        };
        within(&self.names, &rule.name)
            && self.alerting.is_none_or(|wanted| wanted == rule.alerting.is_some())
            && (self.selectors.is_empty() || self.selectors.iter().any(matches))
    }
}

fn within(wanted: &BTreeSet<String>, name: &str) -> bool {
    wanted.is_empty() || wanted.contains(name)
}

fn page(params: &Params) -> Result<Option<Page>, ApiError> {
    let from = params.get("group_next_token").map(str::to_owned);
    let Some(limit) = params.get("group_limit") else {
        if from.is_none() {
            return Ok(None);
        }
        let message = "group_limit needs to be present in order to paginate over the groups";
        return Err(ApiError::parameter("group_next_token", message));
    };
    let fault = |message: String| ApiError::parameter("group_limit", message);
    let limit: i32 = limit.parse().map_err(|error| {
        fault(format!("group_limit needs to be a valid number: {limit:?}: {error}"))
    })?;
    match usize::try_from(limit) {
        Ok(groups) if groups > 0 => Ok(Some(Page { groups, from })),
        _ => Err(fault("group_limit needs to be greater than 0".to_owned())),
    }
}

/// What tells where the next page begins: the SHA-256 of file and group, and of the tenant where the
/// caller sees several.
fn token(group: &GroupReport, access: &Access) -> String {
    let mut hash = Sha256::new();
    let tenant = shape::tenant(group, access).map(TenantId::as_str);
    for text in [Some(group.file.as_str()), Some(&group.name), tenant].into_iter().flatten() {
        hash.update(text);
        // Never part of a text: where one ends is no matter of what stands in it.
        hash.update([0xff]);
    }
    let hash = hash.finalize();
    hash.iter().fold(String::new(), |mut token, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(token, "{byte:02x}");
        token
    })
}

#[cfg(test)]
mod tests;
