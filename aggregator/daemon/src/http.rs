//! The HTTP client that daemons speak with: rustls with ring, bounded in time.

use std::{sync::Once, time::Duration};

/// Makes ring the process's TLS provider. Safe to call again.
pub fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::ring::default_provider().install_default().is_err() {
            tracing::debug!("a TLS provider was installed already");
        }
    });
}

#[derive(Debug, thiserror::Error)]
#[error("cannot build the HTTP client: {0}")]
pub struct ClientError(#[from] reqwest::Error);

/// A client that gives up on connecting after 5 s and on a request after `timeout`. It follows no
/// redirect and no proxy variable: its peers are named in configuration.
pub fn client(timeout: Duration) -> Result<reqwest::Client, ClientError> {
    install_crypto();
    let client = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("tidewatch/", env!("CARGO_PKG_VERSION")))
        .build()?;
    Ok(client)
}
