//! The sample app's command line.

use std::{ffi::OsString, path::PathBuf};

use crate::fleet::Personality;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Args {
    pub(super) name: String,
    pub(super) personality: Personality,
    pub(super) port: u16,
    pub(super) state_dir: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ArgsError {
    #[error("unknown option {0:?}")]
    Unknown(OsString),
    #[error("{0} is missing or has no valid value")]
    Invalid(&'static str),
}

impl Args {
    /// Pairs of option and value, in any order.
    pub(super) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, ArgsError> {
        let (mut name, mut personality, mut port, mut state_dir) = (None, None, None, None);
        let mut args = args.into_iter();
        while let Some(option) = args.next() {
            let value = args.next();
            let text = value.as_ref().and_then(|value| value.to_str());
            match option.to_str() {
                Some("--name") => name = text.map(str::to_owned),
                Some("--personality") => personality = text.and_then(Personality::from_name),
                Some("--port") => port = text.and_then(|port| port.parse().ok()),
                Some("--state-dir") => state_dir = value.map(PathBuf::from),
                _ => return Err(ArgsError::Unknown(option)),
            }
        }
        Ok(Self {
            name: name.ok_or(ArgsError::Invalid("--name"))?,
            personality: personality.ok_or(ArgsError::Invalid("--personality"))?,
            port: port.ok_or(ArgsError::Invalid("--port"))?,
            state_dir: state_dir.ok_or(ArgsError::Invalid("--state-dir"))?,
        })
    }
}
