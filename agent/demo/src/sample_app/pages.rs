//! The app's routes: which request costs what and is answered how.

use std::time::Duration;

use hyper::{Method, StatusCode};

use super::{serve::App, work::burn};
use crate::fleet::Personality;

/// Items there are; others are not found.
pub(super) const ITEMS: u64 = 1000;
/// The longest work that can be asked for.
const WORK_MAX: Duration = Duration::from_secs(5);
/// What part of asked-for work is computing rather than waiting.
const WORK_COMPUTED: u32 = 5;

/// An answer, and how long it waits for something else before it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: String,
    pub(super) wait: Duration,
}

impl Answer {
    fn text(status: StatusCode, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/plain", body: body.into(), wait: Duration::ZERO }
    }
}

/// Does the work and gives the answer.
pub(super) fn answer(app: &App, method: &Method, path: &str, query: Option<&str>) -> Answer {
    if app.is_failing() {
        return match path {
            "/healthz" => Answer::text(StatusCode::SERVICE_UNAVAILABLE, "database unreachable\n"),
            _ => Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n"),
        };
    }
    let read = matches!(*method, Method::GET | Method::HEAD);
    match path {
        "/healthz" => Answer::text(StatusCode::OK, "ok\n"),
        "/" if read => home(app),
        "/work" if read => work(query),
        "/items" if *method == Method::POST => {
            burn(cost(app).saturating_mul(2));
            app.record(&[b'i'; 4096]);
            Answer::text(StatusCode::CREATED, "created\n")
        }
        _ => match path.strip_prefix("/items/") {
            Some(id) if read => item(app, id),
            _ => Answer::text(StatusCode::NOT_FOUND, "not found\n"),
        },
    }
}

/// What an ordinary request costs to compute.
fn cost(app: &App) -> Duration {
    Duration::from_micros(match app.args.personality {
        Personality::Shop => 900,
        Personality::Api => 400,
        Personality::Worker => 200,
    })
}

fn home(app: &App) -> Answer {
    burn(cost(app));
    let name = &app.args.name;
    if app.args.personality != Personality::Shop {
        let body = format!("{{\"name\":\"{name}\",\"cached\":{}}}\n", app.cached());
        return Answer { content_type: "application/json", ..Answer::text(StatusCode::OK, body) };
    }
    let mut body = format!("<!doctype html><title>{name}</title><ul>\n");
    for id in 0..100 {
        body.push_str(&format!("<li><a href=\"items/{id}\">Item {id} of {ITEMS}</a></li>\n"));
    }
    body.push_str("</ul>\n");
    Answer { content_type: "text/html", ..Answer::text(StatusCode::OK, body) }
}

/// `ms=N`: so many milliseconds, of which a part is spent computing.
fn work(query: Option<&str>) -> Answer {
    let asked = query.and_then(|query| query.strip_prefix("ms=")?.parse().ok());
    let Some(asked) = asked.map(Duration::from_millis) else {
        return Answer::text(StatusCode::BAD_REQUEST, "use ?ms=N\n");
    };
    let asked = asked.min(WORK_MAX);
    let computed = asked / WORK_COMPUTED;
    burn(computed);
    Answer { wait: asked.saturating_sub(computed), ..Answer::text(StatusCode::OK, "done\n") }
}

fn item(app: &App, id: &str) -> Answer {
    burn(cost(app));
    let Some(id) = id.parse().ok().filter(|&id| id < ITEMS) else {
        return Answer::text(StatusCode::NOT_FOUND, "no such item\n");
    };
    let (checksum, cached) = app.item(id);
    app.record(format!("read {id}\n").as_bytes());
    let body = format!("{{\"id\":{id},\"checksum\":{checksum},\"cached\":{cached}}}\n");
    Answer { content_type: "application/json", ..Answer::text(StatusCode::OK, body) }
}
