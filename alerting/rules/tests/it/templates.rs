//! Templates of alerts: what promtool cannot tell, and what goes wrong.

use super::lab::Lab;

/// What an annotation becomes, over one series `x` with the value 2.
fn expanded(template: &str) -> String {
    let quoted = template.replace('\'', "''");
    let mut lab = Lab::new(&format!(
        "groups: [{{name: g, rules: [{{alert: A, expr: x, annotations: {{s: '{quoted}'}}}}]}}]"
    ));
    lab.put(0, "x", 2.0);
    lab.evaluate(0);
    let alert = lab.alert().expect("is active");
    alert.annotations.first().map(|(_, text)| text.clone()).unwrap_or_default()
}

#[test]
fn functions_do_what_is_documented() {
    let table = [
        ("{{ now }}", "0"),
        (
            "{{ toDuration 3661.5 }} {{ toDuration 0.000001 }} {{ toDuration -1.5 }} {{ toDuration 0 }}",
            "1h1m1.5s 1µs -1.5s 0s",
        ),
        ("{{ (toDuration 90).Minutes }} {{ toDuration 90 | humanizeDuration }}", "1.5 1m 30s"),
        ("{{ parseDuration \"-1m30s\" }}", "-90"),
        (
            "{{ (toTime 0.0).Weekday }} {{ (toTime 0.0).Month }} {{ (toTime 1.25).UnixMilli }}",
            "Thursday January 1250",
        ),
        (
            "{{ humanize \"NaN\" }} {{ humanizeDuration \"+Inf\" }} {{ humanizeTimestamp \"NaN\" }}",
            "NaN +Inf NaN",
        ),
        ("{{ stripDomain \"[fe80::1]:80\" }} {{ stripPort \"a:b:c\" }}", "[fe80::1]:80 a:b:c"),
        ("{{ title \"it's a new-day\" }}", "It's A New-Day"),
        ("{{ .ExternalURL }}|{{ pathPrefix }}", "|"),
        ("{{ .Labels }} {{ $ }}", "map[__name__:x] {map[__name__:x] map[]  2}"),
        ("{{ args 1 \"b\" }}", "map[arg0:1 arg1:b]"),
        ("{{ query \"x\" }}", "[{map[__name__:x] 2}]"),
        ("{{ urlQueryEscape \"a b&ü\" }}", "a+b%26%C3%BC"),
    ];
    for (template, wanted) in table {
        assert_eq!(expanded(template), wanted, "{template}");
    }
}

#[test]
fn patterns_are_limited_by_their_number_not_their_use() {
    let found =
        expanded("{{ range 500 }}{{ if match \"^4.9$\" (print .) }}{{ . }} {{ end }}{{ end }}");
    assert_eq!(found, "409 419 429 439 449 459 469 479 489 499 ");
    let found = expanded("{{ range 101 }}{{ $x := match (print .) \"a\" }}{{ end }}");
    assert!(found.contains("templates of one alert may use 100 patterns"), "{found}");
    assert_eq!(expanded("{{ reReplaceAll \"\\\\w+\" \"<$0>\" \"a é\" }}"), "<a> <é>");
}

#[test]
fn what_fails_is_told_in_the_text() {
    let table = [
        (
            "{{ first (query \"none\") }}",
            "1:4: error calling first: first() called on vector with no elements",
        ),
        (
            "{{ query \"sum(\" }}",
            "1:4: error calling query: 1:5: parse error: unclosed left parenthesis",
        ),
        ("{{ humanize true }}", "1:4: error calling humanize: can't convert bool to float"),
        ("{{ toTime \"NaN\" }}", "1:4: error calling toTime: value is NaN or Inf"),
        (
            "{{ toTime 1e18 }}",
            "1:4: error calling toTime: 1000000000000000000 is not a time: it is too far from 1970",
        ),
        (
            "{{ reReplaceAll \"(\" \"\" \"\" }}",
            "1:4: error calling reReplaceAll: invalid pattern \"(\":",
        ),
        (
            "{{ title 3 }}",
            "1:4: error calling title: wrong type for value; expected string; got int",
        ),
        ("{{ title }}", "1:4: error calling title: it does not take these arguments: ()"),
        (
            "{{ label \"a\" 3 }}",
            "1:4: error calling label: wrong type for value; expected a sample; got int",
        ),
        ("{{ .Nope }}", "1:4: can't evaluate field Nope in type struct"),
        (
            "{{ range 101 }}{{ $x := query \"x\" }}{{ end }}",
            "1:25: error calling query: templates of one alert may ask 100 queries",
        ),
        (
            "{{ query \"x[5m]\" }}",
            "1:4: error calling query: rule result is not a vector or scalar",
        ),
    ];
    for (template, wanted) in table {
        let found = expanded(template);
        let wanted = format!("<error expanding template: template: __alert_A:{wanted}");
        assert!(found.starts_with(&wanted), "{template}: {found}");
    }
}

/// Each of these would take far more than the output may have.
#[test]
fn functions_stop_at_the_limit() {
    let texts = "{{ $a := reReplaceAll \" \" \"a\" (printf \"%8000d\" 1) }}\
                 {{ $r := reReplaceAll \" \" \"$$0\" (printf \"%8000d\" 1) }}\
                 {{ $u := reReplaceAll \" \" \"ΐ\" (printf \"%8000d\" 1) }}\
                 {{ $u = print $u $u $u $u $u $u $u $u $u $u $u $u }}";
    let table = [
        "{{ reReplaceAll \"a\" $a $a }}",
        "{{ reReplaceAll \"a+\" $r $a }}",
        "{{ reReplaceAll \"\" $a $a }}",
        "{{ toUpper $u }}",
        "{{ urlQueryEscape $u }}",
        "{{ graphLink $u }}",
        "{{ tableLink $u }}",
        "{{ args $u $u $u }}",
    ];
    for bomb in table {
        let found = expanded(&format!("{texts}{bomb}"));
        let name = bomb.split_whitespace().nth(1).expect("calls a function");
        let wanted = format!("result of {name} is too large");
        assert!(found.contains(&wanted), "{bomb}: {} bytes", found.len());
    }
}

#[test]
fn what_a_match_may_cost_is_limited() {
    for (template, wanted) in [
        ("{{ match \"(x{50}){20}\" (printf \"%1000d\" 1) }}", "false"),
        (
            "{{ match \"(x{50}){20}\" (printf \"%100000d\" 1) }}",
            "is too large for a text of 100000",
        ),
        ("{{ match \"x\" (printf \"%100000d\" 1) }}", "false"),
        (
            "{{ match \"(x{50}){20}\" \"x\" }} {{ match \"(x{50}){20}\" (printf \"%100000d\" 1) }}",
            "is too large for a text of 100000",
        ),
        (
            "{{ reReplaceAll \"x\" \"\" (printf \"%8193d\" 1) }}",
            "takes a text of at most 8192 bytes",
        ),
    ] {
        let found = expanded(template);
        assert!(found.contains(wanted), "{template}: {found}");
    }
}
