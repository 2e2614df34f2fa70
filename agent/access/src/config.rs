//! `[[agent.access_logs]]` and `[agent.requests]`.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use requests::{
    log::Format,
    owner::{Attribution, InvalidAttribution},
};
use serde::Deserialize;

/// Sources of one agent.
pub const SOURCES_MAX: usize = 256;

/// One source. Exactly one of `file`, `syslog_socket`, `syslog_udp` and `envoy` says where it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceSettings {
    /// Tells it from others in metrics and in what is kept over a restart.
    pub name: String,
    /// An access log, followed through rotation.
    pub file: PathBuf,
    /// A Unix datagram socket to make.
    pub syslog_socket: PathBuf,
    /// Who may write to the socket, as file permissions in octal; `0660` when empty.
    pub socket_mode: String,
    /// Where to listen for syslog over UDP.
    pub syslog_udp: Option<SocketAddr>,
    /// Where to listen for Envoy's access-log service: gRPC without TLS.
    pub envoy: Option<SocketAddr>,
    /// How lines are written.
    pub format: Format,
    /// Whose the requests are.
    pub owner: Attribution,
}

/// How requests are counted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RequestSettings {
    /// Where counts and places in files are kept over a restart; empty for nowhere: counters begin
    /// at zero then, and files are read from their end.
    pub dir: PathBuf,
    /// Kinds of request (app, component, instance, route, method) of one tenant that are told apart.
    pub kinds_max: usize,
}

impl Default for RequestSettings {
    fn default() -> Self {
        Self { dir: PathBuf::new(), kinds_max: 1000 }
    }
}

/// Where a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    File(PathBuf),
    Socket { path: PathBuf, mode: u32 },
    Udp(SocketAddr),
    Envoy(SocketAddr),
}

/// A source that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSource {
    #[error("there are more than {SOURCES_MAX}")]
    TooMany,
    #[error("each needs a name of its own: {0:?}")]
    Name(String),
    #[error("{0}: set exactly one of file, syslog_socket, syslog_udp and envoy")]
    Place(String),
    #[error("{0}: the path must be absolute and name a file")]
    Path(String),
    #[error("{0}: socket_mode must be octal digits such as 0660")]
    Mode(String),
    #[error("{name}.owner: {source}")]
    Owner { name: String, source: InvalidAttribution },
}

/// Checks all of them together.
pub fn validate(sources: &[SourceSettings]) -> Result<(), InvalidSource> {
    if sources.len() > SOURCES_MAX {
        return Err(InvalidSource::TooMany);
    }
    let mut names = BTreeSet::new();
    for source in sources {
        let name = &source.name;
        if name.is_empty() || !names.insert(name) {
            return Err(InvalidSource::Name(name.clone()));
        }
        source.place()?;
        let named = |source| InvalidSource::Owner { name: name.clone(), source };
        source.owner.validate().map_err(named)?;
    }
    Ok(())
}

impl SourceSettings {
    pub(crate) fn place(&self) -> Result<Place, InvalidSource> {
        let set = |path: &Path| (!path.as_os_str().is_empty()).then(|| path.to_path_buf());
        let name = || self.name.clone();
        let mode = match self.socket_mode.as_str() {
            "" => 0o660,
            text => u32::from_str_radix(text, 8)
                .ok()
                .filter(|mode| *mode <= 0o777)
                .ok_or_else(|| InvalidSource::Mode(name()))?,
        };
        let places = [
            set(&self.file).map(Place::File),
            set(&self.syslog_socket).map(|path| Place::Socket { path, mode }),
            self.syslog_udp.map(Place::Udp),
            self.envoy.map(Place::Envoy),
        ];
        let mut places = places.into_iter().flatten();
        let (Some(place), None) = (places.next(), places.next()) else {
            return Err(InvalidSource::Place(name()));
        };
        match &place {
            Place::File(path) | Place::Socket { path, .. }
                if !path.is_absolute() || path.file_name().is_none() =>
            {
                Err(InvalidSource::Path(name()))
            }
            _ => Ok(place),
        }
    }
}

#[cfg(test)]
mod tests;
