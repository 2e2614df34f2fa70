//! JSON access logs: the usual names of nginx' variables and of Envoy's command operators.
//!
//! A format is what an operator wrote down, so values come as numbers or as text, and one fact may
//! come under several names; the more exact name wins. Names that are not known are passed over.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Fields, LogError, LogLine, request_line, scaled, status};

/// `named` are further fields to be kept.
pub(super) fn parse<'a>(
    text: &'a str,
    named: &[&str; Fields::COUNT],
) -> Result<LogLine<'a>, LogError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let facts = reader.deserialize_map(FactsVisitor { named }).map_err(|_| LogError::Json)?;
    facts.line()
}

/// Known facts by name, in order of exactness where several names state one.
#[derive(Debug, Default)]
struct Facts<'a> {
    values: [Option<Cow<'a, str>>; NAMES.len()],
    named: [Cow<'a, str>; Fields::COUNT],
}

/// Names in lower case.
const NAMES: [&str; 22] = [
    "status",
    "response_code",
    "request_time",
    "duration",
    "request_method",
    "method",
    "request_uri",
    "path",
    "uri",
    "request",
    "authority",
    "host",
    "http_host",
    "server_name",
    "body_bytes_sent",
    "bytes_sent",
    "bytes_received",
    "request_length",
    "upstream_cluster",
    "route_name",
    "response_flags",
    "duration_ms",
];

/// Powers of ten from seconds and from milliseconds to microseconds.
const SECONDS: u32 = 6;
const MILLIS: u32 = 3;

impl<'a> Facts<'a> {
    fn line(mut self) -> Result<LogLine<'a>, LogError> {
        let code = self
            .first(&["response_code", "status"])
            .and_then(|text| status(&text))
            .ok_or(LogError::NoStatus)?;
        let duration_micros = self
            .first(&["request_time"])
            .and_then(|text| scaled(&text, SECONDS))
            .or_else(|| scaled(&self.first(&["duration", "duration_ms"])?, MILLIS));
        let number = |text: Option<Cow<'a, str>>| text?.parse().ok();
        let request_bytes = number(self.first(&["bytes_received", "request_length"]));
        let response_bytes = number(self.first(&["body_bytes_sent", "bytes_sent"]));
        let request = self.first(&["request"]).unwrap_or_default();
        let (method, path) = request_line(&request).unwrap_or_default();
        Ok(LogLine {
            authority: self.text(&["authority", "host", "http_host", "server_name"]),
            upstream_cluster: self.text(&["upstream_cluster"]),
            route_name: self.text(&["route_name"]),
            response_flags: self.text(&["response_flags"]),
            method: self
                .first(&["request_method", "method"])
                .unwrap_or_else(|| Cow::Owned(method.to_owned())),
            path: self
                .first(&["request_uri", "path", "uri"])
                .unwrap_or_else(|| Cow::Owned(path.to_owned())),
            code,
            duration_micros,
            request_bytes,
            response_bytes,
            connection: false,
            named: self.named,
        })
    }

    /// Takes the value of the first of these names that has one; `-` and nothing are none.
    fn first(&mut self, names: &[&str]) -> Option<Cow<'a, str>> {
        names.iter().find_map(|name| {
            let index = NAMES.iter().position(|known| known == name)?;
            let value = self.values.get_mut(index)?.take()?;
            (!matches!(&*value, "" | "-")).then_some(value)
        })
    }

    fn text(&mut self, names: &[&str]) -> Cow<'a, str> {
        self.first(names).unwrap_or_default()
    }
}

struct FactsVisitor<'n> {
    named: &'n [&'n str; Fields::COUNT],
}

impl<'de> Visitor<'de> for FactsVisitor<'_> {
    type Value = Facts<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Facts<'de>, A::Error> {
        let mut facts = Facts::default();
        while let Some(Text(name)) = map.next_key()? {
            let name = name.unwrap_or_default();
            let is = |known: &str| known.eq_ignore_ascii_case(&name);
            let known = NAMES.iter().position(|known| is(known));
            let named = self.named.iter().map(|own| !own.is_empty() && is(own));
            if known.is_none() && !named.clone().any(|own| own) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<Text<'_>>()?.0;
            for (slot, _) in facts.named.iter_mut().zip(named).filter(|(_, own)| *own) {
                *slot = value.clone().unwrap_or_default();
            }
            if let Some(slot) = known.and_then(|index| facts.values.get_mut(index)) {
                *slot = value;
            }
        }
        Ok(facts)
    }
}

/// Text or a number as text; `None` for anything else.
struct Text<'a>(Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}
