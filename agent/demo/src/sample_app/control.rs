//! Takes faults on the control socket and makes them happen.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    time::timeout,
};

use super::{say, serve::App};
use crate::fault::{CONTROL_SOCKET, CRASH_LOOP_FILE, Fault, MESSAGE_BYTES_MAX};

/// How long a message may take to arrive.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(1);
/// A leak of 16 MiB/s: seconds until the limit, so that it can be watched.
const LEAK_BYTES: usize = 1024 * 1024;
const LEAK_PERIOD: Duration = Duration::from_micros(62_500);
/// Every page is touched, or it would not count.
const PAGE_BYTES: usize = 4096;

/// Serves one message after the other, for ever.
pub(super) async fn serve(app: Arc<App>) -> io::Result<Infallible> {
    let path = app.args.state_dir.join(CONTROL_SOCKET);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    loop {
        let (stream, _) = listener.accept().await?;
        if let Ok(Err(error)) = timeout(MESSAGE_TIMEOUT, take(&app, stream)).await {
            say(&format!("warn control: {error}"));
        }
    }
}

async fn take(app: &Arc<App>, mut stream: UnixStream) -> io::Result<()> {
    let mut message = Vec::new();
    while !message.ends_with(b"\n") {
        if message.len() as u64 >= MESSAGE_BYTES_MAX || stream.read_buf(&mut message).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let name = String::from_utf8_lossy(&message);
    let fault = match name.trim() {
        "none" => None,
        name => Some(name.parse::<Fault>().map_err(io::Error::other)?),
    };
    if fault == Some(Fault::CrashLoop) {
        std::fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .open(app.args.state_dir.join(CRASH_LOOP_FILE))?;
    }
    stream.write_all(b"ok\n").await?;
    stream.shutdown().await?;
    // What happens next may never end.
    drop(stream);
    obey(app, fault);
    Ok(())
}

fn obey(app: &Arc<App>, fault: Option<Fault>) {
    app.set_failing(fault == Some(Fault::Errors));
    app.set_leaking(fault == Some(Fault::Leak));
    match fault {
        None | Some(Fault::Errors) => {}
        Some(Fault::Leak) => {
            tokio::spawn(leak(Arc::clone(app)));
        }
        Some(Fault::Hang) => loop {
            // The only thread waits for itself: a deadlock.
            std::thread::park();
        },
        Some(Fault::Crash) => {
            say("error assertion failed: order.total >= 0");
            std::process::abort()
        }
        Some(Fault::CrashLoop) => {
            say("error fatal: the schema of the database is newer than this release");
            #[expect(clippy::exit, reason = "dying at once is the fault's purpose")]
            std::process::exit(1)
        }
    }
}

/// Until told to stop, or until the limit.
async fn leak(app: Arc<App>) {
    let mut leaked: Vec<Vec<u8>> = Vec::new();
    let mut ticks = tokio::time::interval(LEAK_PERIOD);
    while app.is_leaking() {
        ticks.tick().await;
        let mut block = vec![0_u8; LEAK_BYTES];
        block.iter_mut().step_by(PAGE_BYTES).for_each(|byte| *byte = 1);
        leaked.push(block);
    }
}
