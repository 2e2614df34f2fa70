//! Which format a scraper wants, and which one a target sent.

use super::{Escaping, protobuf::CONTENT_TYPE_PROTOBUF};

/// The two families of text formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// Prometheus text, 0.0.4 or 1.0.0: they differ only in what names may be.
    #[default]
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// What a target's `Content-Type` says; text when it says nothing.
    pub fn of_content_type(content_type: Option<&str>) -> Self {
        let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or("");
        if media_type.trim().eq_ignore_ascii_case("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }
}

/// A text format to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Exposition {
    pub format: Format,
    pub escaping: Escaping,
}

/// What a scraper is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accepted {
    Text(Exposition),
    /// Protobuf messages, each with its length before it: the only form with native histograms.
    Protobuf(Escaping),
}

impl Default for Accepted {
    fn default() -> Self {
        Self::Text(Exposition::default())
    }
}

impl Accepted {
    /// The best of what an `Accept` header asks for: by weight, then by order. Formats that are
    /// not spoken here are passed over; text 0.0.4 is always acceptable.
    pub fn negotiate(accept: Option<&str>) -> Self {
        let mut best = (0.0, Self::default());
        for offer in accept.unwrap_or("").split(',') {
            if let Some((weight, accepted)) = Self::of_offer(offer)
                && weight > best.0
            {
                best = (weight, accepted);
            }
        }
        best.1
    }

    fn of_offer(offer: &str) -> Option<(f64, Self)> {
        let mut parts = offer.split(';').map(str::trim);
        let media_type = parts.next()?.to_ascii_lowercase();
        let (mut weight, mut version, mut escaping) = (1.0, "", Escaping::default());
        let (mut proto, mut encoding) = ("", "");
        for part in parts {
            match part.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
                Some(("q", value)) => weight = value.parse().ok()?,
                Some(("version", value)) => version = value,
                // An unknown scheme is as good as none, as Prometheus has it.
                Some(("escaping", value)) => escaping = Escaping::named(value).unwrap_or_default(),
                Some(("proto", value)) => proto = value,
                Some(("encoding", value)) => encoding = value,
                _ => {}
            }
        }
        let text = |format| {
            // Older versions of the text formats cannot quote names.
            let quoting = escaping == Escaping::AllowUtf8 && version != "1.0.0";
            let escaping = if quoting { Escaping::default() } else { escaping };
            Some((weight, Self::Text(Exposition { format, escaping })))
        };
        match (media_type.as_str(), version) {
            ("application/openmetrics-text", "" | "1.0.0" | "0.0.1") => text(Format::OpenMetrics),
            ("text/plain", "" | "0.0.4" | "1.0.0") => text(Format::Text),
            ("text/*" | "*/*", "" | "0.0.4") => text(Format::Text),
            ("application/vnd.google.protobuf", _)
                if proto == "io.prometheus.client.MetricFamily" && encoding == "delimited" =>
            {
                Some((weight, Self::Protobuf(escaping)))
            }
            _ => None,
        }
    }

    /// The `Content-Type` to answer with.
    pub fn content_type(self) -> String {
        match self {
            Self::Protobuf(escaping) => {
                format!("{CONTENT_TYPE_PROTOBUF}; escaping={}", escaping.as_str())
            }
            Self::Text(Exposition { format, escaping }) => {
                let media_type = match (format, escaping) {
                    (Format::Text, Escaping::AllowUtf8) => "text/plain; version=1.0.0",
                    (Format::Text, _) => "text/plain; version=0.0.4",
                    (Format::OpenMetrics, _) => "application/openmetrics-text; version=1.0.0",
                };
                format!("{media_type}; charset=utf-8; escaping={}", escaping.as_str())
            }
        }
    }
}

#[cfg(test)]
mod tests;
