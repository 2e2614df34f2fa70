//! The JSON form of health checks in DigitalOcean's App Platform: `health_check` and
//! `liveness_health_check` of a component.
//!
//! Source: `app_health_check_spec.yml` in digitalocean/openapi.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Check, Connection, Draft, HttpGet, InvalidSpec, Purpose, Spec};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HealthCheck {
    /// Absent or empty: a TCP check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_path: Option<String>,
    /// The component's port when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// 0 to 3600; 5 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_delay_seconds: Option<u32>,
    /// 1 to 300; 10 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_seconds: Option<u32>,
    /// 1 to 120; 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// 1, also when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_threshold: Option<u32>,
    /// 1 to 50; 18 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<u32>,
}

impl HealthCheck {
    /// Fills in defaults and checks. `health_check` is [`Purpose::Readiness`],
    /// `liveness_health_check` is [`Purpose::Liveness`].
    pub fn into_spec(self, purpose: Purpose, component_port: u16) -> Result<Spec, InvalidSpec> {
        let number = |field, value: Option<u32>, low: u32, high: u32, default: u32| {
            let value = value.unwrap_or(default);
            let fits = (low..=high).contains(&value);
            super::in_range(field, fits, format!("{low} to {high}")).map(|()| value)
        };
        let seconds = |value: u32| Duration::from_secs(value.into());
        let port = self.port.unwrap_or(component_port);
        let check = match self.http_path.as_deref() {
            None | Some("") => Check::Tcp { port },
            Some(path) => Check::Http(HttpGet::new(port, path)),
        };
        Spec::new(Draft {
            suffix: String::new(),
            purpose,
            check,
            connection: Connection::Fresh,
            period: seconds(number("period_seconds", self.period_seconds, 1, 300, 10)?),
            timeout: seconds(number("timeout_seconds", self.timeout_seconds, 1, 120, 1)?),
            initial_delay: seconds(number(
                "initial_delay_seconds",
                self.initial_delay_seconds,
                0,
                3600,
                5,
            )?),
            failure_threshold: number("failure_threshold", self.failure_threshold, 1, 50, 18)?,
            success_threshold: number("success_threshold", self.success_threshold, 1, 1, 1)?,
            recheck: None,
        })
    }
}
