//! Logs for people and machines, and traces of our own work.
//!
//! Logs go to standard error: coloured text on a terminal, one JSON object a line otherwise. Spans
//! are exported by OTLP over HTTP when an endpoint is configured; that is off by default.

use std::{io::IsTerminal, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use serde::Deserialize;
use tracing_subscriber::{
    EnvFilter, Layer, filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt,
};

/// The `[telemetry]` section.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What to log, in the form of `tracing`'s filter: `info`, `warn,tsdb=debug`.
    pub log: String,
    pub format: Format,
    /// Base address of an OTLP/HTTP receiver, such as `http://127.0.0.1:4318`; empty for none.
    pub otlp_endpoint: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    Text,
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self { log: "info".to_owned(), format: Format::Auto, otlp_endpoint: String::new() }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("invalid log filter {filter:?}: {message}")]
    Filter { filter: String, message: String },
    #[error("cannot export traces to {endpoint}: {message}")]
    Exporter { endpoint: String, message: String },
}

/// Flushes spans when dropped; keep it until the daemon ends.
#[derive(Debug)]
#[must_use = "spans are flushed when this is dropped"]
pub struct Guard {
    provider: Option<SdkTracerProvider>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(provider) = self.provider.take()
            && let Err(error) = provider.shutdown_with_timeout(Duration::from_secs(2))
        {
            tracing::warn!(%error, "last spans were not exported");
        }
    }
}

/// Turns logs and traces on for the whole process. A second call in one process changes nothing.
pub fn init(service: &'static str, settings: &Settings) -> Result<Guard, TelemetryError> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|error| TelemetryError::Filter {
        filter: settings.log.clone(),
        message: error.to_string(),
    })?;
    let text = match settings.format {
        Format::Text => true,
        Format::Json => false,
        Format::Auto => std::io::stderr().is_terminal(),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // The filter is for lines only: how much is logged does not change what is traced.
    let lines = if text {
        lines
            .with_target(false)
            .with_ansi(std::io::stderr().is_terminal())
            .with_filter(filter)
            .boxed()
    } else {
        lines.json().flatten_event(true).with_filter(filter).boxed()
    };
    let provider = match settings.otlp_endpoint.as_str() {
        "" => None,
        endpoint => Some(exporter(service, endpoint)?),
    };
    let spans = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer(service)))
        .map(|spans| spans.with_filter(LevelFilter::INFO));
    let registry = tracing_subscriber::registry().with(lines).with(spans);
    if registry.try_init().is_err() {
        tracing::debug!("logging was on already");
    }
    Ok(Guard { provider })
}

fn exporter(service: &'static str, endpoint: &str) -> Result<SdkTracerProvider, TelemetryError> {
    let fault =
        |message: String| TelemetryError::Exporter { endpoint: endpoint.to_owned(), message };
    crate::http::install_crypto();
    // The batch processor owns a thread that may block, so the blocking client belongs to it; it
    // must be built away from the async runtime, which it would otherwise refuse to block.
    let client = std::thread::spawn(|| {
        reqwest::blocking::Client::builder().timeout(Duration::from_secs(5)).build()
    })
    .join()
    .map_err(|_panic| fault("client could not be built".to_owned()))?
    .map_err(|error| fault(error.to_string()))?;
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()
        .map_err(|error| fault(error.to_string()))?;
    let resource = Resource::builder().with_service_name(service).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// An error with all its sources, for the one log line where it is handled.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
