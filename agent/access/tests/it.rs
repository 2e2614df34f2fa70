//! What real proxies write, and what is counted of it.

#[path = "it/envoy.rs"]
mod envoy;
#[path = "it/nginx.rs"]
mod nginx;
