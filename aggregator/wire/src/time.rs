//! Times as Go writes them in JSON.

use model::time::Timestamp;

/// What Go writes for no time at all.
pub const NEVER: &str = "0001-01-01T00:00:00Z";

/// RFC 3339; [`NEVER`] for what is beyond the calendar.
pub fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.millis())
        .map_or_else(|_| NEVER.to_owned(), |at| at.to_string())
}

/// The same of what may not have happened yet.
pub fn rfc3339_or_never(at: Option<Timestamp>) -> String {
    at.map_or_else(|| NEVER.to_owned(), rfc3339)
}

#[cfg(test)]
mod tests;
