//! `tidewatch demo`: everything in one process, with sample apps, their traffic and their faults.

mod faults;
mod script;
mod stage;
mod story;

use std::{path::PathBuf, process::ExitCode};

use daemon::control::ControlClient;
use demo::plan::{Plan, Timing};
use model::event::Event;

use crate::{
    cli,
    exit::{Failure, print},
};
use stage::Stage;

/// How long the teller waits before it asks again.
const RETRY: std::time::Duration = std::time::Duration::from_millis(500);

/// Runs the demo until a signal, or the script to its end.
pub(crate) async fn run(options: cli::Demo) -> Result<(), Failure> {
    let temporary =
        match &options.data_dir {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("tidewatch-demo-").tempdir().map_err(
                |error| Failure::failed(format!("cannot create a temporary directory: {error}")),
            )?),
        };
    let data_dir: PathBuf = match (&options.data_dir, &temporary) {
        (Some(kept), _) => kept.clone(),
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => return Err(Failure::failed("no data directory")),
    };
    let stage = Stage::set(&options, &data_dir).await?;
    let result = if options.script {
        script::run(&stage).await
    } else {
        watch(&options, &stage, &data_dir).await
    };
    let stopped = stage.strike().await;
    result.and(stopped)
}

/// The demo for a person: says where to look, then tells what happens.
async fn watch(
    options: &cli::Demo,
    stage: &Stage,
    data_dir: &std::path::Path,
) -> Result<(), Failure> {
    let kept =
        if options.data_dir.is_some() { "" } else { " (removed at the end; --data-dir keeps it)" };
    print(&format!(
        "Tidewatch demo: three tenants, {} apps, {} processes, real traffic.\n\n\
         \x20 page   {}\n\x20 data   {}{kept}\n\x20 apps   {}\n\n{}\n{}Ctrl-C stops.\n\n",
        stage.fleet.apps().len(),
        stage.fleet.members.len(),
        stage.local.page(),
        data_dir.display(),
        stage.placement(),
        stage.local.hints(),
        if options.no_faults { "" } else { "Faults begin in 20 seconds. " },
    ))?;
    let telling = tell(stage.local.operator_client()?);
    let failing = async {
        if !options.no_faults {
            let plan = Plan::new(stage.fleet.faults(), Timing::WATCHED, daemon::clock::now());
            faults::run(stage, plan).await?;
        }
        std::future::pending::<Result<(), Failure>>().await
    };
    tokio::select! {
        ended = telling => ended,
        ended = failing => ended,
        () = stage.local.until_over() => Ok(()),
    }
}

/// Prints the timeline as it grows.
async fn tell(client: ControlClient) -> Result<(), Failure> {
    let fault = |error: daemon::control::ControlError| Failure::failed(error.to_string());
    let mut last = client.newest_events().await.map_err(fault)?.last;
    loop {
        let page = client.events_after(last, daemon::control::WAIT).await;
        match page {
            Ok(page) => {
                last = page.last;
                for event in &page.events {
                    print(&line(event))?;
                }
            }
            Err(error) if error.is_temporary() => tokio::time::sleep(RETRY).await,
            Err(error) => return Err(fault(error)),
        }
    }
}

fn line(event: &Event) -> String {
    let seconds = event.time.millis().div_euclid(1000).rem_euclid(86_400);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let millis = event.time.millis().rem_euclid(1000);
    format!(
        "{hour:02}:{minute:02}:{second:02}.{millis:03}  {:<17} {:<24} {}\n",
        story::name(event.kind),
        format!("{}/{}", event.target.tenant, event.target.instance),
        event.reason,
    )
}

/// The hidden subcommand that is one sample app.
pub(crate) fn sample_app(args: &cli::PassThrough) -> ExitCode {
    demo::sample_app::main(args.args.iter().map(Into::into))
}

/// The hidden subcommand through which supervised processes start.
pub(crate) fn shim(args: &cli::PassThrough) -> ExitCode {
    supervisor::shim::main(args.args.iter().map(Into::into))
}
