//! Which format a scraper wants, and which one a target sent.

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

/// A format to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Exposition {
    pub format: Format,
    /// Whether names may be any UTF-8 string, in quotes; otherwise what is not allowed in an
    /// identifier becomes `_`.
    pub utf8_names: bool,
}

impl Exposition {
    /// The best of what an `Accept` header asks for: by weight, then by order. Formats that are
    /// not spoken here are passed over; text 0.0.4 is always acceptable.
    pub fn negotiate(accept: Option<&str>) -> Self {
        let mut best = (0.0, Self::default());
        for offer in accept.unwrap_or("").split(',') {
            if let Some((weight, exposition)) = Self::of_offer(offer)
                && weight > best.0
            {
                best = (weight, exposition);
            }
        }
        best.1
    }

    fn of_offer(offer: &str) -> Option<(f64, Self)> {
        let mut parts = offer.split(';').map(str::trim);
        let media_type = parts.next()?.to_ascii_lowercase();
        let (mut weight, mut version, mut utf8_names) = (1.0, "", false);
        for part in parts {
            match part.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
                Some(("q", value)) => weight = value.parse().ok()?,
                Some(("version", value)) => version = value,
                Some(("escaping", value)) => utf8_names = value == "allow-utf-8",
                _ => {}
            }
        }
        match (media_type.as_str(), version) {
            ("application/openmetrics-text", "" | "1.0.0" | "0.0.1") => {
                let utf8_names = utf8_names && version == "1.0.0";
                Some((weight, Self { format: Format::OpenMetrics, utf8_names }))
            }
            ("text/plain", "1.0.0") => Some((weight, Self { format: Format::Text, utf8_names })),
            ("text/plain" | "text/*" | "*/*", "" | "0.0.4") => Some((weight, Self::default())),
            _ => None,
        }
    }

    /// The `Content-Type` to answer with.
    pub fn content_type(self) -> &'static str {
        match (self.format, self.utf8_names) {
            (Format::Text, false) => "text/plain; version=0.0.4; charset=utf-8",
            (Format::Text, true) => {
                "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            }
            (Format::OpenMetrics, false) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
            (Format::OpenMetrics, true) => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            }
        }
    }
}

#[cfg(test)]
mod tests;
