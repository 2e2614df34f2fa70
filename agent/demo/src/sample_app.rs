//! What runs in each process of the sample platform: a small HTTP server that really computes,
//! remembers and writes, and really fails when told to.
//!
//! One thread serves everything, as in many customers' apps: what blocks it blocks the whole app.

mod args;
mod control;
mod pages;
mod serve;
mod work;

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use self::{args::Args, serve::App};
use crate::fault::CRASH_LOOP_FILE;

/// The port may still be held by a predecessor that is on its way out.
const BIND_ATTEMPTS: usize = 50;
const BIND_PERIOD: Duration = Duration::from_millis(20);
/// How long a start goes on before a persisted crash loop ends it.
const CRASH_LOOP_DELAY: Duration = Duration::from_millis(50);
const EXIT_ARGUMENTS: u8 = 2;
/// For the one helper thread that waits for the disk.
const THREAD_STACK_BYTES: usize = 256 * 1024;

/// The process's entry point. Arguments: `--name NAME --personality shop|api|worker --port PORT
/// --state-dir DIRECTORY`. Ends on SIGTERM with success, or as its fault demands.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::parse(args) {
        Ok(args) => args,
        Err(error) => {
            say(&format!("error {error}"));
            return ExitCode::from(EXIT_ARGUMENTS);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .thread_stack_size(THREAD_STACK_BYTES)
        .build();
    let result = runtime.and_then(|runtime| runtime.block_on(run(args)));
    match result {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> io::Result<ExitCode> {
    say(&format!("info {} starting on port {}", args.name, args.port));
    if args.state_dir.join(CRASH_LOOP_FILE).exists() {
        tokio::time::sleep(CRASH_LOOP_DELAY).await;
        say("error fatal: the schema of the database is newer than this release");
        return Ok(ExitCode::FAILURE);
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = bind(args.port).await?;
    let app = Arc::new(App::new(args)?);
    tokio::select! {
        result = control::serve(Arc::clone(&app)) => result.map(|never| match never {}),
        () = serve::serve(Arc::clone(&app), listener) => Ok(ExitCode::FAILURE),
        () = work::in_background(Arc::clone(&app)) => Ok(ExitCode::FAILURE),
        _ = terminate.recv() => {
            say("info stopping");
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn bind(port: u16) -> io::Result<TcpListener> {
    for _ in 1..BIND_ATTEMPTS {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                tokio::time::sleep(BIND_PERIOD).await;
            }
            result => return result,
        }
    }
    TcpListener::bind(("127.0.0.1", port)).await
}

/// Prints a line of the app's log. An app whose log nobody takes goes on.
fn say(line: &str) {
    io::stdout().write_all(format!("{line}\n").as_bytes()).ok();
}

#[cfg(test)]
mod tests;
