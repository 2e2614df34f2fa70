//! `GET /api/v1/openapi.yaml`: what the aggregator serves, for programs that generate clients and tests.
//!
//! [`operations`] has a line for each operation, [`schemas`] the shapes of answers. A test compares the
//! former with the routes, another real answers with the latter. Source: the OpenAPI Specification, 3.1
//! and 3.2, which differ here in the streams only.

mod operations;
mod schemas;
mod yaml;

use std::sync::OnceLock;

use axum::{
    extract::RawQuery,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::params::Params;
use operations::{Access, Answer, Body, OPERATIONS, Operation, Param, Place};

/// Versions of the specification that the document is offered in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V31,
    V32,
}

/// Takes `openapi_version`, `3.1` or `3.2`. As with Prometheus, anything else means 3.1.
///
/// Anybody may ask, so there is no work in it: a body is not looked at, and each document is written
/// once.
pub(crate) async fn serve(RawQuery(query): RawQuery) -> Response {
    static V31: OnceLock<String> = OnceLock::new();
    static V32: OnceLock<String> = OnceLock::new();
    let params = Params::of_query(query.as_deref().unwrap_or_default());
    let (version, written) = match params.get("openapi_version") {
        Some("3.2" | "3.2.0") => (Version::V32, &V32),
        _ => (Version::V31, &V31),
    };
    let written: &'static str = written.get_or_init(|| yaml::write(&document(version)));
    let headers = [
        (header::CONTENT_TYPE, "application/yaml; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
    ];
    (headers, written).into_response()
}

fn document(version: Version) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let (path, is_v1) = match operation.path.strip_prefix(super::V1) {
            Some(path) => (path, true),
            None => (operation.path, false),
        };
        let item = paths.entry(path).or_insert_with(|| match is_v1 {
            true => json!({}),
            false => json!({"servers": [{"url": "/"}]}),
        });
        for method in operation.methods {
            item[*method] = describe(operation, method, version);
        }
    }
    json!({
        "openapi": match version { Version::V31 => "3.1.0", Version::V32 => "3.2.0" },
        "info": {
            "title": "Tidewatch aggregator",
            "description": "The HTTP API of Prometheus, per tenant, and events, commands and usage.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "servers": [{"url": super::V1}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http", "scheme": "bearer",
                    "description": "A token of the configuration. Basic authentication with the \
                                    token as the password is taken too.",
                },
            },
            "schemas": schemas::all(),
            "responses": errors(),
        },
    })
}

fn describe(operation: &Operation, method: &str, version: Version) -> Value {
    let has_form = operation.body == Body::Form && method == "post";
    let mut out = json!({
        "operationId": format!("{method}{}", operation.id),
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": responses(operation, version),
    });
    let in_query = |param: &&Param| param.place == Place::Path || !has_form;
    let parameters: Vec<Value> = operation.params.iter().filter(in_query).map(parameter).collect();
    if !parameters.is_empty() {
        out["parameters"] = parameters.into();
    }
    match operation.access {
        Access::Public => out["security"] = json!([]),
        Access::Anyone => {}
        Access::Scopes(scopes) => {
            let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
            out["description"] = format!("Needs the scope {}.", names.join(" or ")).into();
        }
    }
    match operation.body {
        Body::Form if has_form => out["requestBody"] = form(operation.params),
        Body::None | Body::Form => {}
        Body::Json(schema) => {
            out["requestBody"] = content("application/json", &schemas::reference(schema));
            out["requestBody"]["required"] = true.into();
        }
        Body::Binary(types) => {
            let each = types.iter().map(|kind| ((*kind).to_owned(), json!({})));
            out["requestBody"] =
                json!({"required": true, "content": each.collect::<Map<String, Value>>()});
        }
    }
    out
}

fn parameter(param: &Param) -> Value {
    let mut out = json!({
        "name": param.name,
        "in": match param.place { Place::Path => "path", Place::Query => "query" },
        "required": param.required,
        "description": param.about,
        "schema": param.kind.schema(),
    });
    if param.kind.repeats() {
        out["explode"] = true.into();
    }
    out
}

/// The parameters once more as a form, which `POST` takes beside the query string.
fn form(params: &[Param]) -> Value {
    let fields: Map<String, Value> = params
        .iter()
        .filter(|param| param.place == Place::Query)
        .map(|param| {
            let mut schema = param.kind.schema();
            schema["description"] = param.about.into();
            (param.name.to_owned(), schema)
        })
        .collect();
    content("application/x-www-form-urlencoded", &json!({"type": "object", "properties": fields}))
}

fn content(kind: &str, schema: &Value) -> Value {
    let mut out = json!({"content": {}});
    out["content"][kind] = json!({"schema": schema});
    out
}

fn responses(operation: &Operation, version: Version) -> Value {
    let mut out = Map::new();
    let mut good = |status: &str, about: &str, mut answer: Value| {
        answer["description"] = about.into();
        out.insert(status.to_owned(), answer);
    };
    let envelope = |data: &str| {
        let data = schemas::reference(data);
        content("application/json", &schemas::envelope(&data))
    };
    match operation.answer {
        Answer::Data(data) => good("200", "Success.", envelope(data)),
        Answer::DataOrNothing(data, why) => {
            good("200", "Success.", envelope(data));
            good("204", why, json!({}));
        }
        Answer::Json(schema) => {
            let schema = schemas::reference(schema);
            good("200", "Success.", content("application/json", &schema));
        }
        Answer::Nothing => good("204", "Done.", json!({})),
        Answer::Text(kind) => good("200", "Success.", content(kind, &json!({"type": "string"}))),
        Answer::TextOrLater(kind, later) => {
            let text = content(kind, &json!({"type": "string"}));
            good("200", "Success.", text.clone());
            good("202", later, text);
        }
        Answer::Events(item) => {
            let mut answer = content("text/event-stream", &json!({"type": "string"}));
            if version == Version::V32 {
                let data = json!({
                    "type": "string", "contentMediaType": "application/json",
                    "contentSchema": schemas::reference(item),
                });
                let item = json!({"type": "object", "properties": {"data": data}});
                answer["content"]["text/event-stream"] = json!({"itemSchema": item});
            }
            good("200", "Server-sent events, until either side leaves.", answer);
        }
    }
    if operation.path == operations::NOTIFICATIONS_LIVE {
        good("204", "The token sees no notifications.", json!({}));
    }
    let authenticated: &[u16] = match operation.access {
        Access::Public => &[],
        Access::Anyone => &[401],
        Access::Scopes(_) => &[401, 403],
    };
    for status in authenticated.iter().chain(operation.errors) {
        let reference = json!({"$ref": format!("#/components/responses/{}", error_name(*status))});
        out.insert(status.to_string(), reference);
    }
    Value::Object(out)
}

/// Statuses of errors with their names and meanings.
const ERRORS: [(u16, &str, &str); 13] = [
    (400, "BadData", "A parameter or the body is missing or wrong."),
    (401, "Unauthorized", "There is no token, or it is not valid."),
    (403, "Forbidden", "The token does not permit this, or it is switched off."),
    (405, "MethodNotAllowed", "Another method is meant."),
    (409, "Conflict", "The sender's state is not the receiver's: begin anew."),
    (413, "TooLarge", "The body is too large."),
    (415, "UnsupportedMediaType", "The type or encoding of the body is not known."),
    (422, "Execution", "The request is well-formed and cannot be carried out."),
    (429, "TooManyRequests", "A limit of the caller is reached; try again later."),
    (499, "Canceled", "The client went away."),
    (500, "Internal", "Something is wrong with the server or its data."),
    (503, "Unavailable", "Not ready, out of room, or a timeout."),
    (0, "Error", "Any other error."),
];

fn error_name(status: u16) -> &'static str {
    let found = ERRORS.iter().find(|(known, ..)| *known == status);
    found.map_or("Error", |(_, name, _)| name)
}

fn errors() -> Map<String, Value> {
    let each = ERRORS.iter().map(|(_, name, about)| {
        let mut answer = content("application/json", &schemas::reference("Error"));
        answer["description"] = (*about).into();
        ((*name).to_owned(), answer)
    });
    each.collect()
}

#[cfg(test)]
mod tests;
