//! Rules, with tests that expect too little, so that what is found is told.

/// Name, rule file, and the tests of its file.
pub(crate) const CASES: &[(&str, &str, &str)] = &[
    ("pending, firing, resolved", LIFE, LIFE_TESTS),
    ("goes on firing", KEEP, KEEP_TESTS),
    ("templates", TEMPLATES, TEMPLATES_TESTS),
    ("failing templates", FAILING, FAILING_TESTS),
    ("recording", RECORD, RECORD_TESTS),
    ("limits", LIMIT, LIMIT_TESTS),
    ("duplicates", DUPLICATES, DUPLICATES_TESTS),
    ("order of groups", ORDER, ORDER_TESTS),
    ("staleness", STALE, STALE_TESTS),
    ("labels", LABELS, LABELS_TESTS),
    ("YAML", YAML, YAML_TESTS),
];

const LIFE: &str = r#"
groups:
- name: a
  rules:
  - {alert: Soon, expr: up == 0, annotations: {v: "{{ $value }}"}}
  - {alert: Later, expr: up == 0, for: 3m, labels: {severity: page}}
"#;

const LIFE_TESTS: &str = r#"
tests:
- interval: 1m
  input_series:
  - {series: 'up{job="x"}', values: '1 0 0 1 0 0 0 0 0 1 0 _ _ stale _ _ _ _ 0'}
  - {series: 'up{job="y"}', values: '0 0 0 0 0 0 0 stale 0 0 0 0 0 stale'}
  alert_rule_test:
  - {eval_time: 1m, alertname: Soon}
  - {eval_time: 2m, alertname: Later}
  - {eval_time: 3m, alertname: Soon}
  - {eval_time: 3m, alertname: Later}
  - {eval_time: 7m, alertname: Later}
  - {eval_time: 7m30s, alertname: Soon}
  - {eval_time: 12m, alertname: Later}
  - {eval_time: 16m, alertname: Soon}
  - {eval_time: 18m, alertname: Soon}
  promql_expr_test:
  - {expr: ALERTS, eval_time: 2m}
  - {expr: ALERTS, eval_time: 5m}
  - {expr: ALERTS_FOR_STATE, eval_time: 6m}
  - {expr: 'count_over_time(ALERTS[20m])', eval_time: 18m}
"#;

const KEEP: &str = r#"
groups:
- name: a
  rules:
  - {alert: Flap, expr: x > 5, for: 1m, keep_firing_for: 3m}
"#;

const KEEP_TESTS: &str = r#"
tests:
- interval: 1m
  input_series:
  - {series: 'x{a="1"}', values: '9 9 1 1 9 1 1 1 1 1 9 1'}
  - {series: 'x{a="2"}', values: '9 1 9 9 1 1 1 1 1 1 9 9'}
  alert_rule_test:
  - {eval_time: 1m, alertname: Flap}
  - {eval_time: 3m, alertname: Flap}
  - {eval_time: 6m, alertname: Flap}
  - {eval_time: 7m, alertname: Flap}
  - {eval_time: 8m, alertname: Flap}
  - {eval_time: 11m, alertname: Flap}
  promql_expr_test:
  - {expr: 'count_over_time(ALERTS[20m])', eval_time: 11m}
"#;

const TEMPLATES: &str = r#"
groups:
- name: a
  rules:
  - alert: T
    expr: x > 0
    labels:
      team: '{{ if eq $labels.job "api" }}web{{ else }}ops{{ end }}'
      empty: '{{ $labels.none }}'
    annotations:
      data: '{{ .Labels.job }} {{ .Value }} {{ .ExternalLabels.region }} {{ $externalLabels.region }}'
      value: '{{ $value }} {{ $value | printf "%.3f" }} {{ humanize $value }} {{ humanize1024 $value }}'
      durations: '{{ humanizeDuration $value }} {{ humanizeDuration 90061.0 }} {{ humanizeDuration 0.0012 }} {{ humanizeDuration 0.0 }} {{ humanizeDuration -61.5 }} {{ "3600" | humanizeDuration }}'
      numbers: '{{ humanize 0.0 }} {{ humanize 1234567.0 }} {{ humanize 0.00123 }} {{ humanize -1500.0 }} {{ humanize1024 1048576.0 }} {{ humanize 1e30 }} {{ humanizePercentage 0.12345 }} {{ humanize "12e3" }} {{ humanize 5 }}'
      time: '{{ humanizeTimestamp 1700000000.0 }} {{ humanizeTimestamp 1.5 }} {{ 0.0 | toTime }} {{ (1700000000.0 | toTime).Year }}'
      strings: '{{ title "a b-c" }} {{ toUpper "aé" }} {{ toLower "AÉ" }} {{ reReplaceAll "(.*)-(.*)" "$2/$1" "x-y" }} {{ match "^a+$" "aaa" }} {{ match "b" "aaa" }}'
      hosts: '{{ stripPort "h:80" }} {{ stripPort "h" }} {{ stripPort "[::1]:80" }} {{ stripDomain "a.b.c:80" }} {{ stripDomain "a.b.c" }} {{ stripDomain "10.0.0.1:80" }} {{ stripDomain "[::1]:80" }} {{ stripPort "::1" }}'
      links: '{{ graphLink "a{b=\"c d\"}" }} {{ tableLink "up" }} {{ $externalURL }}'
      durations2: '{{ parseDuration "1h30m" }} {{ parseDuration "0" }}'
      query: '{{ range query "sort(x)" }}[{{ .Labels.job }}={{ .Value }}]{{ end }}{{ with query "none" }}some{{ else }}none{{ end }}'
      query2: '{{ query "sort(x)" | first | value }} {{ "x" | query | sortByLabel "job" | first | label "job" }} {{ len (query "x") }}'
      query3: '{{ range query (printf "x{job=%q}" $labels.job) }}{{ . | value }}{{ . | label "job" }}{{ .Labels }}{{ end }}'
      count: '{{ query "count_values(\"v\", x)" | len }} {{ range query "count_values(\"__value__\", x)" | sortByLabel "__value__" }}{{ strvalue . }};{{ end }}'
      map: '{{ range $name, $value := $labels }}{{ $name }}={{ $value }} {{ end }}{{ $labels }}'
      args: '{{ define "d" }}{{ .arg0 }}-{{ .arg1 }}-{{ .arg2 }}{{ end }}{{ template "d" (args 1 "b") }}'
      space: "a  {{- /* x */ -}}  b {{ `raw` }} {{ 'a' }} {{ safeHtml \"<b>\" }} {{ html \"<b>\" }}"
      scalar: '{{ query "scalar(sum(x)) + 1" | first | value }} {{ query "1" | first | value }}'
      empty: ''
"#;

const TEMPLATES_TESTS: &str = r#"
tests:
- interval: 1m
  external_labels: {region: eu, "a": b}
  external_url: http://host:9090/prefix/
  input_series:
  - {series: 'x{job="api", instance="a.b:80"}', values: '1234.5678'}
  - {series: 'x{job="db"}', values: '0.25'}
  alert_rule_test:
  - {eval_time: 0m, alertname: T}
"#;

const FAILING: &str = r#"
groups:
- name: a
  rules:
  - {alert: A, expr: x, annotations: {ok: '{{ $value }}'}}
  - {alert: B, expr: sum(x, labels: {}}
"#;

// A file that is not even YAML fails with both before anything is told.
const FAILING_TESTS: &str = r#"
tests:
- interval: 1m
  input_series: [{series: x, values: '1'}]
  alert_rule_test: [{eval_time: 0m, alertname: A}]
"#;

const RECORD: &str = r#"
groups:
- name: a
  rules:
  - {record: 'a:sum', expr: sum by (job) (x), labels: {job: '{{ $x }}', extra: "1", gone: ""}}
  - {record: 'a:twice', expr: 'a:sum * 2'}
  - {record: 'a:scalar', expr: '3'}
  - {record: 'a:time', expr: 'time()'}
  - {record: 'a:old', expr: 'a:scalar offset 1m'}
"#;

const RECORD_TESTS: &str = r#"
tests:
- interval: 30s
  input_series:
  - {series: 'x{i="1"}', values: '1+1x20'}
  - {series: 'x{i="2"}', values: '10 20 _ _ 50 stale 7 NaN Inf -Inf 1e300'}
  promql_expr_test:
  - {expr: '{__name__=~"a:.*"}', eval_time: 2m}
  - {expr: 'a:sum', eval_time: 90s}
  - {expr: 'x', eval_time: 150s}
  - {expr: 'x', eval_time: 4m}
  - {expr: 'x / 0 - x', eval_time: 5m}
  - {expr: 'sum_over_time(a:twice[5m])', eval_time: 4m}
  - {expr: 'max_over_time(x[170s:30s])', eval_time: 4m}
  - {expr: 'count_over_time((x)[270s:])', eval_time: 5m}
  - {expr: '0.1 + 0.2', eval_time: 5m}
  - {expr: 'vector(1e-7)', eval_time: 5m}
  - {expr: '1e21', eval_time: 0m}
  - {expr: 'a:old', eval_time: 4m}
  - {expr: 'label_replace(x{i="1"}, "q", "a\"b\\c", "i", ".*")', eval_time: 1m}
"#;

const LIMIT: &str = r#"
groups:
- name: a
  limit: 1
  rules:
  - {record: r, expr: x}
  - {alert: A, expr: x}
"#;

const LIMIT_TESTS: &str = r#"
tests:
- interval: 1m
  input_series: [{series: 'x{a="1"}', values: '1 1'}, {series: 'x{a="2"}', values: '_ 1'}]
  promql_expr_test: [{expr: r, eval_time: 0m}, {expr: r, eval_time: 2m}]
"#;

const DUPLICATES: &str = r#"
groups:
- name: a
  rules:
  - {alert: A, expr: '{__name__=~"x|y"}'}
  - {record: r, expr: '{__name__=~"x|y"}'}
"#;

const DUPLICATES_TESTS: &str = r#"
tests:
- interval: 1m
  input_series: [{series: 'x', values: '1'}, {series: 'y', values: '1'}]
  promql_expr_test: [{expr: r, eval_time: 0m}]
"#;

const ORDER: &str = r#"
groups:
- {name: second, rules: [{record: b, expr: a + 1}]}
- {name: third, rules: [{record: c, expr: b + 1}]}
- {name: first, rules: [{record: a, expr: x + 1}]}
"#;

const ORDER_TESTS: &str = r#"
group_eval_order: [first, second, third]
tests:
- interval: 1m
  input_series: [{series: x, values: '1 2 3'}]
  promql_expr_test: [{expr: b, eval_time: 0m}, {expr: c, eval_time: 2m}]
"#;

const STALE: &str = r#"
groups:
- name: a
  rules:
  - {record: r, expr: x > 1}
  - {alert: A, expr: x > 1}
"#;

const STALE_TESTS: &str = r#"
tests:
- interval: 1m
  input_series: [{series: x, values: '1 2 1 2 2 stale'}]
  promql_expr_test:
  - {expr: r, eval_time: 1m}
  - {expr: r, eval_time: 2m}
  - {expr: r, eval_time: 3m}
  - {expr: r, eval_time: 5m}
  - {expr: 'count_over_time(r[10m])', eval_time: 6m}
  - {expr: 'count_over_time(ALERTS[10m])', eval_time: 6m}
  - {expr: 'absent(r)', eval_time: 6m}
"#;

const LABELS: &str = r#"
groups:
- name: a
  rules:
  - {alert: A, expr: x, labels: {alertname: other, job: "", new: '{{ $labels.job }}'}, annotations: {"summary": 'a "quoted" \ back'}}
"#;

const LABELS_TESTS: &str = r#"
tests:
- name: named
  interval: 1m
  input_series: [{series: 'x{job="j", keep="k"}', values: '1'}]
  alert_rule_test:
  - eval_time: 0m
    alertname: A
    exp_alerts:
    - {exp_labels: {b: "2", a: "1", alertname: ignored}, exp_annotations: {z: "1"}}
    - {exp_labels: {b: "1"}}
  promql_expr_test:
  - {expr: 'x', eval_time: 0m, exp_samples: [{labels: 'x{job="j"}', value: 2}, {labels: '{a="b"}'}]}
  - {expr: 'sum(', eval_time: 0m}
  - {expr: 'x[5m]', eval_time: 0m}
"#;

const YAML: &str = r#"
groups:
- name: g
  rules:
  - &base
    alert: A
    expr: 1
    for: 0
    labels: &l {a: 1.0, b: 0500, c: yes, d: 2001-01-01, e: ~, f: 1e3, g: .inf, h: 0x1F, i: 1_000, j: True, k: 0o7, l: null, m: -0, n: "1"}
    annotations:
      block: |
        two
        lines
      folded: >-
        one
        line
      empty:
  - <<: *base
    alert: B
  - alert: C
    expr: 2
    labels: *l
  - alert: D
    expr: 2
    labels:
      <<: *l
      a: x
"#;

const YAML_TESTS: &str = r#"
tests:
- interval: 1m
  alert_rule_test:
  - {eval_time: 0m, alertname: A}
  - {eval_time: 0m, alertname: B}
  - {eval_time: 0m, alertname: C}
  - {eval_time: 0, alertname: D}
"#;
