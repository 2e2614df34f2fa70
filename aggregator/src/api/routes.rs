//! Routes that remember their paths and methods, so that the description of the API can be compared with
//! what is served.

use axum::{
    Router,
    handler::Handler,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};

/// What answers one path, method by method.
pub(crate) struct Methods<S> {
    methods: Vec<Method>,
    router: MethodRouter<S>,
}

/// One path with its methods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) path: String,
    pub(crate) methods: Vec<Method>,
}

/// A router in the making.
pub(crate) struct Routes<S> {
    prefix: &'static str,
    router: Router<S>,
    served: Vec<Served>,
}

pub(crate) fn get<H, T, S>(handler: H) -> Methods<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    Methods { methods: vec![Method::GET], router: on(MethodFilter::GET, handler) }
}

pub(crate) fn post<H, T, S>(handler: H) -> Methods<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    Methods { methods: vec![Method::POST], router: on(MethodFilter::POST, handler) }
}

pub(crate) fn put<H, T, S>(handler: H) -> Methods<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    Methods { methods: vec![Method::PUT], router: on(MethodFilter::PUT, handler) }
}

impl<S: Clone + Send + Sync + 'static> Methods<S> {
    pub(crate) fn post<H: Handler<T, S>, T: 'static>(mut self, handler: H) -> Self {
        self.methods.push(Method::POST);
        Self { router: self.router.on(MethodFilter::POST, handler), ..self }
    }

    pub(crate) fn put<H: Handler<T, S>, T: 'static>(mut self, handler: H) -> Self {
        self.methods.push(Method::PUT);
        Self { router: self.router.on(MethodFilter::PUT, handler), ..self }
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// All paths come below `prefix`, which may be empty.
    pub(crate) fn below(prefix: &'static str) -> Self {
        Self { prefix, router: Router::new(), served: Vec::new() }
    }

    pub(crate) fn route(mut self, path: &str, methods: Methods<S>) -> Self {
        let path = format!("{}{path}", self.prefix);
        self.router = self.router.route(&path, methods.router);
        self.served.push(Served { path, methods: methods.methods });
        self
    }

    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.served.extend(other.served);
        Self { router: self.router.merge(other.router), ..self }
    }

    /// The router, which tells those who use the wrong method so.
    pub(crate) fn into_router(self) -> Router<S> {
        self.router.method_not_allowed_fallback(wrong_method)
    }

    #[cfg(test)]
    pub(crate) fn served(&self) -> &[Served] {
        &self.served
    }
}

async fn wrong_method() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n").into_response()
}
