//! Who may see and write what: tokens, scopes, and the set of tenants that a request may touch.
//!
//! A request carries a bearer token; [`token::Tokens::authenticate`] turns it into an
//! [`access::Access`], and everything behind it asks that value and nothing else. There is no way to
//! get an `Access` for a tenant that the token does not name.

pub mod access;
pub mod token;
