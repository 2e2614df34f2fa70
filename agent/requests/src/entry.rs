//! One request, as the recorder wants it.

/// One finished request, or connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry<'a> {
    pub tenant: &'a str,
    pub app: &'a str,
    /// Empty where unknown, as are the fields after it.
    pub component: &'a str,
    /// The pod or process that served it.
    pub instance: &'a str,
    /// A class of paths with few members ([`crate::route::route_class`]), or the proxy's own name
    /// of the route.
    pub route: &'a str,
    /// The method as sent; it is counted under its [`method_class`].
    pub method: &'a str,
    /// The response's status, 0 when there was no response (as Envoy writes it).
    pub code: u16,
    /// `None` where the source does not say: the request is then counted without a latency.
    pub duration_micros: Option<u64>,
    pub request_bytes: Option<u64>,
    pub response_bytes: Option<u64>,
    /// A connection of which no more is known than its bytes: counted apart from requests.
    pub connection: bool,
}

const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];

/// The standard methods (RFC 9110, 5789) in capitals, and `OTHER`: clients may send anything.
pub fn method_class(method: &str) -> &'static str {
    METHODS.into_iter().find(|known| known.eq_ignore_ascii_case(method)).unwrap_or("OTHER")
}

/// A class of status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CodeClass {
    /// No response, or a code outside of 100 to 599.
    None,
    Informational,
    Success,
    Redirection,
    ClientError,
    ServerError,
}

impl CodeClass {
    pub const COUNT: usize = 6;
    pub const ALL: [Self; Self::COUNT] = [
        Self::None,
        Self::Informational,
        Self::Success,
        Self::Redirection,
        Self::ClientError,
        Self::ServerError,
    ];

    pub fn of(code: u16) -> Self {
        match code {
            100..=199 => Self::Informational,
            200..=299 => Self::Success,
            300..=399 => Self::Redirection,
            400..=499 => Self::ClientError,
            500..=599 => Self::ServerError,
            _ => Self::None,
        }
    }

    /// As a label: `2xx`, and `0` for none.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Informational => "1xx",
            Self::Success => "2xx",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
        }
    }
}
