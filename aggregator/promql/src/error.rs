//! Why a query has no answer.

use model::query::QueryError;

/// An evaluation that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The caller's `cancelled` turned true: the client left or its time is up.
    #[error("query was canceled in expression evaluation")]
    Cancelled,
    /// Worded as Prometheus words its limit of samples.
    #[error("query processing would load too many samples into memory in query execution")]
    TooManySamples,
    /// Another limit of the engine or the caller.
    #[error("query exceeds the limit of {limit} {what}")]
    Limit { what: &'static str, limit: u64 },
    /// The query cannot be evaluated at these times, whatever the data.
    #[error("{0}")]
    Query(String),
    /// The query cannot be evaluated on this data.
    #[error("{0}")]
    Execution(String),
    /// The store failed.
    #[error("expanding series: {0}")]
    Storage(#[source] QueryError),
}

impl From<QueryError> for EvalError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Cancelled => Self::Cancelled,
            QueryError::Limit { what, limit } => Self::Limit { what, limit },
            error => Self::Storage(error),
        }
    }
}

/// An error of the query itself.
pub(crate) fn invalid<T>(message: impl Into<String>) -> Result<T, EvalError> {
    Err(EvalError::Query(message.into()))
}

/// An error about the data.
pub(crate) fn execution<T>(message: impl Into<String>) -> Result<T, EvalError> {
    Err(EvalError::Execution(message.into()))
}
