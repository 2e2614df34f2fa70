//! The operations. A new route needs an entry here, and a test says so.

use tenancy::access::Scope::{Admin, Agent, Alerting, MetricsRead, MetricsWrite, Operator};

use super::{Access, Answer, Body, Kind, Operation, Param, Place};

const fn query(name: &'static str, kind: Kind, about: &'static str) -> Param {
    Param { name, place: Place::Query, kind, required: false, about }
}

const fn required(name: &'static str, kind: Kind, about: &'static str) -> Param {
    Param { name, place: Place::Query, kind, required: true, about }
}

const fn in_path(name: &'static str, about: &'static str) -> Param {
    Param { name, place: Place::Path, kind: Kind::Text, required: true, about }
}

const GET: &[&str] = &["get"];
const POST: &[&str] = &["post"];
const GET_POST: &[&str] = &["get", "post"];
const PUT: &[&str] = &["put"];
const PUT_POST: &[&str] = &["post", "put"];
const READ: Access = Access::Scopes(&[MetricsRead]);
const OPERATOR: Access = Access::Scopes(&[Operator]);
const ADMIN: Access = Access::Scopes(&[Admin]);
const WRITE: Access = Access::Scopes(&[MetricsWrite, Agent]);
/// Rulers write what rules record.
const REMOTE_WRITE: Access = Access::Scopes(&[MetricsWrite, Agent, Alerting]);
/// What may happen to what is looked up, to queries, to writes and to admin requests.
const LOOK_UP: &[u16] = &[400, 500, 503];
const EVALUATE: &[u16] = &[400, 422, 499, 500, 503];
const STORE: &[u16] = &[400, 413, 415, 429, 500, 503];
const STATES: &[u16] = &[503];
const ADMINISTER: &[u16] = &[400, 422, 500, 503];

const QUERY: Param = required("query", Kind::Text, "A PromQL expression.");
const START: Param = query("start", Kind::Time, "The first time, included.");
const END: Param = query("end", Kind::Time, "The last time, included.");
const LIMIT: Param = query("limit", Kind::Number, "Most results; 0 means all.");
const TIMEOUT: Param =
    query("timeout", Kind::Duration, "Longest evaluation, at most the server's.");
const LOOKBACK: Param = query("lookback_delta", Kind::Duration, "How far back samples count.");
const STATS: Param = query("stats", Kind::Text, "`true` or `all` adds statistics.");
const MATCH: Param = query("match[]", Kind::Texts, "Series selectors, of which one has to match.");
const MATCH_REQUIRED: Param = Param { required: true, ..MATCH };
const WAIT: Param = query("wait", Kind::Duration, "How long to wait for the first, at most 1m.");
const NODE: Param = in_path("node", "The node's name.");
const POOL: Param = query("scrapePool", Kind::Text, "One pool's only.");
const POOL_REQUIRED: Param = Param { required: true, ..POOL };
const AFTER: Param = query("after", Kind::Number, "The id of the last one seen.");
const SEARCH: [Param; 12] = [
    query("search[]", Kind::Texts, "What names should be like, up to 32 terms."),
    query("fuzz_threshold", Kind::Number, "How alike, 0 to 100."),
    query("fuzz_alg", Kind::OneOf(&["subsequence", "jarowinkler"]), "What likeness is."),
    query("case_sensitive", Kind::Flag, "On unless switched off."),
    query("sort_by", Kind::OneOf(&["alpha", "score"]), "By name or by likeness."),
    query("sort_dir", Kind::OneOf(&["asc", "dsc"]), "With `sort_by=alpha`."),
    query("include_score", Kind::Flag, "Adds how alike each is."),
    query("limit", Kind::Number, "Most names, 100 unless given, at most 10000."),
    query("batch_size", Kind::Number, "Names in one line."),
    MATCH,
    START,
    END,
];
const SEARCH_METRICS: &[Param] = &{
    let [a, b, c, d, e, f, g, h, i, j, k, l] = SEARCH;
    let metadata = query("include_metadata", Kind::Flag, "Adds type, help and unit.");
    [a, b, c, d, e, f, g, h, i, j, k, l, metadata]
};
const SEARCH_VALUES: &[Param] = &{
    let [a, b, c, d, e, f, g, h, i, j, k, l] = SEARCH;
    [required("label", Kind::Text, "Whose values."), a, b, c, d, e, f, g, h, i, j, k, l]
};

/// What most operations have; each says what differs.
const PLAIN: Operation = Operation {
    path: "",
    methods: GET,
    id: "",
    tag: "",
    summary: "",
    access: READ,
    params: &[],
    body: Body::None,
    answer: Answer::Nothing,
    errors: LOOK_UP,
};

const fn get(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    answer: Answer,
) -> Operation {
    Operation { path, id, tag, summary, answer, ..PLAIN }
}

/// By `GET`, and by `POST` with a form.
const fn asked(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    answer: Answer,
) -> Operation {
    Operation { methods: GET_POST, body: Body::Form, ..get(path, id, tag, summary, answer) }
}

#[rustfmt::skip] // one line for what is one thought
pub(in super::super) const OPERATIONS: &[Operation] = &[
    // Queries.
    Operation { params: &[QUERY, query("time", Kind::Time, "When; now unless given."), TIMEOUT, LIMIT, LOOKBACK, STATS], errors: EVALUATE,
        ..asked("/api/v1/query", "Query", "query", "Evaluates a query at one time.", Answer::Data("QueryData")) },
    Operation { params: &[QUERY, required("start", Kind::Time, "The first time."), required("end", Kind::Time, "The last time."), required("step", Kind::Duration, "Between two times."), TIMEOUT, LIMIT, LOOKBACK, STATS], errors: EVALUATE,
        ..asked("/api/v1/query_range", "QueryRange", "query", "Evaluates a query over a range of time.", Answer::Data("QueryData")) },
    Operation { params: &[required("query", Kind::Texts, "Up to 32 PromQL expressions."), query("interval", Kind::Duration, "From 250ms to 1m; 1s unless given.")], errors: &[400, 429, 503],
        ..get("/api/v1/query_live", "QueryLive", "query", "Evaluates queries again and again.", Answer::Events("LiveSample")) },
    Operation { params: &[QUERY, START, END],
        ..asked("/api/v1/query_exemplars", "QueryExemplars", "query", "Exemplars of the series that a query selects.", Answer::DataOrNothing("Exemplars", "The query selects no series.")) },
    Operation { params: &[QUERY], errors: &[400],
        ..asked("/api/v1/format_query", "FormatQuery", "query", "Lays a query out.", Answer::Data("Text")) },
    Operation { params: &[QUERY], errors: &[400],
        ..asked("/api/v1/parse_query", "ParseQuery", "query", "The syntax tree of a query.", Answer::Data("Node")) },
    // What there is.
    Operation { params: &[MATCH_REQUIRED, START, END, LIMIT],
        ..asked("/api/v1/series", "Series", "series", "The series that match.", Answer::Data("LabelSets")) },
    Operation { params: &[MATCH, START, END, LIMIT],
        ..asked("/api/v1/labels", "Labels", "labels", "Names of labels.", Answer::Data("Texts")) },
    Operation { params: &[in_path("name", "The label's name, perhaps escaped (`U__`)."), MATCH, START, END, LIMIT],
        ..get("/api/v1/label/{name}/values", "LabelValues", "labels", "Values of a label.", Answer::Data("Texts")) },
    Operation { params: &[query("metric", Kind::Text, "One metric's only."), LIMIT, query("limit_per_metric", Kind::Number, "Most descriptions of one metric.")], errors: &[400],
        ..get("/api/v1/metadata", "Metadata", "metadata", "What metrics are.", Answer::Data("Metadata")) },
    Operation { params: SEARCH_METRICS,
        ..asked("/api/v1/search/metric_names", "SearchMetricNames", "search", "Names of metrics by likeness.", Answer::Text("application/x-ndjson")) },
    Operation { params: &SEARCH,
        ..asked("/api/v1/search/label_names", "SearchLabelNames", "search", "Names of labels by likeness.", Answer::Text("application/x-ndjson")) },
    Operation { params: SEARCH_VALUES,
        ..asked("/api/v1/search/label_values", "SearchLabelValues", "search", "Values of a label by likeness.", Answer::Text("application/x-ndjson")) },
    // Targets, rules and alerts.
    Operation { params: &[query("state", Kind::OneOf(&["active", "dropped", "any"]), "Which; any unless given."), POOL], errors: STATES,
        ..get("/api/v1/targets", "Targets", "targets", "Targets that agents scrape.", Answer::Data("Targets")) },
    Operation { params: &[query("match_target", Kind::Text, "A selector of targets."), query("metric", Kind::Text, "One metric's only."), LIMIT], errors: &[400, 503],
        ..get("/api/v1/targets/metadata", "TargetMetadata", "targets", "What targets say of their metrics.", Answer::Data("TargetMetadata")) },
    Operation { params: &[POOL_REQUIRED, required("labels", Kind::Text, "A label set before relabelling, as a JSON object.")], errors: &[400, 404, 503],
        ..get("/api/v1/targets/relabel_steps", "RelabelSteps", "targets", "How the rules of a pool change a label set, step by step.", Answer::Data("RelabelSteps")) },
    Operation { errors: STATES,
        ..get("/api/v1/scrape_pools", "ScrapePools", "targets", "Names of scrape pools.", Answer::Data("ScrapePools")) },
    Operation { params: &[POOL_REQUIRED], errors: &[400, 404, 503],
        ..get("/api/v1/scrape_pools/config", "ScrapePoolConfig", "targets", "The settings of a scrape pool, without secrets.", Answer::Data("Yaml")) },
    Operation { methods: PUT, access: Access::Scopes(&[Agent]), params: &[NODE], body: Body::Json("Object"), errors: &[400, 413, 415, 429, 503],
        ..get("/api/v1/nodes/{node}/targets", "ReportTargets", "targets", "An agent says how its targets are.", Answer::Nothing) },
    Operation { access: Access::Anyone, errors: &[], ..get("/api/v1/alertmanagers", "Alertmanagers", "alerts", "Alertmanagers that rulers tell; none for who does not see all tenants.", Answer::Data("Object")) },
    Operation { errors: &[400, 503],
        params: &[query("type", Kind::OneOf(&["alert", "record"]), "One kind only."), query("rule_name[]", Kind::Texts, "Rules of these names."), query("rule_group[]", Kind::Texts, "Groups of these names."),
            query("file[]", Kind::Texts, "Rules of these files."), MATCH, query("exclude_alerts", Kind::Flag, "Leaves out the alerts."), query("group_limit", Kind::Number, "Most groups."), query("group_next_token", Kind::Text, "Goes on where an answer ended.")],
        ..get("/api/v1/rules", "Rules", "rules", "Rules and their state.", Answer::Data("Rules")) },
    Operation { errors: STATES,
        ..get("/api/v1/alerts", "Alerts", "alerts", "Alerts that are pending or firing.", Answer::Data("Alerts")) },
    Operation { methods: PUT, access: Access::Scopes(&[Alerting]), params: &[in_path("name", "The ruler's name.")], body: Body::Json("Object"), errors: &[400, 413, 429, 503],
        ..get("/api/v1/rulers/{name}/rules", "ReportRules", "rules", "A ruler says how its rules are.", Answer::Data("Nothing")) },
    // Writing and reading remotely.
    Operation { methods: POST, access: REMOTE_WRITE, errors: STORE, body: Body::Binary(&["application/x-protobuf"]),
        ..get("/api/v1/write", "Write", "remote", "Remote write, 1.0 and 2.0.", Answer::Nothing) },
    Operation { methods: POST, access: WRITE, errors: &[400, 409, 413, 415, 429, 500, 503], body: Body::Binary(&["application/vnd.tidewatch.frames"]),
        ..get("/api/v1/frames", "Frames", "remote", "An agent's ticks as frames.", Answer::Nothing) },
    Operation { methods: POST, access: WRITE, errors: STORE, body: Body::Binary(&["application/x-protobuf", "application/json"]),
        ..get("/api/v1/otlp/v1/metrics", "Otlp", "otlp", "Metrics of OpenTelemetry.", Answer::Json("Object")) },
    Operation { methods: POST, access: WRITE, errors: &[], body: Body::Binary(&["application/grpc"]),
        ..get(crate::ingest::otlp::grpc::PATH, "OtlpGrpc", "otlp", "Metrics of OpenTelemetry by gRPC.", Answer::Text("application/grpc")) },
    Operation { methods: POST, body: Body::Binary(&["application/x-protobuf"]), errors: &[400, 413, 415, 422, 499, 500, 503],
        ..get("/api/v1/read", "Read", "remote", "Remote read, samples or chunks.", Answer::Text("application/x-protobuf")) },
    Operation { params: &[MATCH_REQUIRED],
        ..get("/federate", "Federate", "remote", "The newest samples of the series that match.", Answer::Text("text/plain")) },
    // The aggregator itself.
    Operation { access: Access::Anyone, errors: &[], ..get("/api/v1/me", "Me", "status", "What the token permits.", Answer::Data("Me")) },
    Operation { access: Access::Scopes(&[MetricsRead, MetricsWrite]), params: &[query("limit", Kind::Number, "Most tenants.")], errors: &[400],
        ..get("/api/v1/usage", "Usage", "status", "What tenants use of what they may.", Answer::Data("Usages")) },
    Operation { access: Access::Anyone, errors: &[], ..get("/api/v1/features", "Features", "features", "What is switched on.", Answer::Data("Features")) },
    Operation { access: Access::Anyone, errors: &[], ..get("/api/v1/status/buildinfo", "BuildInfo", "status", "Which version this is.", Answer::Data("BuildInfo")) },
    Operation { access: OPERATOR, errors: &[], ..get("/api/v1/status/runtimeinfo", "RuntimeInfo", "status", "How the process is.", Answer::Data("RuntimeInfo")) },
    Operation { access: OPERATOR, errors: &[], ..get("/api/v1/status/config", "Config", "status", "The configuration.", Answer::Data("Config")) },
    Operation { access: OPERATOR, errors: &[], ..get("/api/v1/status/flags", "Flags", "status", "The settings by the names of Prometheus' flags.", Answer::Data("Flags")) },
    Operation { params: &[query("limit", Kind::Number, "Most entries of each list, 1 to 10000; 10 unless given.")],
        ..get("/api/v1/status/tsdb", "Tsdb", "status", "What series there are, by their labels.", Answer::Data("TsdbStatus")) },
    get("/api/v1/status/tsdb/blocks", "TsdbBlocks", "status", "Blocks with the caller's samples.", Answer::Data("TsdbBlocks")),
    Operation { access: OPERATOR, params: &[query("metric_name_pattern", Kind::Text, "A regular expression for the whole name.")], errors: &[400, 500],
        ..get("/api/v1/status/self_metrics", "SelfMetrics", "status", "The aggregator's own metrics.", Answer::Data("SelfMetrics")) },
    Operation { access: Access::Anyone, errors: &[], ..get("/api/v1/status/walreplay", "WalReplay", "status", "How far the log is replayed.", Answer::Data("WalReplay")) },
    Operation { access: Access::Anyone, errors: &[], ..get("/api/v1/notifications", "Notifications", "notifications", "What an operator should know now.", Answer::Data("Notifications")) },
    Operation { access: Access::Anyone, errors: &[429], ..get(super::NOTIFICATIONS_LIVE, "NotificationsLive", "notifications", "The same, as it changes.", Answer::Events("Notification")) },
    Operation { access: Access::Public, errors: &[], params: &[query("openapi_version", Kind::OneOf(&["3.1", "3.2"]), "3.1 unless given.")],
        ..get("/api/v1/openapi.yaml", "OpenApi", "status", "This document.", Answer::Text("application/yaml")) },
    Operation { access: Access::Public, errors: &[], ..get("/version", "Version", "status", "Which version this is.", Answer::Json("BuildInfo")) },
    Operation { access: Access::Public, errors: &[], ..get("/metrics", "Metrics", "status", "The aggregator's own metrics.", Answer::Text("application/openmetrics-text")) },
    Operation { access: Access::Public, errors: &[], ..get("/-/healthy", "Healthy", "status", "Whether the process answers.", Answer::Text("text/plain")) },
    Operation { access: Access::Public, errors: &[503], ..get("/-/ready", "Ready", "status", "Whether it can serve.", Answer::Text("text/plain")) },
    Operation { methods: PUT_POST, access: Access::Public, errors: &[403, 405, 500, 503], ..get("/-/reload", "Reload", "admin", "Reads the configuration again.", Answer::TextOrLater("text/plain", "It takes long, and goes on.")) },
    Operation { methods: PUT_POST, access: Access::Public, errors: &[403, 405], ..get("/-/quit", "Quit", "admin", "Stops gracefully.", Answer::Text("text/plain")) },
    // Administration.
    Operation { methods: PUT_POST, access: ADMIN, params: &[query("skip_head", Kind::Flag, "Leaves out what is in no block yet.")], errors: ADMINISTER,
        ..get("/api/v1/admin/tsdb/snapshot", "Snapshot", "admin", "Copies everything.", Answer::Data("Snapshot")) },
    Operation { methods: PUT_POST, access: ADMIN, params: &[MATCH_REQUIRED, START, END], errors: ADMINISTER,
        ..get("/api/v1/admin/tsdb/delete_series", "DeleteSeries", "admin", "Deletes samples.", Answer::Nothing) },
    Operation { methods: PUT_POST, access: ADMIN, errors: ADMINISTER,
        ..get("/api/v1/admin/tsdb/clean_tombstones", "CleanTombstones", "admin", "Makes the room of deleted samples free.", Answer::Nothing) },
    // Events, commands, remediation.
    Operation { access: Access::Scopes(&[MetricsRead, Alerting]), errors: &[400, 429, 503],
        params: &[AFTER, query("limit", Kind::Number, "Most events, at most 1000; 200 unless given."), query("tenant", Kind::Text, "This tenant's only."), query("app", Kind::Text, "This app's only."), query("since", Kind::Time, "Not before."), WAIT],
        ..get("/api/v1/events", "Events", "events", "Events of the timeline.", Answer::Data("EventPage")) },
    Operation { methods: POST, access: Access::Scopes(&[Agent, Alerting]), body: Body::Json("Events"), errors: &[400, 413, 503],
        ..get("/api/v1/events", "Events", "events", "Adds events to the timeline.", Answer::Data("Ids")) },
    Operation { access: Access::Scopes(&[MetricsRead, Alerting]), params: &[AFTER], errors: &[400, 429],
        ..get("/api/v1/events/stream", "EventStream", "events", "Events as they happen.", Answer::Events("Event")) },
    Operation { access: Access::Scopes(&[Agent]), params: &[NODE, AFTER, WAIT], errors: &[400],
        ..get("/api/v1/nodes/{node}/commands", "Commands", "nodes", "Commands for a node.", Answer::Data("Commands")) },
    Operation { methods: POST, access: Access::Scopes(&[Alerting]), params: &[NODE], body: Body::Json("Command"), errors: &[400, 413, 429],
        ..get("/api/v1/nodes/{node}/commands", "Command", "nodes", "Queues a command for a node.", Answer::Data("Id")) },
    Operation { methods: POST, access: OPERATOR, body: Body::Json("Resume"), errors: &[400, 413, 503],
        ..get("/api/v1/remediation/resume", "Resume", "remediation", "Ends a quarantine.", Answer::Data("Ids")) },
];
