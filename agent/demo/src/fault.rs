//! What can go wrong in a sample app, and how it is told to.
//!
//! An app listens on a Unix socket beside its state and takes one fault's name per connection,
//! `name\n`, which it acknowledges with `ok\n` before it obeys.

use std::{fmt, io, path::Path, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

use crate::fleet::Member;

/// The socket's name in an app's state directory.
pub const CONTROL_SOCKET: &str = "control.sock";
/// The file in an app's state directory that makes it fail at every start.
pub(crate) const CRASH_LOOP_FILE: &str = "crash_loop";
/// How long an app may take to acknowledge.
const INJECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest message in either direction, in bytes.
pub(crate) const MESSAGE_BYTES_MAX: u64 = 64;

/// A fault of a sample app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Its only thread blocks for ever: connections are accepted by the kernel and never answered,
    /// SIGTERM is not heard, the process lives.
    Hang,
    /// Every answer is a 5xx, that of the health endpoint included.
    Errors,
    /// Allocates and touches memory until its limit ends it.
    Leak,
    /// Aborts, once.
    Crash,
    /// Exits with code 1 now and shortly after every later start, until cleared.
    CrashLoop,
}

impl Fault {
    pub const ALL: [Self; 5] = [Self::Hang, Self::Errors, Self::Leak, Self::Crash, Self::CrashLoop];

    pub fn name(self) -> &'static str {
        match self {
            Self::Hang => "hang",
            Self::Errors => "errors",
            Self::Leak => "leak",
            Self::Crash => "crash",
            Self::CrashLoop => "crash_loop",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Not the name of a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown fault: use one of hang, errors, leak, crash, crash_loop")]
pub struct UnknownFault;

impl FromStr for Fault {
    type Err = UnknownFault;
    fn from_str(name: &str) -> Result<Self, UnknownFault> {
        Self::ALL.into_iter().find(|fault| fault.name() == name).ok_or(UnknownFault)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum InjectError {
    /// It is not running, or hangs already.
    #[error("the app cannot be reached")]
    Unreachable(#[source] io::Error),
    #[error("the app did not acknowledge")]
    Refused,
    #[error("the persisted fault cannot be removed")]
    Clear(#[source] io::Error),
}

/// Makes one instance fail.
pub async fn inject(member: &Member, fault: Fault) -> Result<(), InjectError> {
    tell(&member.control, fault.name()).await
}

/// Ends [`Fault::CrashLoop`], whether the instance runs or not, and [`Fault::Errors`] and
/// [`Fault::Leak`] when it still does. A hang is only cured by a restart.
pub async fn clear(member: &Member) -> Result<(), InjectError> {
    match std::fs::remove_file(member.state_dir.join(CRASH_LOOP_FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(InjectError::Clear(error));
        }
        _ => {}
    }
    match tell(&member.control, "none").await {
        // Nothing runs that would have to be told.
        Err(InjectError::Unreachable(_)) => Ok(()),
        result => result,
    }
}

async fn tell(control: &Path, what: &str) -> Result<(), InjectError> {
    let told = async {
        let mut stream = UnixStream::connect(control).await?;
        stream.write_all(format!("{what}\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.take(MESSAGE_BYTES_MAX).read_to_string(&mut answer).await?;
        Ok(answer)
    };
    let late = || InjectError::Unreachable(io::ErrorKind::TimedOut.into());
    let answer = timeout(INJECT_TIMEOUT, told).await.map_err(|_| late())?;
    match answer.map_err(InjectError::Unreachable)?.as_str() {
        "ok\n" => Ok(()),
        _ => Err(InjectError::Refused),
    }
}

#[cfg(test)]
mod tests;
