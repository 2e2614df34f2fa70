//! Tables of names.

use super::*;
use crate::otlp::Strategy::{
    NoTranslation, NoUtf8EscapingWithSuffixes, UnderscoreEscapingWithSuffixes,
    UnderscoreEscapingWithoutSuffixes,
};

/// Name, unit and kind; then the four names that come of it.
type Row = (&'static str, &'static str, Suffix, [&'static str; 4]);

const ROWS: [Row; 27] = [
    (
        "system.io",
        "By",
        Suffix::Total,
        ["system_io_bytes_total", "system_io", "system.io_bytes_total", "system.io"],
    ),
    (
        "http.server.duration",
        "s",
        Suffix::None,
        [
            "http_server_duration_seconds",
            "http_server_duration",
            "http.server.duration_seconds",
            "http.server.duration",
        ],
    ),
    (
        "duration_seconds",
        "s",
        Suffix::None,
        ["duration_seconds", "duration_seconds", "duration_seconds", "duration_seconds"],
    ),
    (
        "wait.seconds.sum",
        "s",
        Suffix::None,
        ["wait_seconds_sum", "wait_seconds_sum", "wait.seconds.sum_seconds", "wait.seconds.sum"],
    ),
    (
        "requests.total",
        "",
        Suffix::Total,
        ["requests_total", "requests_total", "requests_total", "requests.total"],
    ),
    (
        "total.requests",
        "",
        Suffix::Total,
        ["requests_total", "total_requests", "total.requests_total", "total.requests"],
    ),
    ("requests", "1", Suffix::Total, ["requests_total", "requests", "requests_total", "requests"]),
    (
        "cache.hit",
        "1",
        Suffix::Gauge,
        ["cache_hit_ratio", "cache_hit", "cache.hit_ratio", "cache.hit"],
    ),
    ("hit.ratio", "1", Suffix::Gauge, ["hit_ratio", "hit_ratio", "hit_ratio", "hit.ratio"]),
    ("hits", "1", Suffix::None, ["hits", "hits", "hits", "hits"]),
    ("queue", "{jobs}", Suffix::Gauge, ["queue", "queue", "queue", "queue"]),
    (
        "rate",
        "By/s",
        Suffix::Gauge,
        ["rate_bytes_per_second", "rate", "rate_bytes_per_second", "rate"],
    ),
    ("rate", "{req}/s", Suffix::Gauge, ["rate_per_second", "rate", "rate_per_second", "rate"]),
    (
        "rate",
        "1/mo",
        Suffix::Total,
        ["rate_per_month_total", "rate", "rate_per_month_total", "rate"],
    ),
    (
        "io_per_second",
        "By/s",
        Suffix::Gauge,
        ["io_per_second_bytes_per_second", "io_per_second", "io_bytes_per_second", "io_per_second"],
    ),
    (
        "speed",
        "m/s",
        Suffix::Gauge,
        ["speed_meters_per_second", "speed", "speed_meters_per_second", "speed"],
    ),
    ("disk", "GiBy", Suffix::None, ["disk_gibibytes", "disk", "disk_gibibytes", "disk"]),
    (
        "temperature",
        "Cel",
        Suffix::Gauge,
        ["temperature_celsius", "temperature", "temperature_celsius", "temperature"],
    ),
    ("load", "%", Suffix::Gauge, ["load_percent", "load", "load_percent", "load"]),
    ("odd", "f·o__o!", Suffix::None, ["odd_f_o_o_", "odd", "odd_f·o__o!", "odd"]),
    ("odd", "a-/b-", Suffix::None, ["odd_a_per_b", "odd", "odd_a-_per_b-", "odd"]),
    ("a::b__c..d", "", Suffix::None, ["a::b_c_d", "a::b__c_d", "a::b__c..d", "a::b__c..d"]),
    ("_leading_", "", Suffix::None, ["leading", "_leading_", "_leading_", "_leading_"]),
    (
        "2xx.count",
        "",
        Suffix::Total,
        ["_2xx_count_total", "_2xx_count", "2xx.count_total", "2xx.count"],
    ),
    ("ärger", "s", Suffix::None, ["rger_seconds", "rger", "ärger_seconds", "ärger"]),
    ("__", "", Suffix::None, ["", "__", "__", "__"]),
    ("!", "", Suffix::None, ["", "", "!", "!"]),
];

#[test]
fn metrics_are_named_by_strategy_unit_and_kind() {
    let strategies = [
        UnderscoreEscapingWithSuffixes,
        UnderscoreEscapingWithoutSuffixes,
        NoUtf8EscapingWithSuffixes,
        NoTranslation,
    ];
    for (name, metric_unit, suffix, expected) in ROWS {
        for (strategy, expected) in strategies.into_iter().zip(expected) {
            let found = metric(strategy, name, metric_unit, suffix).unwrap_or_default();
            assert_eq!(found, expected, "{name:?} in {metric_unit:?} by {strategy:?}");
        }
    }
}

#[test]
fn labels_are_named_by_strategy() {
    let base = Translation::default();
    let collapsing =
        Translation { label_name_preserve_multiple_underscores: false, ..base.clone() };
    let bare = Translation { label_name_underscore_sanitization: false, ..base.clone() };
    let plain = Translation { strategy: NoTranslation, ..base.clone() };
    for (name, expected) in [
        (
            "http.status_code",
            ["http_status_code", "http_status_code", "http_status_code", "http.status_code"],
        ),
        ("a..b", ["a__b", "a_b", "a__b", "a..b"]),
        ("_a", ["key_a", "key_a", "_a", "_a"]),
        ("__a", ["__a", "key_a", "__a", "__a"]),
        ("__a.b__", ["__a_b__", "__a_b__", "__a_b__", "__a.b__"]),
        ("1a", ["key_1a", "key_1a", "key_1a", "1a"]),
        ("ö", ["key_", "key_", "", "ö"]),
        ("", ["", "", "", ""]),
        ("__", ["", "key_", "", ""]),
    ] {
        for (translation, expected) in [&base, &collapsing, &bare, &plain].into_iter().zip(expected)
        {
            let found = label(translation, name).unwrap_or_default();
            assert_eq!(found, expected, "{name:?} by {translation:?}");
        }
    }
}

#[test]
fn units_are_said_in_words() {
    for (short, expected) in [
        ("s", "seconds"),
        ("By/s", "bytes_per_second"),
        ("{req}/min", "per_min"),
        ("1", ""),
        ("", ""),
        ("{x}", ""),
        ("k-W", "k_W"),
        ("-", ""),
    ] {
        assert_eq!(unit(short), expected, "{short:?}");
    }
}
