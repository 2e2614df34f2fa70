//! The `[aggregator.otlp]` section: how OTLP metrics become series. Keys and meanings are those of
//! the `otlp` section of Prometheus' configuration.

use std::{collections::BTreeSet, time::Duration};

use daemon::config::values::HumanDuration;
use serde::{Deserialize, Serialize};
use wire::otlp::{Promote, Strategy, Translation};

use super::InvalidSettings;

/// See [`Translation`], which these become.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Otlp {
    pub translation_strategy: TranslationStrategy,
    pub promote_resource_attributes: BTreeSet<String>,
    pub promote_all_resource_attributes: bool,
    /// Attributes left out when all are promoted.
    pub ignore_resource_attributes: BTreeSet<String>,
    pub keep_identifying_resource_attributes: bool,
    pub convert_histograms_to_nhcb: bool,
    pub promote_scope_metadata: bool,
    pub label_name_underscore_sanitization: bool,
    pub label_name_preserve_multiple_underscores: bool,
    /// Store metrics of delta temporality as they come, with unknown type, instead of refusing
    /// them. (Prometheus has a feature flag for it.)
    pub allow_delta_temporality: bool,
    /// What becomes of metrics of delta temporality otherwise.
    pub delta: Delta,
    /// Series of one tenant that are added up at once; points of others are refused.
    pub delta_streams_max: usize,
    /// A series that nothing was added to for so long begins anew.
    pub delta_stale_after: HumanDuration,
}

/// What becomes of metrics that count since their last point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Delta {
    #[default]
    Reject,
    /// They are added up to what they counted since the first point. (Prometheus has a feature
    /// flag for it.)
    Cumulative,
}

/// The strategies by the names that Prometheus gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum TranslationStrategy {
    #[default]
    UnderscoreEscapingWithSuffixes,
    UnderscoreEscapingWithoutSuffixes,
    #[serde(rename = "NoUTF8EscapingWithSuffixes")]
    NoUtf8EscapingWithSuffixes,
    NoTranslation,
}

impl Default for Otlp {
    fn default() -> Self {
        let base = Translation::default();
        Self {
            translation_strategy: TranslationStrategy::default(),
            promote_resource_attributes: BTreeSet::new(),
            promote_all_resource_attributes: false,
            ignore_resource_attributes: BTreeSet::new(),
            keep_identifying_resource_attributes: base.keep_identifying_resource_attributes,
            convert_histograms_to_nhcb: base.convert_histograms_to_nhcb,
            promote_scope_metadata: base.promote_scope_metadata,
            label_name_underscore_sanitization: base.label_name_underscore_sanitization,
            label_name_preserve_multiple_underscores: base.label_name_preserve_multiple_underscores,
            allow_delta_temporality: base.allow_delta_temporality,
            delta: Delta::default(),
            delta_streams_max: 100_000,
            delta_stale_after: HumanDuration(Duration::from_mins(5)),
        }
    }
}

impl Otlp {
    pub(super) fn validate(&self) -> Result<(), InvalidSettings> {
        let all = self.promote_all_resource_attributes;
        if all && !self.promote_resource_attributes.is_empty() {
            return Err(InvalidSettings::Otlp(
                "promote_all_resource_attributes and promote_resource_attributes exclude each other",
            ));
        }
        if !all && !self.ignore_resource_attributes.is_empty() {
            return Err(InvalidSettings::Otlp(
                "ignore_resource_attributes needs promote_all_resource_attributes",
            ));
        }
        if self.allow_delta_temporality && self.delta == Delta::Cumulative {
            return Err(InvalidSettings::Otlp(
                "allow_delta_temporality and delta = \"cumulative\" exclude each other",
            ));
        }
        Ok(())
    }

    /// How to translate, when queries look back so far for an instant.
    pub(crate) fn translation(&self, lookback: Duration) -> Translation {
        Translation {
            strategy: match self.translation_strategy {
                TranslationStrategy::UnderscoreEscapingWithSuffixes => {
                    Strategy::UnderscoreEscapingWithSuffixes
                }
                TranslationStrategy::UnderscoreEscapingWithoutSuffixes => {
                    Strategy::UnderscoreEscapingWithoutSuffixes
                }
                TranslationStrategy::NoUtf8EscapingWithSuffixes => {
                    Strategy::NoUtf8EscapingWithSuffixes
                }
                TranslationStrategy::NoTranslation => Strategy::NoTranslation,
            },
            promote: if self.promote_all_resource_attributes {
                Promote::AllBut(self.ignore_resource_attributes.clone())
            } else {
                Promote::These(self.promote_resource_attributes.clone())
            },
            keep_identifying_resource_attributes: self.keep_identifying_resource_attributes,
            convert_histograms_to_nhcb: self.convert_histograms_to_nhcb,
            promote_scope_metadata: self.promote_scope_metadata,
            label_name_underscore_sanitization: self.label_name_underscore_sanitization,
            label_name_preserve_multiple_underscores: self.label_name_preserve_multiple_underscores,
            allow_delta_temporality: self.allow_delta_temporality,
            // Each query between two samples finds the one before.
            target_info_interval: lookback / 2,
        }
    }
}
