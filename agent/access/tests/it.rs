//! What real proxies write, and what is counted of it.

#[path = "it/nginx.rs"]
mod nginx;
